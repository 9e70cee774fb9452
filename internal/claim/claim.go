// Package claim decides which profile and which tier a namespace belongs to. It is pure:
// the same namespace, profiles and protections give the same decision, whatever happened
// before and in whatever order it happened.
//
// The rules are those of promise 3 (exclusive claims) and promise 9 (nothing lost):
//
//   - Of several profiles that select a namespace, the oldest gets it.
//   - A namespace that two tiers of one profile select stays in the tier it is in, and outside
//     if it is in none.
//   - A profile that cannot be compiled, or is being deleted, gets no further namespace, and
//     what its members hold stays as it is.
//   - A profile in Preview claims nothing.
//   - A protected namespace is never claimed.
package claim

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// Namespace is what a claim depends on.
type Namespace struct {
	// Name is the namespace's name.
	Name string
	// Labels are all of its labels, the membership labels included.
	Labels map[string]string
}

// Claimant is a profile as far as claims are concerned.
type Claimant struct {
	// Profile is the profile's name.
	Profile string
	// UID is the profile's UID; it tells a profile from an earlier one of the same name.
	UID types.UID
	// Created is the profile's creation time. Of two profiles the older one wins.
	Created time.Time
	// Preview is set for a profile that is only computed.
	Preview bool
	// Frozen is set for a profile that cannot be compiled or is being deleted: it claims
	// nothing new, has no Tiers, and its members stay as they are.
	Frozen bool
	// Tiers are the profile's tiers.
	Tiers []Tier
}

// Tier chooses namespaces, by selector or by name.
type Tier struct {
	// Name is the tier's name.
	Name string
	// Selector chooses namespaces by their labels; nil chooses none.
	Selector labels.Selector
	// Names chooses namespaces by their names.
	Names sets.Set[string]
}

// Selects tells whether the tier selects the namespace.
func (t Tier) Selects(ns Namespace) bool {
	if t.Names.Has(ns.Name) {
		return true
	}
	return t.Selector != nil && t.Selector.Matches(labels.Set(ns.Labels))
}

// Selects tells whether any tier of the profile selects the namespace.
func (c Claimant) Selects(ns Namespace) bool {
	return slices.ContainsFunc(c.Tiers, func(t Tier) bool { return t.Selects(ns) })
}

func (c Claimant) selectingTiers(ns Namespace) []string {
	var names []string
	for _, t := range c.Tiers {
		if t.Selects(ns) {
			names = append(names, t.Name)
		}
	}
	return names
}

// Sort orders claimants by precedence: creation time, then name.
func Sort(claimants []Claimant) {
	slices.SortFunc(claimants, func(a, b Claimant) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Profile, b.Profile))
	})
}

// Outcome says what becomes of a namespace.
type Outcome string

const (
	// Unclaimed namespaces belong to no profile: nothing of the operator's stays in them.
	Unclaimed Outcome = "Unclaimed"
	// Claimed namespaces get the objects of their tier.
	Claimed Outcome = "Claimed"
	// Held namespaces stay as they are: their profile cannot be compiled, is being deleted,
	// is in Preview, is gone and left its objects behind, or selects them by two tiers of
	// which neither is theirs.
	Held Outcome = "Held"
)

// Standing says how a profile that selects a namespace stands to it.
type Standing string

const (
	// StandingClaimed: the namespace belongs to the profile.
	StandingClaimed Standing = "Claimed"
	// StandingPreviewed: the namespace would belong to the profile if it were not in Preview.
	StandingPreviewed Standing = "Previewed"
	// StandingLost: another profile holds the namespace.
	StandingLost Standing = "Lost"
	// StandingOverlap: two tiers of the profile select the namespace.
	StandingOverlap Standing = "Overlap"
	// StandingProtected: no profile may claim the namespace.
	StandingProtected Standing = "Protected"
)

// Selection is one profile's selection of a namespace, and what came of it.
type Selection struct {
	// Profile is the name of the profile that selects the namespace.
	Profile string
	// Tiers are the tiers that select it, in the profile's order; at least one.
	Tiers []string
	// Standing is what came of it.
	Standing Standing
}

// Decision is what becomes of one namespace.
type Decision struct {
	// Outcome says what becomes of the namespace.
	Outcome Outcome
	// Profile is the name of the profile that has the namespace; empty if Unclaimed.
	Profile string
	// Tier is the tier it belongs to; set only if Claimed.
	Tier string
	// Selections are all profiles that select it, in order of precedence.
	Selections []Selection
}

// Decide decides what becomes of a namespace. The claimants are in the order of Sort.
func Decide(ns Namespace, claimants []Claimant, protected Protected) Decision {
	if protected.Has(ns.Name) {
		return protectedDecision(ns, claimants)
	}
	decision := winner(ns, claimants)
	for i, c := range claimants {
		tiers := c.selectingTiers(ns)
		if len(tiers) == 0 {
			continue
		}
		decision.Selections = append(decision.Selections, Selection{
			Profile:  c.Profile,
			Tiers:    tiers,
			Standing: standing(c, tiers, decision, claimants[:i]),
		})
	}
	return decision
}

// winner applies the order of precedence. A claimant that may not claim anew still keeps
// a member from younger ones.
func winner(ns Namespace, claimants []Claimant) Decision {
	member := ns.Labels[v1alpha1.ProfileLabel]
	for _, c := range claimants {
		if c.Preview {
			continue
		}
		tiers := c.selectingTiers(ns)
		if len(tiers) == 1 && !c.Frozen {
			return Decision{Outcome: Claimed, Profile: c.Profile, Tier: tiers[0]}
		}
		if member != c.Profile {
			continue
		}
		if tier := ns.Labels[v1alpha1.TierLabel]; len(tiers) > 1 && slices.Contains(tiers, tier) {
			return Decision{Outcome: Claimed, Profile: c.Profile, Tier: tier}
		}
		if c.Frozen || len(tiers) > 1 {
			return Decision{Outcome: Held, Profile: c.Profile}
		}
	}
	return unselected(member, claimants)
}

// unselected decides on a namespace that no profile claims but that may carry the labels
// of one.
func unselected(member string, claimants []Claimant) Decision {
	if member == "" {
		return Decision{Outcome: Unclaimed}
	}
	i := slices.IndexFunc(claimants, func(c Claimant) bool { return c.Profile == member })
	if i < 0 || claimants[i].Preview {
		return Decision{Outcome: Held, Profile: member}
	}
	return Decision{Outcome: Unclaimed}
}

func standing(c Claimant, tiers []string, decision Decision, older []Claimant) Standing {
	switch {
	case len(tiers) > 1:
		return StandingOverlap
	case decision.Outcome == Claimed && decision.Profile == c.Profile:
		return StandingClaimed
	case c.Preview && !isOlder(decision.Profile, older):
		return StandingPreviewed
	default:
		return StandingLost
	}
}

func isOlder(profile string, older []Claimant) bool {
	return slices.ContainsFunc(older, func(c Claimant) bool { return c.Profile == profile && !c.Preview })
}

func protectedDecision(ns Namespace, claimants []Claimant) Decision {
	decision := Decision{Outcome: Unclaimed}
	for _, c := range claimants {
		if tiers := c.selectingTiers(ns); len(tiers) > 0 {
			decision.Selections = append(decision.Selections,
				Selection{Profile: c.Profile, Tiers: tiers, Standing: StandingProtected})
		}
	}
	return decision
}
