package guardrail

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// Band are the priorities that guardrails may have, both ends included. Lower ones come first.
type Band struct {
	// From is the first, and To the last.
	From, To int32
}

// maxPriority is the last priority that the API has.
const maxPriority = 1000

// UsualBand leaves the first hundred priorities to policies that are to come before guardrails, and the last to one that is
// to come after all others.
func UsualBand() Band { return Band{From: 100, To: 999} }

// ParseBand reads a band such as 100-999.
func ParseBand(text string) (Band, error) {
	first, last, ok := strings.Cut(text, "-")
	from, errFrom := strconv.ParseInt(first, 10, 32)
	to, errTo := strconv.ParseInt(last, 10, 32)
	switch {
	case !ok || errFrom != nil || errTo != nil:
		return Band{}, fmt.Errorf("%q is no band of priorities: give the first and the last, such as %s", text, UsualBand())
	case from < 0 || to > maxPriority || from >= to:
		return Band{}, fmt.Errorf("%q is no band of priorities: they are from 0 to %d, and the first is less than the last",
			text, maxPriority)
	}
	return Band{int32(from), int32(to)}, nil
}

// String is the band as ParseBand reads it.
func (b Band) String() string { return fmt.Sprintf("%d-%d", b.From, b.To) }

func (b Band) has(priority int32) bool { return b.From <= priority && priority <= b.To }

// allocator gives objects priorities of which no two in a tier are the same: the API does not say which of two policies
// with the same one comes first. An object keeps what it has; another one that passes gets the first that is free, and one
// that denies the last, so that what passes comes before what denies. The same objects get the same priorities.
type allocator struct {
	band  Band
	taken map[policyv1alpha2.Tier]map[int32]string
	// kept are the priorities of the operator's own objects that they keep, by name.
	kept map[string]int32
}

func newAllocator(band Band, observed []*policyv1alpha2.ClusterNetworkPolicy) *allocator {
	a := &allocator{band: band, taken: map[policyv1alpha2.Tier]map[int32]string{}, kept: map[string]int32{}}
	for _, tier := range []policyv1alpha2.Tier{policyv1alpha2.AdminTier, policyv1alpha2.BaselineTier} {
		a.taken[tier] = map[int32]string{}
	}
	sorted := slices.SortedFunc(slices.Values(observed), func(x, y *policyv1alpha2.ClusterNetworkPolicy) int {
		return strings.Compare(x.Name, y.Name)
	})
	for _, isOwn := range []bool{false, true} {
		for _, p := range sorted {
			if IsOurs(p) == isOwn {
				a.see(p, isOwn)
			}
		}
	}
	return a
}

// see takes note of what an object has. Those of others come first: the operator's own go out of their way.
func (a *allocator) see(p *policyv1alpha2.ClusterNetworkPolicy, isOwn bool) {
	taken := a.taken[p.Spec.Tier]
	if _, isTaken := taken[p.Spec.Priority]; taken == nil || isTaken {
		return
	}
	if isOwn && a.band.has(p.Spec.Priority) {
		a.kept[p.Name] = p.Spec.Priority
	}
	taken[p.Spec.Priority] = p.Name
}

// collisions are the policies of others that have a priority in the band, sorted by name: in the Admin tier, and in the
// Baseline tier if guardrails have something there.
func (b Band) collisions(observed []*policyv1alpha2.ClusterNetworkPolicy, hasBaseline bool) []string {
	var out []string
	for _, p := range observed {
		isBeside := p.Spec.Tier == policyv1alpha2.AdminTier || hasBaseline && p.Spec.Tier == policyv1alpha2.BaselineTier
		if !IsOurs(p) && isBeside && b.has(p.Spec.Priority) {
			out = append(out, p.Name)
		}
	}
	slices.Sort(out)
	return out
}

// all gives priorities to what passes, and to what denies a later one. It returns the names of those that got none.
func (a *allocator) all(passing []placed, deny *policyv1alpha2.ClusterNetworkPolicy) (without map[string]bool, isEnough bool) {
	without, last := map[string]bool{}, a.band.From-1
	for _, one := range passing {
		if a.first(one.exact) {
			last = max(last, one.exact.Spec.Priority)
		} else {
			without[one.exact.Name] = true
		}
	}
	if !a.last(deny, last) {
		without[deny.Name] = true
	}
	return without, len(without) == 0
}

// release takes back the priorities of a profile.
func (a *allocator) release(passing []placed, deny *policyv1alpha2.ClusterNetworkPolicy) {
	names := map[string]bool{deny.Name: true}
	for _, one := range passing {
		names[one.exact.Name] = true
	}
	for priority, name := range a.taken[policyv1alpha2.AdminTier] {
		if names[name] {
			delete(a.taken[policyv1alpha2.AdminTier], priority)
		}
	}
	for name := range names {
		delete(a.kept, name)
	}
}

// first gives an object the first priority that is free; false if there is none.
func (a *allocator) first(p *policyv1alpha2.ClusterNetworkPolicy) bool {
	return a.give(p, a.band.From, 1)
}

// last gives an object the last priority that is free, if it is after another one.
func (a *allocator) last(p *policyv1alpha2.ClusterNetworkPolicy, after int32) bool {
	if kept, has := a.kept[p.Name]; has && kept <= after {
		delete(a.kept, p.Name)
	}
	return a.give(p, a.band.To, -1) && p.Spec.Priority > after
}

func (a *allocator) give(p *policyv1alpha2.ClusterNetworkPolicy, from, step int32) bool {
	taken := a.taken[p.Spec.Tier]
	if kept, has := a.kept[p.Name]; has && taken[kept] == p.Name {
		p.Spec.Priority = kept
		return true
	}
	for priority := from; a.band.has(priority); priority += step {
		if _, isTaken := taken[priority]; !isTaken {
			taken[priority], p.Spec.Priority = p.Name, priority
			return true
		}
	}
	return false
}
