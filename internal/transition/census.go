package transition

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// Census counts, for each profile, the namespaces whose labels are due to change and those whose
// policies are not ready for it. It is made anew from the cluster when the operator starts. It
// may be used by several goroutines.
type Census struct {
	mu     sync.Mutex
	serial int64
	places map[string]Place
	counts map[string]*counts
	// mistaken are the members of any profile, and those about to be, that a tier selects and is not due to have.
	mistaken byTier
	// kept are members that stay in a tier that does not select them.
	kept byTier
	// leaving are the namespaces that are due to lose their labels.
	leaving map[string]bool
	// waiting are the namespaces of each profile that wait for others.
	waiting map[string]map[string]bool
	wake    func(namespaces []string)
	// writing is the number of writes under way, and halted is set if no other may begin.
	writing int
	halted  bool
	// awaiting are the namespaces that are woken up when the writes under way have ended.
	awaiting map[string]bool
	callers  callers
	// groups are those by which is counted, and linked those from the next Take on.
	groups, linked Groups
}

// NewCensus returns an empty census.
func NewCensus() *Census {
	return &Census{
		places: map[string]Place{}, counts: map[string]*counts{}, mistaken: byTier{}, kept: byTier{},
		leaving: map[string]bool{},
		waiting: map[string]map[string]bool{}, wake: func([]string) {},
		awaiting: map[string]bool{}, callers: newCallers(),
	}
}

// WakeWith sets what is called with namespaces that need not wait any more.
func (c *Census) WakeWith(wake func(namespaces []string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wake = wake
}

// Link has profiles that have paths to one another counted as if they were one, from the next Take on.
func (c *Census) Link(groups Groups) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.linked = groups
}

// Take takes all namespaces anew, when profiles have changed. What was known of a namespace
// still counts if its place is the same. The serial number grows with each change; what is
// said under an earlier one does not count any more.
func (c *Census) Take(serial int64, places map[string]Place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serial, c.halted, c.groups = serial, false, c.linked
	known, waiting := c.places, c.waiting
	c.places, c.counts, c.waiting = map[string]Place{}, map[string]*counts{}, map[string]map[string]bool{}
	c.mistaken, c.kept, c.leaving = byTier{}, byTier{}, map[string]bool{}
	c.callers.clear()
	for namespace, place := range places {
		if old, was := known[namespace]; was {
			place = place.remembering(&old)
		}
		c.put(namespace, place)
	}
	woken := map[string]bool{}
	for _, namespaces := range waiting {
		maps.Copy(woken, namespaces)
	}
	c.followAll(known, woken)
	c.wake(slices.Sorted(maps.Keys(woken)))
}

// Enter takes note of where a namespace is and where it is due, and returns what it may do. It
// is not current if profiles have changed since the place was found.
func (c *Census) Enter(serial int64, namespace string, place Place) (view View, current bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if serial != c.serial {
		return View{}, false
	}
	if old, was := c.places[namespace]; was {
		place = place.knowing(&old)
	}
	place.lookedAt = true
	delete(c.callers.soon, namespace)
	c.move(namespace, place)
	return c.view(&place), true
}

// Report takes note of how far a namespace is after a look at it in which the view was seen. A
// namespace that has to wait is woken up when that may have changed; if it has changed
// since, Report says so, and the namespace should be looked at again.
func (c *Census) Report(serial int64, namespace string, seen View, progress Progress, now time.Time) (again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	place, known := c.places[namespace]
	if !known || serial != c.serial {
		return known
	}
	if !progress.Throttled {
		// What was put off may be the access that others wait to be taken away.
		c.told(namespace, seen.Callers)
	}
	present := c.view(&place)
	present.WasExact = seen.WasExact
	again = progress.Waiting && present != seen
	place.progress = progress.since(&place.progress, now)
	if progress.Labelled {
		place.has(place.Due)
	}
	if progress.Released {
		place.Isolated = false
	}
	if progress.Waiting {
		for _, profile := range c.groups.of(&place) {
			if c.waiting[profile] == nil {
				c.waiting[profile] = map[string]bool{}
			}
			c.waiting[profile][namespace] = true
		}
	}
	c.move(namespace, place)
	return again
}

// Labelled takes note of what the operator has made the labels of a namespace say. If it is not sure, others
// reckon with whatever is due to it, until it was looked at again.
func (c *Census) Labelled(namespace string, now Membership, sure bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	place, known := c.places[namespace]
	switch {
	case !known:
		return
	case sure:
		place.has(now)
	default:
		place.isDoubtful = true
	}
	c.move(namespace, place)
}

// Wrote tells whether the operator has changed the membership labels of a namespace since it last looked
// at it, and what they said before and say now. Others may not see it yet.
func (c *Census) Wrote(namespace string) (before, now Membership, wrote bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	place := c.places[namespace]
	return place.before, place.Has, place.wrote
}

// Exceptions returns the namespaces that selectors and labels of a profile are wrong about.
func (c *Census) Exceptions(profile string) *render.Exceptions {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := &render.Exceptions{
		Mistaken: c.mistaken.of(profile),
		Kept:     c.kept.of(profile),
		Leaving:  listed(c.leaving),
	}
	for _, other := range c.groups.With(profile) {
		if out.Others == nil {
			out.Others = map[string]*render.Exceptions{}
		}
		out.Others[other] = &render.Exceptions{Mistaken: c.mistaken.of(other), Kept: c.kept.of(other)}
	}
	return out
}

// maxListed bounds the lists of exceptions, since they become a part of policies.
const maxListed = 256

func listed(namespaces map[string]bool) []string {
	if len(namespaces) > maxListed {
		return nil
	}
	return slices.Sorted(maps.Keys(namespaces))
}

// byTier are sets of namespaces by tier.
type byTier map[Membership]map[string]bool

func (b byTier) of(profile string) map[string][]string {
	out := map[string][]string{}
	for tier, namespaces := range b {
		if tier.Profile == profile {
			out[tier.Tier] = listed(namespaces)
		}
	}
	return out
}

func (b byTier) insert(tier Membership, namespace string) {
	if b[tier] == nil {
		b[tier] = map[string]bool{}
	}
	b[tier][namespace] = true
}

func (b byTier) delete(tier Membership, namespace string) {
	delete(b[tier], namespace)
	if len(b[tier]) == 0 {
		delete(b, tier)
	}
}

// Forget drops a namespace that is gone.
func (c *Census) Forget(namespace string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.places[namespace]; known {
		c.move(namespace, Place{})
		delete(c.places, namespace)
	}
	for _, waiting := range c.waiting {
		delete(waiting, namespace)
	}
	delete(c.awaiting, namespace)
	delete(c.callers.soon, namespace)
	c.told(namespace, c.callers.changes)
}

// move changes the place of a namespace, and wakes those up who waited for that.
func (c *Census) move(namespace string, place Place) {
	old := c.places[namespace]
	before := c.snapshot(&old, &place)
	c.remove(namespace, old)
	c.put(namespace, place)
	woken := map[string]bool{}
	for profile, was := range before {
		if c.of(profile).allowsMoreThan(&was) {
			c.rouse(profile, namespace, woken)
		}
	}
	c.follow(&old, &place, woken)
	c.wakeAll(woken)
}

func (c *Census) wakeAll(woken map[string]bool) {
	if len(woken) > 0 {
		c.wake(slices.Sorted(maps.Keys(woken)))
	}
}

// rouse collects those who wait for a profile, but for the one whose move it is.
func (c *Census) rouse(profile, mover string, woken map[string]bool) {
	for namespace := range c.waiting[profile] {
		if namespace != mover {
			woken[namespace] = true
			delete(c.waiting[profile], namespace)
		}
	}
}

func (c *Census) snapshot(places ...*Place) map[string]counts {
	out := map[string]counts{}
	for _, place := range places {
		for _, profile := range c.groups.of(place) {
			out[profile] = *c.of(profile)
		}
	}
	return out
}

func (c *Census) of(profile string) *counts {
	if c.counts[profile] == nil {
		c.counts[profile] = &counts{}
	}
	return c.counts[profile]
}

func (c *Census) put(namespace string, place Place) {
	c.places[namespace] = place
	c.add(&place, 1)
	c.callers.insert(namespace, &place)
	if place.Role() == Leaving {
		c.leaving[namespace] = true
	}
	for _, of := range place.Mistaken {
		if place.Has != (Membership{}) || place.Due != (Membership{}) { // Others are open, to who joins as well.
			c.mistaken.insert(of, namespace)
		}
	}
	if place.Kept {
		c.kept.insert(place.Due, namespace)
	}
}

func (c *Census) remove(namespace string, place Place) {
	if _, known := c.places[namespace]; known {
		c.add(&place, -1)
	}
	c.callers.remove(namespace, &place)
	delete(c.leaving, namespace)
	for _, of := range place.Mistaken {
		c.mistaken.delete(of, namespace)
	}
	c.kept.delete(place.Due, namespace)
}

func (c *Census) add(place *Place, n int) {
	for _, profile := range c.groups.of(place) {
		of := c.of(profile)
		of.add(place.countsIn(profile, c.groups), n)
		if *of == (counts{}) {
			delete(c.counts, profile)
		}
	}
}

// String says what is counted, for tests.
func (c *Census) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.places)) {
		place := c.places[name]
		fmt.Fprintf(&out, "%s: %+v sees %+v\n", name, place, c.view(&place))
	}
	for _, profile := range slices.Sorted(maps.Keys(c.waiting)) {
		fmt.Fprintf(&out, "for %q wait %v, counts %+v\n", profile, slices.Sorted(maps.Keys(c.waiting[profile])), *c.of(profile))
	}
	return out.String()
}
