package status

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/audit"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
)

func TestCounts(t *testing.T) {
	lost := selected("lost", claim.Claimed, "somebody", claim.StandingLost, "web")
	overlap := selected("overlap", claim.Unclaimed, "", claim.StandingOverlap, "web", "api")
	previewed := selected("previewed", claim.Unclaimed, "", claim.StandingPreviewed, "web")
	held := Namespace{Name: "held", Decision: claim.Decision{Outcome: claim.Held, Profile: "shop"}}
	watched := claimed("watched", Settled)
	watched.Undeclared = []audit.Undeclared{{Binding: "b", Message: "m"}, {Binding: "c", Message: "n"}}
	cases := map[string]struct {
		namespaces []Namespace
		mode       v1alpha1.Mode
		want       Counts
	}{
		"nothing": {},
		"of those that are claimed, all are pending that are not ready": {
			namespaces: []Namespace{claimed("a", Settled), claimed("b", Written), claimed("c", Unseen), held},
			want:       Counts{Pending: 3},
		},
		"one that fails is pending, and has findings": {
			namespaces: []Namespace{claimed("a", Failing, Problem{v1alpha1.ReasonRejected, "m"}, Problem{v1alpha1.ReasonNameTaken, "m"})},
			want:       Counts{Pending: 1, Findings: map[string]int{v1alpha1.ReasonRejected: 1, v1alpha1.ReasonNameTaken: 1}},
		},
		"in Preview nothing is pending": {
			namespaces: []Namespace{previewed}, mode: v1alpha1.ModePreview,
		},
		"a conflict is no pending namespace": {
			namespaces: []Namespace{lost, overlap, overlap},
			want: Counts{
				Conflicted: map[string]int{v1alpha1.ReasonHeldByOlderProfile: 1, v1alpha1.ReasonTiersOverlap: 2},
				Findings:   map[string]int{v1alpha1.ReasonHeldByOlderProfile: 1, v1alpha1.ReasonTiersOverlap: 2},
			},
		},
		"a finding that keeps nothing from being ready": {
			namespaces: []Namespace{watched},
			want:       Counts{Findings: map[string]int{v1alpha1.ReasonUndeclaredAccess: 2}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			profile := shop().Obj()
			profile.Spec.Mode = c.mode
			want := Counts{Pending: c.want.Pending, Conflicted: map[string]int{}, Findings: map[string]int{}}
			for _, reason := range conflictReasons() {
				want.Conflicted[reason] = c.want.Conflicted[reason]
			}
			for _, reason := range findingReasons() {
				want.Findings[reason] = c.want.Findings[reason]
			}
			_, got := Measure(Input{Profile: profile, Namespaces: c.namespaces, Now: noon})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestFindingsPastTheLimitAreCounted: a status has room for the first twenty.
func TestFindingsPastTheLimitAreCounted(t *testing.T) {
	const many = v1alpha1.MaxFindings + 5
	namespaces := make([]Namespace, 0, many)
	for range many {
		namespaces = append(namespaces, claimed("a", Failing, Problem{v1alpha1.ReasonAboveCeiling, "m"}))
	}
	s, counts := Measure(Input{Profile: shop().Obj(), Namespaces: namespaces, Now: noon})
	if got := counts.Findings[v1alpha1.ReasonAboveCeiling]; got != many || len(s.Findings) != v1alpha1.MaxFindings {
		t.Errorf("counted %d of %d, with %d in the status", got, many, len(s.Findings))
	}
}
