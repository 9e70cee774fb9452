package claim_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
)

// world draws a namespace and claimants that are likely to want it.
type world struct {
	namespace claim.Namespace
	claimants []claim.Claimant
	protected claim.Protected
}

func drawWorld(t *rapid.T) world {
	w := world{namespace: claim.Namespace{Name: rapid.SampledFrom([]string{"web", "db", "kube-system"}).Draw(t, "namespace")}}
	w.namespace.Labels = map[string]string{"app": rapid.SampledFrom([]string{"web", "api"}).Draw(t, "app")}
	if member := rapid.SampledFrom([]string{"", "p0", "p1", "p2", "gone"}).Draw(t, "member of"); member != "" {
		w.namespace.Labels[v1alpha1.ProfileLabel] = member
		w.namespace.Labels[v1alpha1.TierLabel] = rapid.SampledFrom([]string{"web", "not-api", "web-by-name", "gone"}).Draw(t, "of tier")
	}
	for _, name := range []string{"p0", "p1", "p2", "p3"}[:rapid.IntRange(0, 4).Draw(t, "profiles")] {
		w.claimants = append(w.claimants, drawClaimant(t, name, 2))
	}
	if rapid.IntRange(0, 4).Draw(t, "protected") == 0 {
		w.protected = claim.Protected{"kube-*"}
	}
	claim.Sort(w.claimants)
	return w
}

func drawClaimant(t *rapid.T, name string, days int) claim.Claimant {
	c := profile(name, rapid.IntRange(0, days).Draw(t, "day"), rapid.SliceOfN(rapid.SampledFrom([]claim.Tier{
		by("web", "app=web"), by("api", "app in (api)"), by("not-api", "app!=api"), of("db", "db", "other"), of("web-by-name", "web"),
	}), 1, 3).Draw(t, "tiers")...)
	if rapid.IntRange(0, 3).Draw(t, "preview") == 0 {
		c = preview(c)
	}
	if rapid.IntRange(0, 3).Draw(t, "frozen") == 0 {
		c = frozen(c)
	}
	return c
}

func (w world) decide() claim.Decision {
	return claim.Decide(w.namespace, w.claimants, w.protected)
}

func (w world) claimant(name string) *claim.Claimant {
	i := slices.IndexFunc(w.claimants, func(c claim.Claimant) bool { return c.Profile == name })
	if i < 0 {
		return nil
	}
	return &w.claimants[i]
}

func TestAClaimIsExclusive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		d := w.decide()
		if d.Outcome != claim.Claimed && d.Tier != "" {
			t.Fatalf("it is %s, and still of tier %s", d.Outcome, d.Tier)
		}
		for _, s := range d.Selections {
			has := d.Outcome == claim.Claimed && d.Profile == s.Profile
			switch {
			case has && !slices.Contains(s.Tiers, d.Tier):
				t.Fatalf("%s has it in tier %s, and selects it by %v", s.Profile, d.Tier, s.Tiers)
			case has && len(s.Tiers) > 1 && w.namespace.Labels[v1alpha1.TierLabel] != d.Tier:
				t.Fatalf("%s selects it by %v, and put it into %s", s.Profile, s.Tiers, d.Tier)
			case (s.Standing == claim.StandingClaimed) != (has && len(s.Tiers) == 1):
				t.Fatalf("%s stands %s to it, which is %s by %s", s.Profile, s.Standing, d.Outcome, d.Profile)
			}
		}
	})
}

func TestTheOrderInWhichProfilesAreListedDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		want := w.decide()
		w.claimants = rapid.Permutation(w.claimants).Draw(t, "listed")
		claim.Sort(w.claimants)
		if diff := cmp.Diff(want, w.decide()); diff != "" {
			t.Fatalf("decision (-first order +second order):\n%s", diff)
		}
	})
}

func TestNobodyClaimsWhatAnOlderProfileMayClaim(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		d := w.decide()
		for _, c := range w.claimants {
			if c.Profile == d.Profile {
				return
			}
			if c.Preview || c.Frozen || w.protected.Has(w.namespace.Name) {
				continue
			}
			if tiers := selecting(c, w.namespace); tiers == 1 {
				t.Fatalf("%s may claim it, but it is %s by %q", c.Profile, d.Outcome, d.Profile)
			}
		}
	})
}

func selecting(c claim.Claimant, ns claim.Namespace) int {
	count := 0
	for _, tier := range c.Tiers {
		if (claim.Claimant{Tiers: []claim.Tier{tier}}).Selects(ns) {
			count++
		}
	}
	return count
}

func TestAYoungerProfileNeverChangesWhoHasANamespace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		before := w.decide()
		// Of a profile that is gone or in preview only the labels are left, which hold nothing.
		if before.Outcome == claim.Unclaimed || w.claimant(before.Profile) == nil || w.claimant(before.Profile).Preview {
			return
		}
		youngest := drawClaimant(t, "z", 0)
		youngest.Created = monday.AddDate(0, 0, 9)
		w.claimants = append(w.claimants, youngest)
		after := w.decide()
		after.Selections = slices.DeleteFunc(after.Selections, func(s claim.Selection) bool { return s.Profile == "z" })
		if diff := cmp.Diff(before, after, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("decision (-before +after):\n%s", diff)
		}
	})
}

func TestAProtectedNamespaceIsNeverClaimed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.protected = claim.Protected{w.namespace.Name}
		d := w.decide()
		if d.Outcome != claim.Unclaimed || d.Profile != "" {
			t.Fatalf("it is %s by %q", d.Outcome, d.Profile)
		}
		for _, s := range d.Selections {
			if s.Standing != claim.StandingProtected {
				t.Fatalf("%s stands %s to it", s.Profile, s.Standing)
			}
		}
	})
}

func TestAProfileInPreviewNeverClaims(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		d := w.decide()
		if c := w.claimant(d.Profile); c != nil && c.Preview && d.Outcome != claim.Held {
			t.Fatalf("it is %s by %s, which is in preview", d.Outcome, d.Profile)
		}
		// Whether it is there changes nothing for the others.
		without := w
		without.claimants = slices.DeleteFunc(slices.Clone(w.claimants), func(c claim.Claimant) bool { return c.Preview })
		other := without.decide()
		if d.Outcome == claim.Claimed && (other.Outcome != claim.Claimed || other.Profile != d.Profile || other.Tier != d.Tier) {
			t.Fatalf("%s has it, and without the profiles in preview it is %s by %q", d.Profile, other.Outcome, other.Profile)
		}
	})
}

// A profile in preview holds nothing, frozen or not.
func TestAMemberOfAFrozenProfileStays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		holder := frozen(drawClaimant(t, "holder", 2))
		holder.Preview = false
		w.claimants = append(w.claimants, holder)
		claim.Sort(w.claimants)
		w.namespace.Labels[v1alpha1.ProfileLabel] = holder.Profile
		if w.protected.Has(w.namespace.Name) {
			return
		}
		d := w.decide()
		if d.Outcome == claim.Claimed && w.claimant(d.Profile).Created.After(holder.Created) {
			t.Fatalf("%s took it from %s, which is older", d.Profile, holder.Profile)
		}
		if d.Outcome == claim.Unclaimed {
			t.Fatalf("%s holds it, and it was let go", holder.Profile)
		}
	})
}
