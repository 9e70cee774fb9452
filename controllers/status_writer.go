package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	applyv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/applyconfiguration/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// statusInterval is the shortest time between two writes of one profile's status.
const statusInterval = time.Second

// applyStatus applies the status and returns the resource version that it got.
func applyStatus(
	ctx context.Context, c client.StatusClient, profile *v1alpha1.SegmentationProfile, want v1alpha1.SegmentationProfileStatus,
) (string, error) {
	raw, err := json.Marshal(want)
	if err != nil {
		return "", fmt.Errorf("marshalling: %w", err)
	}
	config := applyv1alpha1.SegmentationProfile(profile.Name).WithUID(profile.UID).
		WithStatus(applyv1alpha1.SegmentationProfileStatus())
	if err := json.Unmarshal(raw, config.Status); err != nil {
		return "", fmt.Errorf("unmarshalling: %w", err)
	}
	if err := c.Status().Apply(ctx, config, client.ForceOwnership, client.FieldOwner(v1alpha1.ManagedByValue)); err != nil {
		return "", err
	}
	if config.ResourceVersion == nil {
		return "", nil
	}
	return *config.ResourceVersion, nil
}

// pace keeps status writes apart, and keeps a status from being written again before the
// cache shows it.
type pace struct {
	mu    sync.Mutex
	write map[string]lastWrite
	// unsettled is since when a profile that was ready has had work to do.
	unsettled map[string]time.Time
}

type lastWrite struct {
	version string
	at      time.Time
}

// wait returns how long to wait before the profile's status may be written.
func (p *pace) wait(profile *v1alpha1.SegmentationProfile, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, written := p.write[profile.Name]
	if !written {
		return 0
	}
	if wait := last.at.Add(statusInterval).Sub(now); wait > 0 {
		return wait
	}
	order, err := resourceversion.CompareResourceVersion(profile.ResourceVersion, last.version)
	if err == nil && order < 0 && now.Before(last.at.Add(5*statusInterval)) {
		return statusInterval
	}
	return 0
}

// wrote takes note of a write, and tells whether it changed anything: a cache that lags for long makes
// the same status be written again.
func (p *pace) wrote(profile, version string, at time.Time) (changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.write == nil {
		p.write = map[string]lastWrite{}
	}
	changed = version == "" || p.write[profile].version != version
	p.write[profile] = lastWrite{version: version, at: at}
	return changed
}

func (p *pace) forget(profile string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.write, profile)
	delete(p.unsettled, profile)
}

// settle returns how long to wait for work that has just come up to be done. Drift is mended
// and a namespace joins within milliseconds: without the wait, each would take Ready away and
// give it back, and tell everybody who watches the profile's health.
func (p *pace) settle(profile *v1alpha1.SegmentationProfile, want *v1alpha1.SegmentationProfileStatus, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	wasReady := profile.Status.ObservedGeneration == profile.Generation &&
		meta.IsStatusConditionTrue(profile.Status.Conditions, v1alpha1.ConditionReady)
	ready := meta.FindStatusCondition(want.Conditions, v1alpha1.ConditionReady)
	if !wasReady || ready == nil || ready.Status != metav1.ConditionUnknown {
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
