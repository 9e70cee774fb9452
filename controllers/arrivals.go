package controllers

import (
	"sync"
	"time"

	"github.com/segmentation-dev/segmentation-operator/internal/apply"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// arrivals time how long namespaces wait until they are isolated, and until they are members. A namespace
// is forgotten once it is a member, or there is nothing to wait for. Its zero value is empty.
type arrivals struct {
	mu    sync.Mutex
	since map[string]arrival
}

// arrival is a namespace that is waiting, or may be.
type arrival struct {
	// at is when the wait began.
	at time.Time
	// waits is set once the namespace was found to be claimed and not isolated.
	waits bool
	// isIsolated is set once it is isolated, and waits to become a member.
	isIsolated bool
}

// standing is how far a namespace is, as far as arrivals are concerned.
type standing struct {
	// isClaimed is set if a profile claims the namespace.
	isClaimed bool
	// isIsolated is set if policies of the operator's are in place.
	isIsolated bool
	// isMember is set if it has the labels that are due.
	isMember bool
}

// saw takes note that the watch showed a namespace otherwise than before. The first time counts.
func (a *arrivals) saw(namespace string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.since[namespace]; !known {
		a.put(namespace, arrival{at: now})
	}
}

func (a *arrivals) put(namespace string, v arrival) {
	if a.since == nil {
		a.since = map[string]arrival{}
	}
	a.since[namespace] = v
}

func (a *arrivals) forget(namespace string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.since, namespace)
}

// begin takes note of how a namespace is before it is worked on. If the watch showed nothing new of it, it is
// claimed since the profiles were taken; but one that was claimed already has lost its policies, and not
// arrived.
func (a *arrivals) begin(namespace string, is standing, wasClaimed bool, taken time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v, known := a.since[namespace]
	switch {
	case is.isClaimed && v.waits:
	case !is.isClaimed, is.isIsolated, !known && wasClaimed:
		delete(a.since, namespace)
	case known:
		v.waits = true
		a.put(namespace, v)
	default:
		a.put(namespace, arrival{at: taken, waits: true})
	}
}

// end takes note of how a namespace is after it was worked on.
func (a *arrivals) end(namespace string, is standing, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v, known := a.since[namespace]
	if !known || !v.waits || !is.isIsolated {
		return
	}
	if !v.isIsolated {
		isolation.Observe(now.Sub(v.at).Seconds())
		v.isIsolated = true
		a.put(namespace, v)
	}
	if is.isMember {
		joining.Observe(now.Sub(v.at).Seconds())
		delete(a.since, namespace)
	}
}

// arriving takes note of a namespace that is about to be worked on.
func (r *NamespaceReconciler) arriving(profiles *snapshot, d *claim.Decision, observed *apply.Observed) {
	is := standing{isClaimed: d.Outcome == claim.Claimed, isIsolated: observed.IsIsolated()}
	before, known := r.Ledger.get(observed.Namespace.Name)
	r.arrivals.begin(observed.Namespace.Name, is, known && before.Decision.Outcome == claim.Claimed, profiles.taken)
}

// arrived takes note of what came of it.
func (r *NamespaceReconciler) arrived(namespace string, d *claim.Decision, progress *transition.Progress) {
	r.arrivals.end(namespace, standing{
		isClaimed:  d.Outcome == claim.Claimed,
		isIsolated: d.Outcome == claim.Claimed && progress.Reached > transition.Behind,
		isMember:   d.Outcome == claim.Claimed && progress.Labelled,
	}, time.Now())
}
