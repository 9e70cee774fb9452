package claim_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
)

// monday is when the first profile was created.
var monday = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// profile makes a claimant of a day of that week.
func profile(name string, day int, tiers ...claim.Tier) claim.Claimant {
	return claim.Claimant{Profile: name, Created: monday.AddDate(0, 0, day), Tiers: tiers}
}

func preview(c claim.Claimant) claim.Claimant {
	c.Preview = true
	return c
}

// frozen is a profile that cannot be compiled or is being deleted: it has no tiers.
func frozen(c claim.Claimant) claim.Claimant {
	c.Frozen, c.Tiers = true, nil
	return c
}

// by chooses namespaces by a label selector.
func by(tier, selector string) claim.Tier {
	parsed, err := labels.Parse(selector)
	if err != nil {
		panic(err)
	}
	return claim.Tier{Name: tier, Selector: parsed}
}

// of lists namespaces by name.
func of(tier string, names ...string) claim.Tier {
	return claim.Tier{Name: tier, Names: sets.New(names...)}
}

func namespace(name string, pairs ...string) claim.Namespace {
	ns := claim.Namespace{Name: name, Labels: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		ns.Labels[pairs[i]] = pairs[i+1]
	}
	return ns
}

// memberOf is a namespace labelled app=web that is a member of a profile.
func memberOf(profile string) claim.Namespace {
	return namespace("web", "app", "web", v1alpha1.ProfileLabel, profile, v1alpha1.TierLabel, "web")
}

func TestDecide(t *testing.T) {
	t.Parallel()
	newcomer := namespace("web", "app", "web")
	twice := []claim.Tier{by("web", "app=web"), of("also", "web")}
	tests := map[string]struct {
		namespace claim.Namespace
		claimants []claim.Claimant
		protected claim.Protected
		want      claim.Decision
	}{
		"no profile selects it": {
			namespace: newcomer,
			claimants: []claim.Claimant{profile("shop", 0, by("api", "app=api"), of("data", "db"))},
			want:      claim.Decision{Outcome: claim.Unclaimed},
		},
		"a tier without selector and names selects nothing": {
			namespace: newcomer,
			claimants: []claim.Claimant{profile("shop", 0, claim.Tier{Name: "none"})},
			want:      claim.Decision{Outcome: claim.Unclaimed},
		},
		"selected by label": {
			namespace: newcomer,
			claimants: []claim.Claimant{profile("shop", 0, by("api", "app=api"), by("web", "app=web"))},
			want: claim.Decision{Outcome: claim.Claimed, Profile: "shop", Tier: "web", Selections: []claim.Selection{
				{Profile: "shop", Tiers: []string{"web"}, Standing: claim.StandingClaimed},
			}},
		},
		"selected by name": {
			namespace: newcomer,
			claimants: []claim.Claimant{profile("shop", 0, of("web", "web"))},
			want: claim.Decision{Outcome: claim.Claimed, Profile: "shop", Tier: "web", Selections: []claim.Selection{
				{Profile: "shop", Tiers: []string{"web"}, Standing: claim.StandingClaimed},
			}},
		},
		"a tier may select it by name and label at once": {
			namespace: newcomer,
			claimants: []claim.Claimant{profile("shop", 0, claim.Tier{
				Name: "web", Names: sets.New("web"), Selector: labels.Everything(),
			})},
			want: claim.Decision{Outcome: claim.Claimed, Profile: "shop", Tier: "web", Selections: []claim.Selection{
				{Profile: "shop", Tiers: []string{"web"}, Standing: claim.StandingClaimed},
			}},
		},
		"the older of two profiles gets it, also from a member of the younger": {
			namespace: memberOf("late"),
			claimants: []claim.Claimant{profile("early", 0, by("front", "app=web")), profile("late", 1, by("web", "app=web"))},
			want: claim.Decision{Outcome: claim.Claimed, Profile: "early", Tier: "front", Selections: []claim.Selection{
				{Profile: "early", Tiers: []string{"front"}, Standing: claim.StandingClaimed},
				{Profile: "late", Tiers: []string{"web"}, Standing: claim.StandingLost},
			}},
		},
		"a member that its profile no longer selects is let go": {
			namespace: memberOf("shop"),
			claimants: []claim.Claimant{profile("shop", 0, by("api", "app=api"))},
			want:      claim.Decision{Outcome: claim.Unclaimed},
		},
		"a member that its profile no longer selects goes to one that does": {
			namespace: memberOf("shop"),
			claimants: []claim.Claimant{profile("shop", 0, by("api", "app=api")), profile("late", 1, by("web", "app=web"))},
			want: claim.Decision{Outcome: claim.Claimed, Profile: "late", Tier: "web", Selections: []claim.Selection{
				{Profile: "late", Tiers: []string{"web"}, Standing: claim.StandingClaimed},
			}},
		},
		"two tiers of one profile keep a newcomer out": {
			namespace: newcomer,
			claimants: []claim.Claimant{profile("shop", 0, twice...)},
			want: claim.Decision{Outcome: claim.Unclaimed, Selections: []claim.Selection{
				{Profile: "shop", Tiers: []string{"web", "also"}, Standing: claim.StandingOverlap},
			}},
		},
		"two tiers of one profile leave a member in the tier it is in": {
			namespace: memberOf("shop"),
			claimants: []claim.Claimant{profile("shop", 0, twice...), profile("late", 1, by("web", "app=web"))},
			want: claim.Decision{Outcome: claim.Claimed, Profile: "shop", Tier: "web", Selections: []claim.Selection{
				{Profile: "shop", Tiers: []string{"web", "also"}, Standing: claim.StandingOverlap},
				{Profile: "late", Tiers: []string{"web"}, Standing: claim.StandingLost},
			}},
		},
		"two tiers of one profile leave a member that is in neither of them as it is": {
			namespace: namespace("web", "app", "web", v1alpha1.ProfileLabel, "shop", v1alpha1.TierLabel, "third"),
			claimants: []claim.Claimant{profile("shop", 0, twice...), profile("late", 1, by("web", "app=web"))},
			want: claim.Decision{Outcome: claim.Held, Profile: "shop", Selections: []claim.Selection{
				{Profile: "shop", Tiers: []string{"web", "also"}, Standing: claim.StandingOverlap},
				{Profile: "late", Tiers: []string{"web"}, Standing: claim.StandingLost},
			}},
		},
		"two tiers of an older profile do not keep a newcomer from a younger one": {
			namespace: newcomer,
			claimants: []claim.Claimant{profile("shop", 0, twice...), profile("late", 1, by("web", "app=web"))},
			want: claim.Decision{Outcome: claim.Claimed, Profile: "late", Tier: "web", Selections: []claim.Selection{
				{Profile: "shop", Tiers: []string{"web", "also"}, Standing: claim.StandingOverlap},
				{Profile: "late", Tiers: []string{"web"}, Standing: claim.StandingClaimed},
			}},
		},
		"a profile that cannot be compiled keeps its member from a younger one": {
			namespace: memberOf("shop"),
			claimants: []claim.Claimant{frozen(profile("shop", 0)), profile("late", 1, by("web", "app=web"))},
			want: claim.Decision{Outcome: claim.Held, Profile: "shop", Selections: []claim.Selection{
				{Profile: "late", Tiers: []string{"web"}, Standing: claim.StandingLost},
			}},
		},
		"a profile that cannot be compiled loses its member to an older one": {
			namespace: memberOf("shop"),
			claimants: []claim.Claimant{profile("early", 0, by("web", "app=web")), frozen(profile("shop", 1))},
			want: claim.Decision{Outcome: claim.Claimed, Profile: "early", Tier: "web", Selections: []claim.Selection{
				{Profile: "early", Tiers: []string{"web"}, Standing: claim.StandingClaimed},
			}},
		},
		"a profile that cannot be compiled gets no newcomer": {
			namespace: newcomer,
			claimants: []claim.Claimant{frozen(profile("shop", 0)), profile("late", 1, by("web", "app=web"))},
			want: claim.Decision{Outcome: claim.Claimed, Profile: "late", Tier: "web", Selections: []claim.Selection{
				{Profile: "late", Tiers: []string{"web"}, Standing: claim.StandingClaimed},
			}},
		},
		"the member of a profile that is gone stays as it is": {
			namespace: memberOf("gone"),
			claimants: []claim.Claimant{profile("shop", 0, by("api", "app=api"))},
			want:      claim.Decision{Outcome: claim.Held, Profile: "gone"},
		},
		"the member of a profile that is gone goes to one that selects it": {
			namespace: memberOf("gone"),
			claimants: []claim.Claimant{profile("shop", 0, by("web", "app=web"))},
			want: claim.Decision{Outcome: claim.Claimed, Profile: "shop", Tier: "web", Selections: []claim.Selection{
				{Profile: "shop", Tiers: []string{"web"}, Standing: claim.StandingClaimed},
			}},
		},
		"a profile in preview claims nothing": {
			namespace: newcomer,
			claimants: []claim.Claimant{preview(profile("shop", 0, by("web", "app=web")))},
			want: claim.Decision{Outcome: claim.Unclaimed, Selections: []claim.Selection{
				{Profile: "shop", Tiers: []string{"web"}, Standing: claim.StandingPreviewed},
			}},
		},
		"a profile in preview leaves its member as it is": {
			namespace: memberOf("shop"),
			claimants: []claim.Claimant{preview(profile("shop", 0, by("web", "app=web")))},
			want: claim.Decision{Outcome: claim.Held, Profile: "shop", Selections: []claim.Selection{
				{Profile: "shop", Tiers: []string{"web"}, Standing: claim.StandingPreviewed},
			}},
		},
		"a profile in preview that cannot be compiled leaves its member as it is": {
			namespace: memberOf("shop"),
			claimants: []claim.Claimant{preview(frozen(profile("shop", 0)))},
			want:      claim.Decision{Outcome: claim.Held, Profile: "shop"},
		},
		"an older profile in preview would get it, a younger one has it": {
			namespace: memberOf("late"),
			claimants: []claim.Claimant{preview(profile("early", 0, by("web", "app=web"))), profile("late", 1, by("web", "app=web"))},
			want: claim.Decision{Outcome: claim.Claimed, Profile: "late", Tier: "web", Selections: []claim.Selection{
				{Profile: "early", Tiers: []string{"web"}, Standing: claim.StandingPreviewed},
				{Profile: "late", Tiers: []string{"web"}, Standing: claim.StandingClaimed},
			}},
		},
		"a younger profile in preview would not get it": {
			namespace: newcomer,
			claimants: []claim.Claimant{profile("early", 0, by("web", "app=web")), preview(profile("late", 1, by("web", "app=web")))},
			want: claim.Decision{Outcome: claim.Claimed, Profile: "early", Tier: "web", Selections: []claim.Selection{
				{Profile: "early", Tiers: []string{"web"}, Standing: claim.StandingClaimed},
				{Profile: "late", Tiers: []string{"web"}, Standing: claim.StandingLost},
			}},
		},
		"two tiers of a profile in preview": {
			namespace: newcomer,
			claimants: []claim.Claimant{preview(profile("shop", 0, twice...))},
			want: claim.Decision{Outcome: claim.Unclaimed, Selections: []claim.Selection{
				{Profile: "shop", Tiers: []string{"web", "also"}, Standing: claim.StandingOverlap},
			}},
		},
		"a protected namespace is never claimed": {
			namespace: newcomer,
			claimants: []claim.Claimant{profile("shop", 0, by("web", "app=web")), profile("late", 1, by("api", "app=api"))},
			protected: claim.Protected{"kube-*", "web"},
			want: claim.Decision{Outcome: claim.Unclaimed, Selections: []claim.Selection{
				{Profile: "shop", Tiers: []string{"web"}, Standing: claim.StandingProtected},
			}},
		},
		"a member that is protected from now on is let go": {
			namespace: memberOf("shop"),
			claimants: []claim.Claimant{frozen(profile("shop", 0))},
			protected: claim.Protected{"web"},
			want:      claim.Decision{Outcome: claim.Unclaimed},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := claim.Decide(tc.namespace, tc.claimants, tc.protected)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSort(t *testing.T) {
	t.Parallel()
	claimants := []claim.Claimant{profile("young", 2), profile("b", 1), profile("old", 0), profile("a", 1)}
	claim.Sort(claimants)
	got := make([]string, 0, len(claimants))
	for _, c := range claimants {
		got = append(got, c.Profile)
	}
	if diff := cmp.Diff([]string{"old", "a", "b", "young"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestSelects(t *testing.T) {
	t.Parallel()
	shop := profile("shop", 0, by("web", "app=web"), of("data", "db"))
	tests := map[string]struct {
		namespace claim.Namespace
		want      bool
	}{
		"by label":  {namespace("x", "app", "web"), true},
		"by name":   {namespace("db"), true},
		"by no one": {namespace("web"), false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := shop.Selects(tc.namespace); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
