package controllers

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/audit"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
)

// Guards is what the reconcilers know of guardrails together.
type Guards struct {
	// Kind follows ClusterNetworkPolicies.
	Kind *Optional

	mu      sync.Mutex
	known   map[string]guardedAs
	look    func()
	changed func(profile string)
	// waiting are the namespaces of each profile that must not get other labels yet.
	waiting map[string]map[string]bool
	wake    func(namespaces []string)
	// judging are the policies by which NetworkPolicies of others are judged, and rejudge has that done anew.
	judging *audit.Guards
	rejudge func()
}

// guardedAs is what is known of the guardrails of one generation of a profile.
type guardedAs struct {
	identity identity
	guard    status.Guard
}

// NewGuards returns guardrails of which nothing is known.
func NewGuards(kind *Optional) *Guards {
	g := &Guards{
		Kind: kind, known: map[string]guardedAs{}, look: func() {}, changed: func(string) {},
		waiting: map[string]map[string]bool{}, wake: func([]string) {}, rejudge: func() {},
	}
	kind.Notify(g.saw)
	return g
}

// lookWith sets what has all guardrails looked at.
func (g *Guards) lookWith(look func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.look = look
}

// changedWith sets what is called with profiles of whose guardrails something else is known.
func (g *Guards) changedWith(changed func(profile string)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changed = changed
}

// wakeWith sets what is called with namespaces that waited for guardrails.
func (g *Guards) wakeWith(wake func(namespaces []string)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wake = wake
}

// rejudgeWith sets what has NetworkPolicies of others judged anew.
func (g *Guards) rejudgeWith(rejudge func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rejudge = rejudge
}

// judgeBy takes note of the ClusterNetworkPolicies of the cluster. What they deny, NetworkPolicies do not open: as far as
// the engine is known to enforce them.
func (g *Guards) judgeBy(observed []*policyv1alpha2.ClusterNetworkPolicy, found engine.Found) {
	var judging *audit.Guards
	if reading, _ := found.Guards(); reading == engine.Enforced {
		judging = audit.NewGuards(observed)
	}
	g.mu.Lock()
	before, rejudge := g.judging, g.rejudge
	g.judging = judging
	g.mu.Unlock()
	if before.Digest() != judging.Digest() {
		rejudge()
	}
}

// judgement are the policies by which NetworkPolicies of others are judged; nil if there are none.
func (g *Guards) judgement() *audit.Guards {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.judging
}

// saw has guardrails looked at of which the watch showed something else, and wakes up who waited for it.
func (g *Guards) saw(changed client.Object) {
	g.mu.Lock()
	var woken []string
	for profile, names := range g.waiting {
		if changed == nil || changed.GetName() == guardrail.DenyName(profile) {
			woken = slices.AppendSeq(woken, maps.Keys(names))
			delete(g.waiting, profile)
		}
	}
	look, wake := g.look, g.wake
	g.mu.Unlock()
	look()
	if len(woken) > 0 {
		wake(woken)
	}
}

// of is what is known of the guardrails of a generation of a profile.
func (g *Guards) of(profile *v1alpha1.SegmentationProfile) status.Guard {
	if g == nil {
		return status.Guard{}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if known := g.known[profile.Name]; known.identity == identify(profile) {
		return known.guard
	}
	return status.Guard{}
}

// absent takes note that profiles that want to be guarded are not, as the cluster does not have the kind, or it is not read
// yet.
func (g *Guards) absent(wanted map[string]*compiled) {
	isInstalled, bundle := g.Kind.IsInstalled()
	known := map[string]guardedAs{}
	for name, c := range wanted {
		known[name] = guardedAs{c.identity, status.Guard{IsKnown: !isInstalled, IsInstalled: isInstalled, Bundle: bundle}}
	}
	g.update(known)
}

// record takes note of what came of a look.
func (g *Guards) record(wanted map[string]*compiled, next *guardrail.Next, err error) {
	_, bundle := g.Kind.IsInstalled()
	known := map[string]guardedAs{}
	for profile, p := range next.Profiles {
		known[profile] = guardedAs{wanted[profile].identity, status.Guard{
			IsKnown: true, IsInstalled: true, Bundle: bundle,
			Exempt: p.Exempt, Objects: p.Objects, IsPending: p.Pending, IsFailing: err != nil && p.Pending,
			Findings: p.Findings, IsClosed: p.Closed,
		}}
	}
	g.update(known)
}

func (g *Guards) update(known map[string]guardedAs) {
	g.mu.Lock()
	before, changed := g.known, g.changed
	g.known = known
	g.mu.Unlock()
	for profile, now := range known {
		if was, isKnown := before[profile]; !isKnown || !reflect.DeepEqual(was, now) {
			changed(profile)
		}
	}
}

// hold tells whether the guardrails of a profile deny on the side of a namespace whose labels are about to change. Then it
// must not get others yet, and the guardrails are looked at.
func (g *Guards) hold(ctx context.Context, profile string, namespace client.Object) (bool, error) {
	if profile == "" {
		return false, nil
	}
	g.wait(profile, namespace.GetName(), true) // Before it is looked, so that no change in between is missed.
	reader, isKnown := g.Kind.Known()
	if !isKnown {
		return true, nil // There may be guardrails.
	}
	if reader == nil {
		g.wait(profile, namespace.GetName(), false)
		return false, nil
	}
	deny := &policyv1alpha2.ClusterNetworkPolicy{}
	err := reader.Get(ctx, client.ObjectKey{Name: guardrail.DenyName(profile)}, deny, client.UnsafeDisableDeepCopy)
	if err != nil || !guardrail.Holds(deny, namespace.GetName()) {
		g.wait(profile, namespace.GetName(), false)
		return false, client.IgnoreNotFound(err)
	}
	g.mu.Lock()
	look := g.look
	g.mu.Unlock()
	look()
	return true, nil
}

// wait takes note of whether a namespace waits.
func (g *Guards) wait(profile, namespace string, waits bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case !waits:
		delete(g.waiting[profile], namespace)
	case g.waiting[profile] == nil:
		g.waiting[profile] = map[string]bool{namespace: true}
	default:
		g.waiting[profile][namespace] = true
	}
}

// echoes are writes that the cache does not show yet, by the name of the object. The zero value has none. One goroutine
// uses it.
type echoes struct {
	expected map[string]string
	since    time.Time
}

// echoWait is how long the cache is waited for at most, and echoRetry how often it is looked at.
const (
	echoWait  = 5 * time.Second
	echoRetry = 20 * time.Millisecond
)

// wrote takes note of a write; without a version, of a deletion.
func (e *echoes) wrote(name, version string, now time.Time) {
	if e.expected == nil {
		e.expected = map[string]string{}
	}
	e.expected[name], e.since = version, now
}

// outstanding tells how long to wait for the cache to show what was written; zero if it shows all of it.
func (e *echoes) outstanding(observed []*policyv1alpha2.ClusterNetworkPolicy, now time.Time) time.Duration {
	shown := map[string]string{}
	for _, o := range observed {
		shown[o.Name] = o.ResourceVersion
	}
	return e.unsettled(shown, now)
}

// unsettled is outstanding for objects of which the versions are shown.
func (e *echoes) unsettled(shown map[string]string, now time.Time) time.Duration {
	for name, version := range e.expected {
		if isShown(shown[name], version) || now.Sub(e.since) > echoWait {
			delete(e.expected, name)
		}
	}
	if len(e.expected) == 0 {
		return 0
	}
	return echoRetry
}

func isShown(shown, expected string) bool {
	if expected == "" || shown == "" {
		return shown == expected
	}
	order, err := resourceversion.CompareResourceVersion(shown, expected)
	return err != nil || order >= 0
}
