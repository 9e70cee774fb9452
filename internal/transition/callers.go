package transition

import (
	"maps"
	"slices"
)

// Access follows membership. The service accounts of a tier's namespaces may have roles in the namespaces of
// other tiers: the first are callers, the second are called. When a namespace ceases to be a caller, those
// that it called are asked to take its access away first; only then may its labels change, and be it opened.
// One in which that fails is tried again, and not waited for: nobody is to be kept in a tier by it.

// callers are the namespaces whose service accounts have what is granted to their tier.
type callers struct {
	// of are the callers of each tier, and listed the same, sorted, as long as it does not change.
	of     map[Membership]map[string]bool
	listed map[Membership][]string
	// called are, for each tier, the tiers in which its service accounts have roles, by the profiles as they
	// are, and former by those of before.
	called, former map[Membership][]Membership
	// held are the same by what is in namespaces whose profile does not say it any more, or cannot be read.
	held map[Membership][]Membership
	// in are the namespaces that have the labels of a tier, or are due to have them.
	in map[Membership]map[string]bool
	// changes counts the callers that came to be or ceased to be. Of each tier that lost one, untold are the
	// namespaces that were not looked at since, with the count of then; and owed are those that have not got yet
	// what any change means to them.
	changes int64
	untold  map[Membership]map[string]int64
	owed    map[string]int64
	// soon are the namespaces that are about to be looked at for callers that came.
	soon     map[string]bool
	wakeSoon func(namespaces []string)
	owe      func(namespace string)
}

func newCallers() callers {
	return callers{
		of: map[Membership]map[string]bool{}, listed: map[Membership][]string{},
		in: map[Membership]map[string]bool{}, untold: map[Membership]map[string]int64{},
		held: map[Membership][]Membership{}, owed: map[string]int64{},
		soon: map[string]bool{}, wakeSoon: func([]string) {}, owe: func(string) {},
	}
}

// clear drops all namespaces, which are about to be taken anew. What others have not been told of yet stays.
func (c *callers) clear() {
	clear(c.of)
	clear(c.listed)
	clear(c.in)
}

// WakeSoonWith sets what is called with namespaces that others have come to call, while still more are about
// to: each has to be looked at only once for all that come within a while.
func (c *Census) WakeSoonWith(wake func(namespaces []string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.callers.wakeSoon = wake
}

// OweWith sets what is called with a namespace that is not as it should be any more, as others have come to call
// it or ceased to.
func (c *Census) OweWith(owe func(namespace string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.callers.owe = owe
}

// IsOwed tells whether a namespace was not looked at since its callers changed.
func (c *Census) IsOwed(namespace string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, owed := c.callers.owed[namespace]
	return owed
}

// Called takes note of the tiers in which the service accounts of a tier's namespaces have roles. It is to be
// called before Take.
func (c *Census) Called(called map[Membership][]Membership) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.callers.former, c.callers.called = c.callers.called, called
}

// maxHeld bounds what is remembered of held namespaces: where the boundary does not defend itself, anybody may
// write what is read there.
const maxHeld = 4096

// NoteCalled takes note that service accounts of tiers have roles in the namespaces of another, by what is there.
func (c *Census) NoteCalled(tier Membership, callers []Membership) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, caller := range callers {
		known := c.callers.held[caller]
		if caller.Profile == tier.Profile && !slices.Contains(known, tier) && (known != nil || len(c.callers.held) < maxHeld) {
			c.callers.held[caller] = append(c.callers.held[caller], tier)
		}
	}
}

// Callers returns the namespaces, sorted, whose service accounts are to have what is granted to a tier. It
// must not be modified.
func (c *Census) Callers(tier Membership) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.callers.listed[tier]; !known {
		c.callers.listed[tier] = slices.Sorted(maps.Keys(c.callers.of[tier]))
	}
	return c.callers.listed[tier]
}

// In returns the namespaces that have the labels of one of the tiers, or are due to have them.
func (c *Census) In(tiers ...Membership) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	namespaces := map[string]bool{}
	for _, tier := range tiers {
		maps.Copy(namespaces, c.callers.in[tier])
	}
	return slices.Sorted(maps.Keys(namespaces))
}

// isCaller tells whether the service accounts of a namespace may have what is granted to its tier: it is a
// member and remains one, and nobody forged that.
func (p *Place) isCaller() bool {
	return p.Has != (Membership{}) && p.Has == p.Due && p.Vouched && !p.isForged && !p.isDoubtful
}

// departs tells whether the operator gave the namespace labels that are not due any more.
func (p *Place) departs() bool {
	return p.Has != (Membership{}) && p.Has != p.Due && p.Vouched && !p.isForged
}

// insert takes note of a namespace.
func (c *callers) insert(namespace string, place *Place) {
	for _, tier := range []Membership{place.Has, place.Due} {
		if tier == (Membership{}) {
			continue
		}
		if c.in[tier] == nil {
			c.in[tier] = map[string]bool{}
		}
		c.in[tier][namespace] = true
	}
	if place.isCaller() {
		if c.of[place.Has] == nil {
			c.of[place.Has] = map[string]bool{}
		}
		c.of[place.Has][namespace] = true
		delete(c.listed, place.Has)
	}
}

// remove drops a namespace.
func (c *callers) remove(namespace string, place *Place) {
	for _, tier := range []Membership{place.Has, place.Due} {
		delete(c.in[tier], namespace)
		if len(c.in[tier]) == 0 {
			delete(c.in, tier)
		}
	}
	if place.isCaller() {
		delete(c.of[place.Has], namespace)
		delete(c.listed, place.Has)
	}
}

// follow has access follow when the place of a namespace has changed, and collects those who are woken up.
func (c *Census) follow(old, now *Place, woken map[string]bool) {
	if left, has := leaves(old, now); has {
		c.dismiss(left, woken)
	}
	if now.isCaller() && (!old.isCaller() || old.Has != now.Has) {
		c.admit(now.Has, woken)
	}
}

// leaves returns the tier of which a namespace ceases to be a caller, or to be due.
func leaves(old, now *Place) (tier Membership, has bool) {
	switch {
	case old.isCaller() && (!now.isCaller() || old.Has != now.Has):
		return old.Has, true
	case now.departs() && !old.departs():
		return now.Has, true
	default:
		return Membership{}, false
	}
}

// followAll does the same for all namespaces, when they were taken anew. Of those that depart, others may
// be called under other profiles, so they are asked once more.
func (c *Census) followAll(known map[string]Place, woken map[string]bool) {
	left, came := map[Membership]bool{}, map[Membership]bool{}
	for namespace, place := range c.places {
		old := known[namespace]
		if tier, has := leaves(&old, &place); has {
			left[tier] = true
		}
		if place.departs() {
			left[place.Has] = true
		}
		if place.isCaller() && (!old.isCaller() || old.Has != place.Has) {
			came[place.Has] = true
		}
	}
	for namespace, old := range known {
		if _, stays := c.places[namespace]; !stays && old.isCaller() {
			left[old.Has] = true
		}
	}
	for tier := range left {
		c.dismiss(tier, woken)
	}
	for tier := range came {
		c.admit(tier, woken)
	}
}

// dismiss has a caller's access taken away wherever its tier has any.
func (c *Census) dismiss(tier Membership, woken map[string]bool) {
	called := slices.Concat(c.callers.called[tier], c.callers.former[tier], c.callers.held[tier])
	if len(called) == 0 {
		return
	}
	c.callers.changes++
	for _, other := range called {
		for namespace := range c.callers.in[other] {
			if c.callers.untold[tier] == nil {
				c.callers.untold[tier] = map[string]int64{}
			}
			c.callers.untold[tier][namespace] = c.callers.changes
			c.callers.markOwed(namespace)
			woken[namespace] = true
		}
	}
}

// admit has a caller given access wherever its tier has any: at once, or if others of its profile are about
// to join, together with them.
func (c *Census) admit(tier Membership, woken map[string]bool) {
	var soon []string
	c.callers.changes++
	waits := c.of(c.groups.Of(tier.Profile)).joining > 0
	for _, other := range c.callers.called[tier] {
		for namespace := range c.callers.in[other] {
			c.callers.markOwed(namespace)
			switch {
			case !waits:
				woken[namespace] = true
			case !c.callers.soon[namespace]:
				c.callers.soon[namespace] = true
				soon = append(soon, namespace)
			}
		}
	}
	if len(soon) > 0 {
		slices.Sort(soon)
		c.callers.wakeSoon(soon)
	}
}

// markOwed takes note that the callers of a namespace have changed.
func (c *callers) markOwed(namespace string) {
	c.owed[namespace] = c.changes
	c.owe(namespace)
}

// told takes note that a namespace was looked at in view of all changes of callers up to a count, and wakes
// those up who waited for that.
func (c *Census) told(namespace string, changes int64) {
	woken := map[string]bool{}
	if count, owed := c.callers.owed[namespace]; owed && count <= changes {
		delete(c.callers.owed, namespace)
	}
	for tier, untold := range c.callers.untold {
		if count, waits := untold[namespace]; !waits || count > changes {
			continue
		}
		delete(untold, namespace)
		if len(untold) == 0 {
			delete(c.callers.untold, tier)
			c.rouse(c.groups.Of(tier.Profile), namespace, woken)
		}
	}
	c.wakeAll(woken)
}

// hasAccess tells whether a namespace that departs may still have access that others are to take away.
func (c *Census) hasAccess(place *Place) bool {
	return place.departs() && len(c.callers.untold[place.Has]) > 0
}
