package status

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/audit"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
)

// opening is a namespace in which policies of others open what is not declared.
func opening(n Namespace, policies ...string) Namespace {
	for _, policy := range policies {
		n.Opened = append(n.Opened, audit.OpenedPaths{Policy: policy, Message: policy + " opens"})
	}
	return n
}

func TestIsolated(t *testing.T) {
	const isolated = "True NoUndeclaredPath: no NetworkPolicy of others opens a path that is not declared; " +
		"they are taken to be enforced by calico 3.30.1 (pods of it)"
	calico := engine.Found{Name: engine.Calico, Version: "3.30.1", Why: "pods of it"}
	one := v1alpha1.UndeclaredPaths{NetworkPolicies: 1, First: "a/x"}
	cases := map[string]struct {
		profile    *v1alpha1.SegmentationProfile
		in         Input
		before     v1alpha1.UndeclaredPaths
		namespaces []Namespace
		want       string
		counts     v1alpha1.UndeclaredPaths
	}{
		"no namespace is selected":    {want: isolated},
		"all was seen":                {namespaces: []Namespace{claimed("a", Settled), claimed("b", Written), claimed("c", Failing)}, want: isolated},
		"one was not looked at":       {namespaces: []Namespace{claimed("a", Settled), claimed("b", Unseen)}, want: "Unknown Progressing: not all namespaces were looked at yet"},
		"there is no bookmark":        {in: Input{Unmarked: true}, want: "Unknown Progressing: not all namespaces were looked at yet"},
		"a policy opens":              {before: one, namespaces: []Namespace{opening(claimed("a", Settled), "x")}, want: "False UndeclaredPath: namespace a: x opens", counts: one},
		"one opens, and one is going": {namespaces: []Namespace{opening(claimed("a", Failing), "x"), claimed("b", Unseen)}, want: "False UndeclaredPath: namespace a: x opens", counts: one},
		"several open: the first by namespace": {
			namespaces: []Namespace{opening(claimed("b", Settled), "a"), opening(claimed("a", Settled), "y", "x")},
			want:       "False UndeclaredPath: namespace a: x opens (and 2 more; see status.findings)",
			counts:     v1alpha1.UndeclaredPaths{NetworkPolicies: 3, First: "a/x"},
		},
		"what opened was not looked at again: it is not told of again, either": {
			before: one, namespaces: []Namespace{claimed("a", Unseen)}, want: "Unknown Progressing: not all namespaces were looked at yet", counts: one,
		},
		"what opened is gone": {before: one, namespaces: []Namespace{claimed("a", Settled)}, want: isolated},
		"in Preview": {
			profile: shop().Preview().Obj(), namespaces: []Namespace{selected("a", claim.Unclaimed, "", claim.StandingPreviewed, "web")},
			want: "Unknown Preview: preview: nothing is isolated, so that NetworkPolicies of others are not compared",
		},
		"the spec does not compile": {
			in:   Input{Invalid: field.ErrorList{field.Required(field.NewPath("spec", "tiers"), "give one")}},
			want: "Unknown Invalid: what the spec declares is not known, so that NetworkPolicies of others are not compared with it",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.in.Profile, c.in.Namespaces, c.in.Now, c.in.Engine = c.profile, c.namespaces, noon, calico
			if c.profile == nil {
				c.in.Profile = shop().Obj()
			}
			c.in.Profile.Status.UndeclaredPaths = c.before
			ready := brief(Summarize(Input{Profile: c.in.Profile, Invalid: c.in.Invalid, Namespaces: without(c.namespaces), Unmarked: c.in.Unmarked, Now: noon}).Conditions)["Ready"]
			got, counts := Measure(c.in)
			if diff := cmp.Diff(c.want, brief(got.Conditions)["Isolated"]); diff != "" {
				t.Errorf("condition (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.counts, got.UndeclaredPaths); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(ready, brief(got.Conditions)["Ready"]); diff != "" {
				t.Errorf("it changes Ready (-without +with):\n%s", diff)
			}
			if found := counts.Findings[v1alpha1.ReasonUndeclaredPath]; found != countOpened(c.namespaces) {
				t.Errorf("%d findings are counted", found)
			}
		})
	}
}

// without are namespaces without what policies of others open.
func without(namespaces []Namespace) []Namespace {
	out := make([]Namespace, 0, len(namespaces))
	for i := range namespaces {
		n := namespaces[i]
		n.Opened = nil
		out = append(out, n)
	}
	return out
}

func countOpened(namespaces []Namespace) int {
	n := 0
	for i := range namespaces {
		n += len(namespaces[i].Opened)
	}
	return n
}

// Tenants may have many policies that open something: what a profile's author can mend is not crowded out.
func TestUndeclaredPathsComeLast(t *testing.T) {
	many := claimed("a", Failing, Problem{v1alpha1.ReasonServicePortMissing, "m"})
	for range v1alpha1.MaxFindings + 5 {
		many = opening(many, "x")
	}
	got := Summarize(Input{Profile: shop().Obj(), Namespaces: []Namespace{many}, Now: noon})
	if got.Findings[0].Reason != v1alpha1.ReasonServicePortMissing || int(got.FindingsTotal) != v1alpha1.MaxFindings+6 {
		t.Errorf("%d findings, first %+v", got.FindingsTotal, got.Findings[0])
	}
}
