package status

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func shop() *builders.ProfileBuilder {
	return builders.MakeProfile("shop").Generation(3).Tier(
		builders.MakeTier("web").Names("a").Obj(),
		builders.MakeTier("api").Names("b").Obj(),
	)
}

// a namespace of the tier web, in the state given.
func claimed(name string, state State, problems ...Problem) Namespace {
	return Namespace{
		Name: name, State: state, Problems: problems, Policies: 2, Roles: 1, Bindings: 1,
		Decision: claim.Decision{
			Outcome: claim.Claimed, Profile: "shop", Tier: "web",
			Selections: []claim.Selection{{Profile: "shop", Tiers: []string{"web"}, Standing: claim.StandingClaimed}},
		},
	}
}

func selected(name string, outcome claim.Outcome, holder string, standing claim.Standing, tiers ...string) Namespace {
	return Namespace{
		Name: name, State: Settled,
		Decision: claim.Decision{Outcome: outcome, Profile: holder, Selections: []claim.Selection{
			{Profile: "somebody", Tiers: []string{"x"}, Standing: claim.StandingClaimed},
			{Profile: "shop", Tiers: tiers, Standing: standing},
		}},
	}
}

// brief writes the conditions in one line each.
func brief(conditions []metav1.Condition) map[string]string {
	out := map[string]string{}
	for _, c := range conditions {
		out[c.Type] = fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)
	}
	return out
}

const (
	fine       = "True Compiled: the spec is consistent"
	noConflict = "False NoConflict: no other profile and no second tier claims a namespace of this profile"
)

func TestSummarizeConditions(t *testing.T) {
	above := Problem{Reason: v1alpha1.ReasonAboveCeiling, Message: "role x is above"}
	retry := Problem{Reason: v1alpha1.ReasonRetrying, Message: "writing a Role failed and is tried again: Timeout"}
	cases := map[string]struct {
		profile    *v1alpha1.SegmentationProfile
		invalid    field.ErrorList
		namespaces []Namespace
		want       map[string]string
		summary    string
	}{
		"no namespace is selected": {
			want: map[string]string{"Accepted": fine, "Conflicted": noConflict, "Ready": "True Segmented: no namespace is selected by the tiers"},
		},
		"everything was seen": {
			namespaces: []Namespace{claimed("a", Settled), claimed("b", Settled)},
			want:       map[string]string{"Accepted": fine, "Conflicted": noConflict, "Ready": "True Segmented: 2 of 2 namespaces segmented"},
		},
		"something was written and not seen yet": {
			namespaces: []Namespace{claimed("a", Settled), claimed("b", Written), claimed("c", Unseen)},
			want: map[string]string{
				"Accepted": fine, "Conflicted": noConflict,
				"Reconciling": "True Progressing: 1 of 3 namespaces segmented",
				"Ready":       "Unknown Progressing: 1 of 3 namespaces segmented",
			},
		},
		"a write fails and is tried again": {
			namespaces: []Namespace{claimed("a", Failing, retry), claimed("b", Failing, retry)},
			want: map[string]string{
				"Accepted": fine, "Conflicted": noConflict,
				"Reconciling": "True Retrying: 0 of 2 namespaces segmented; namespace a: " + retry.Message + " (and 1 more; see status.findings)",
				"Ready":       "False Retrying: 0 of 2 namespaces segmented; namespace a: " + retry.Message + " (and 1 more; see status.findings)",
			},
		},
		"a role is above the ceiling": {
			namespaces: []Namespace{claimed("a", Failing, above)},
			want: map[string]string{
				"Accepted": fine, "Conflicted": noConflict,
				"Stalled": "True AboveCeiling: namespace a: role x is above",
				"Ready":   "False AboveCeiling: namespace a: role x is above",
			},
		},
		"one namespace needs a person while another is being written": {
			namespaces: []Namespace{claimed("a", Failing, above), claimed("b", Written)},
			want: map[string]string{
				"Accepted": fine, "Conflicted": noConflict,
				"Stalled":     "True AboveCeiling: namespace a: role x is above",
				"Reconciling": "True Progressing: 0 of 2 namespaces segmented",
				"Ready":       "False AboveCeiling: namespace a: role x is above",
			},
		},
		"the spec does not compile, and members keep what they have": {
			invalid:    field.ErrorList{field.Required(field.NewPath("spec", "tiers"), "give one")},
			namespaces: []Namespace{{Name: "a", Decision: claim.Decision{Outcome: claim.Held, Profile: "shop"}}},
			want: map[string]string{
				"Accepted": "False Invalid: spec.tiers: Required value: give one", "Conflicted": noConflict,
				"Stalled": "True Invalid: spec.tiers: Required value: give one; what the last good generation declared stays in 1 namespace",
				"Ready":   "False Invalid: spec.tiers: Required value: give one; what the last good generation declared stays in 1 namespace",
			},
			summary: "0/1",
		},
		"an older profile holds a namespace": {
			namespaces: []Namespace{claimed("a", Settled), selected("b", claim.Claimed, "somebody", claim.StandingLost, "web")},
			want: map[string]string{
				"Accepted":   fine,
				"Conflicted": "True HeldByOlderProfile: namespace b: profile somebody holds this namespace and is older; let only one of the two select it",
				"Stalled":    "True HeldByOlderProfile: namespace b: profile somebody holds this namespace and is older; let only one of the two select it",
				"Ready":      "False HeldByOlderProfile: namespace b: profile somebody holds this namespace and is older; let only one of the two select it",
			},
		},
		"two tiers select a namespace, which comes before another profile's claim": {
			namespaces: []Namespace{
				selected("b", claim.Claimed, "somebody", claim.StandingLost, "web"),
				selected("c", claim.Unclaimed, "", claim.StandingOverlap, "web", "api"),
			},
			want: map[string]string{
				"Accepted":   fine,
				"Conflicted": "True TiersOverlap: namespace c: tiers web and api select this namespace; a namespace belongs to one tier, change their namespaces",
				"Stalled":    "True TiersOverlap: namespace c: tiers web and api select this namespace; a namespace belongs to one tier, change their namespaces",
				"Ready":      "False TiersOverlap: namespace c: tiers web and api select this namespace; a namespace belongs to one tier, change their namespaces",
			},
		},
		"a system namespace is left out": {
			namespaces: []Namespace{claimed("a", Settled), selected("kube-system", claim.Unclaimed, "", claim.StandingProtected, "web")},
			want:       map[string]string{"Accepted": fine, "Conflicted": noConflict, "Ready": "True Segmented: 1 of 1 namespace segmented; 1 namespace left out as protected"},
		},
		"a profile in preview": {
			profile:    shop().Preview().Obj(),
			namespaces: []Namespace{selected("a", claim.Unclaimed, "", claim.StandingPreviewed, "web")},
			want:       map[string]string{"Accepted": fine, "Conflicted": noConflict, "Ready": "True Preview: preview: 1 namespace would be segmented; nothing is written"},
		},
		"a profile that went back to preview": {
			profile:    shop().Preview().Obj(),
			namespaces: []Namespace{selected("a", claim.Held, "shop", claim.StandingPreviewed, "web")},
			want:       map[string]string{"Accepted": fine, "Conflicted": noConflict, "Ready": "True Preview: preview: 1 namespace would be segmented; nothing is written, and what was written before is not mended (1 namespace)"},
		},
		"others grant more, which does not keep it from being ready": {
			namespaces: []Namespace{granting(claimed("a", Settled), "x"), granting(claimed("b", Settled), "x")},
			want: map[string]string{
				"Accepted": fine, "Conflicted": noConflict,
				"Ready": "True Segmented: 2 of 2 namespaces segmented; 2 RoleBindings grant more than is declared",
			},
		},
		"others grant more, and a system namespace is left out": {
			namespaces: []Namespace{granting(claimed("a", Settled), "x"), selected("b", claim.Unclaimed, "", claim.StandingProtected, "web")},
			want: map[string]string{
				"Accepted": fine, "Conflicted": noConflict,
				"Ready": "True Segmented: 1 of 1 namespace segmented; 1 namespace left out as protected; 1 RoleBinding grants more than is declared",
			},
		},
		"what is over is taken away": {
			profile: shop().Condition(
				metav1.Condition{Type: "Reconciling", Status: metav1.ConditionTrue, Reason: "Progressing"},
				metav1.Condition{Type: "Stalled", Status: metav1.ConditionTrue, Reason: "Invalid"}).Obj(),
			namespaces: []Namespace{claimed("a", Settled)},
			want:       map[string]string{"Accepted": fine, "Conflicted": noConflict, "Ready": "True Segmented: 1 of 1 namespace segmented"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if c.profile == nil {
				c.profile = shop().Obj()
			}
			got := Summarize(Input{Profile: c.profile, Invalid: c.invalid, Namespaces: c.namespaces, Now: noon})
			conditions := brief(got.Conditions)
			delete(conditions, v1alpha1.ConditionIsolated) // See TestIsolated.
			if diff := cmp.Diff(c.want, conditions); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			if c.summary != "" && got.Namespaces.Summary != c.summary {
				t.Errorf("summary %s, want %s", got.Namespaces.Summary, c.summary)
			}
		})
	}
}

func TestSummarizeCounts(t *testing.T) {
	got := Summarize(Input{Profile: shop().Obj(), Now: noon, Namespaces: []Namespace{
		claimed("a", Settled), claimed("b", Settled), claimed("c", Written),
		selected("d", claim.Claimed, "somebody", claim.StandingLost, "web"),
		selected("e", claim.Unclaimed, "", claim.StandingOverlap, "web", "api"),
		selected("f", claim.Unclaimed, "", claim.StandingProtected, "web"),
		{Name: "g", Decision: claim.Decision{Outcome: claim.Claimed, Profile: "somebody"}},
	}})
	got.Conditions, got.Findings = nil, nil
	want := v1alpha1.SegmentationProfileStatus{
		ObservedGeneration: 3,
		Namespaces:         v1alpha1.NamespaceCounts{Summary: "2/3", Claimed: 3, Ready: 2, Conflicted: 2, Protected: 1},
		Tiers:              []v1alpha1.TierStatus{{Name: "web", Claimed: 3, Ready: 2}, {Name: "api"}},
		Objects:            v1alpha1.ObjectCounts{NetworkPolicies: 6, Roles: 3, RoleBindings: 3},
		FindingsTotal:      3,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLongMessagesAreCut(t *testing.T) {
	invalid := make(field.ErrorList, 0, 7)
	for range 7 {
		invalid = append(invalid, field.Required(field.NewPath("spec"), "x"))
	}
	got := Summarize(Input{Profile: shop().Obj(), Invalid: invalid, Now: noon, Namespaces: []Namespace{
		claimed("a", Failing, Problem{Reason: v1alpha1.ReasonRejected, Message: "x" + strings.Repeat("é", 2000)}),
	}})
	accepted := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionAccepted)
	if !strings.HasSuffix(accepted.Message, "; and 2 more") {
		t.Errorf("Accepted says %q", accepted.Message)
	}
	if m := got.Findings[0].Message; len(m) > maxMessage || !utf8.ValidString(m) {
		t.Errorf("a finding has %d bytes: %q", len(m), m)
	}
}

// TestSummarizeProperties holds what must be true of every status.
func TestSummarizeProperties(t *testing.T) {
	problem := rapid.Map(rapid.SampledFrom([]string{
		v1alpha1.ReasonRetrying, v1alpha1.ReasonAboveCeiling, v1alpha1.ReasonNameTaken, v1alpha1.ReasonRejected,
	}), func(reason string) Problem { return Problem{Reason: reason, Message: "m"} })
	namespace := rapid.Custom(func(t *rapid.T) Namespace {
		name := rapid.StringMatching(`[a-z]{1,5}`).Draw(t, "name")
		if rapid.Bool().Draw(t, "claimed") {
			undeclared := rapid.SliceOfN(rapid.SampledFrom([]string{"x", "y", "y*"}), 0, 2).Draw(t, "undeclared")
			problems := rapid.SliceOfN(problem, 0, 2).Draw(t, "problems")
			state := rapid.SampledFrom([]State{Unseen, Written, Settled}).Draw(t, "state")
			if len(problems) > 0 {
				state = Failing
			}
			return granting(claimed(name, state, problems...), undeclared...)
		}
		standing := rapid.SampledFrom([]claim.Standing{claim.StandingLost, claim.StandingOverlap, claim.StandingProtected}).Draw(t, "standing")
		return selected(name, claim.Claimed, "somebody", standing, "web", "api")
	})
	rapid.Check(t, func(t *rapid.T) {
		in := Input{Profile: shop().Obj(), Namespaces: rapid.SliceOfN(namespace, 0, 40).Draw(t, "namespaces"), Now: noon}
		if rapid.Bool().Draw(t, "invalid") {
			in.Invalid = field.ErrorList{field.Required(field.NewPath("spec"), "x")}
		}
		got := Summarize(in)
		ready := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionReady)
		stalled := meta.IsStatusConditionTrue(got.Conditions, v1alpha1.ConditionStalled)
		working := meta.IsStatusConditionTrue(got.Conditions, v1alpha1.ConditionReconciling)
		if (ready.Status == metav1.ConditionTrue) == (stalled || working) {
			t.Fatalf("Ready is %s, Stalled %t, Reconciling %t", ready.Status, stalled, working)
		}
		if ready.Status == metav1.ConditionTrue && got.Namespaces.Ready != got.Namespaces.Claimed {
			t.Fatalf("Ready with %s", got.Namespaces.Summary)
		}
		for _, c := range got.Conditions {
			if c.ObservedGeneration != 3 || c.Reason == "" || c.LastTransitionTime.IsZero() {
				t.Fatalf("incomplete condition %+v", c)
			}
		}
		if len(got.Findings) > v1alpha1.MaxFindings || int(got.FindingsTotal) < len(got.Findings) {
			t.Fatalf("%d findings of %d", len(got.Findings), got.FindingsTotal)
		}

		again := in
		again.Profile = shop().Status(got).Obj()
		again.Now = noon.Add(time.Hour)
		if diff := cmp.Diff(got, Summarize(again)); diff != "" {
			t.Fatalf("a second look at the same thing changes the status:\n%s", diff)
		}
	})
}
