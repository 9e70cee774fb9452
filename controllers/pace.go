package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

const (
	// statusInterval is the time between two writes of one profile's status, but for the one that says that all is
	// done: who waits for that is told at once, though of one generation not more often either.
	statusInterval = time.Second
	// lookInterval is the shortest time between two looks at all namespaces of a profile.
	lookInterval = 50 * time.Millisecond
	// lookShare is the part of the time, one in so many, that may be spent on looking at all namespaces while they
	// change.
	lookShare = 20
	// lag is how long the cache may take to show a status before it is written once more.
	lag = 5 * statusInterval
	// tellInterval is how long it is not told again that something of one kind was found about a profile. Who may write
	// a Service, or a pod, may have it found and not found as often as he likes.
	tellInterval = 10 * time.Minute
)

// pace keeps status writes apart, and keeps a status from being written again before the
// cache shows it. The zero value is ready to be used.
type pace struct {
	mu    sync.Mutex
	write map[string]lastWrite
	looks map[string]time.Time
	// unsettled is since when a profile that was ready has had work to do.
	unsettled map[string]time.Time
	// told is when it was last told that something was found about a profile, by its reason.
	told map[string]map[string]time.Time
}

// mayTell tells whether it may be told that something was found about a profile, and takes note of it if so.
func (p *pace) mayTell(profile, reason string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last, told := p.told[profile][reason]; told && now.Before(last.Add(tellInterval)) {
		return false
	}
	if p.told == nil {
		p.told = map[string]map[string]time.Time{}
	}
	if p.told[profile] == nil {
		p.told[profile] = map[string]time.Time{}
	}
	p.told[profile][reason] = now
	return true
}

type lastWrite struct {
	version string
	at      time.Time
	// done is when it was last told that all is done, of which generation.
	done       time.Time
	generation int64
}

// look returns how long to wait before all namespaces of a profile may be looked at.
func (p *pace) look(profile string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.looks[profile].Sub(now))
}

// looked takes note of a look at all namespaces of a profile. The next one may come the later the longer it took.
func (p *pace) looked(profile string, began, ended time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.looks == nil {
		p.looks = map[string]time.Time{}
	}
	p.looks[profile] = ended.Add(min(max(lookInterval, lookShare*ended.Sub(began)), statusInterval))
}

// behind returns how long to wait before the cache is asked again, if it does not show the last status yet; zero if it
// does, or should have for long.
func (p *pace) behind(profile *v1alpha1.SegmentationProfile, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, written := p.write[profile.Name]
	if written && isOlder(profile, last.version) && now.Before(last.at.Add(lag)) {
		return lookInterval
	}
	return 0
}

// wait returns how long to wait before a status may be written. The cache has to show the last one: see behind.
func (p *pace) wait(profile *v1alpha1.SegmentationProfile, want *v1alpha1.SegmentationProfileStatus, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, written := p.write[profile.Name]
	switch {
	case !written:
		return 0
	case isDone(profile, want) && (last.generation != profile.Generation || !now.Before(last.done.Add(statusInterval))):
		return 0
	default:
		return max(0, last.at.Add(statusInterval).Sub(now))
	}
}

// isOlder tells whether the cache does not show a version yet.
func isOlder(profile client.Object, version string) bool {
	order, err := resourceversion.CompareResourceVersion(profile.GetResourceVersion(), version)
	return err == nil && order < 0
}

// isReady tells whether a status says that all is done for a generation.
func isReady(status *v1alpha1.SegmentationProfileStatus, generation int64) bool {
	return status.ObservedGeneration == generation && meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady)
}

// isDone tells whether it is news that all is done.
func isDone(profile *v1alpha1.SegmentationProfile, want *v1alpha1.SegmentationProfileStatus) bool {
	return isReady(want, profile.Generation) && !isReady(&profile.Status, profile.Generation)
}

// wrote takes note of a write, and tells whether it changed anything: a cache that lags for long makes
// the same status be written again.
func (p *pace) wrote(
	profile *v1alpha1.SegmentationProfile, want *v1alpha1.SegmentationProfileStatus, version string, at time.Time,
) (changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.write == nil {
		p.write = map[string]lastWrite{}
	}
	last := p.write[profile.Name]
	changed = version == "" || last.version != version
	if isDone(profile, want) {
		last.done, last.generation = at, profile.Generation
	}
	last.version, last.at = version, at
	p.write[profile.Name] = last
	return changed
}

func (p *pace) forget(profile string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.write, profile)
	delete(p.looks, profile)
	delete(p.unsettled, profile)
	delete(p.told, profile)
}

// settle returns how long to wait for work that has just come up to be done. Drift is mended
// and a namespace joins within milliseconds: without the wait, each would take Ready away and
// give it back, and tell everybody who watches the profile's health.
func (p *pace) settle(profile *v1alpha1.SegmentationProfile, want *v1alpha1.SegmentationProfileStatus, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	ready := meta.FindStatusCondition(want.Conditions, v1alpha1.ConditionReady)
	if !isReady(&profile.Status, profile.Generation) || ready == nil || ready.Status != metav1.ConditionUnknown {
		delete(p.unsettled, profile.Name)
		return 0
	}
	since, known := p.unsettled[profile.Name]
	if !known {
		if p.unsettled == nil {
			p.unsettled = map[string]time.Time{}
		}
		p.unsettled[profile.Name] = now
		return statusInterval
	}
	return max(0, since.Add(statusInterval).Sub(now))
}
