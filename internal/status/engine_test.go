package status

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

func TestIsolatedByTheEngine(t *testing.T) {
	wider := engine.Finding{Dependency: "a", Effect: engine.Opens, Message: "a becomes wider"}
	narrower := engine.Finding{Dependency: "b", Effect: engine.Closes, Message: "b becomes narrower"}
	ovn := engine.Found{Name: engine.OVNKubernetes, Why: "it is"}
	settled := []Namespace{claimed("a", Settled)}
	cases := map[string]struct {
		in       Input
		want     string
		findings []string
	}{
		"nobody has looked": {
			want: "Unknown NoEngine: it is not known what enforces NetworkPolicies, or whether anything does: nobody has looked yet; " +
				"give its name to the operator by --network-engine",
		},
		"none is found": {
			in: Input{Engine: engine.Found{Name: engine.Unknown, Why: "no pod of one"}, Namespaces: settled},
			want: "Unknown NoEngine: it is not known what enforces NetworkPolicies, or whether anything does: no pod of one; " +
				"give its name to the operator by --network-engine",
		},
		"there is none": {
			in: Input{
				Engine: engine.Found{Name: engine.None, Why: "flannel"}, Namespaces: settled,
				ByEngine: []engine.Finding{{Effect: engine.Opens, Message: "nothing is isolated"}},
			},
			want: "Unknown NoEngine: nothing enforces NetworkPolicies (flannel): what is declared is written, and isolates nothing; " +
				"install an engine that does, or give its name by --network-engine",
			findings: []string{"EngineWider: nothing is isolated"},
		},
		"it opens more": {
			in:       Input{Engine: ovn, Namespaces: settled, ByEngine: []engine.Finding{wider, narrower}},
			want:     "False EngineWider: a becomes wider",
			findings: []string{"EngineNarrower: b becomes narrower", "EngineWider: a becomes wider"},
		},
		"it opens more, twice": {
			in:       Input{Engine: ovn, ByEngine: []engine.Finding{wider, {Effect: engine.Opens, Message: "c becomes wider"}}},
			want:     "False EngineWider: a becomes wider (and 1 more; see status.findings)",
			findings: []string{"EngineWider: a becomes wider", "EngineWider: c becomes wider"},
		},
		"it opens less": {
			in: Input{Engine: ovn, Namespaces: settled, ByEngine: []engine.Finding{narrower}},
			want: "True NoUndeclaredPath: no NetworkPolicy of others opens a path that is not declared; " +
				"they are taken to be enforced by ovn-kubernetes (it is)",
			findings: []string{"EngineNarrower: b becomes narrower"},
		},
		"others open more, whatever enforces it": {
			in:   Input{Namespaces: []Namespace{opening(claimed("a", Settled), "x")}},
			want: "False UndeclaredPath: namespace a: x opens", findings: []string{"UndeclaredPath: x opens"},
		},
		"in Preview nothing is enforced": {
			in: Input{
				Engine: ovn, Profile: shop().Preview().Obj(), ByEngine: []engine.Finding{wider},
				Namespaces: []Namespace{selected("a", claim.Unclaimed, "", claim.StandingPreviewed, "web")},
			},
			want: "Unknown Preview: preview: nothing is isolated, so that NetworkPolicies of others are not compared",
		},
		"a spec that cannot be read": {
			in:   Input{Engine: ovn, Invalid: field.ErrorList{field.Required(field.NewPath("spec"), "")}},
			want: "Unknown Invalid: what the spec declares is not known, so that NetworkPolicies of others are not compared with it",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if c.in.Profile == nil {
				c.in.Profile = shop().Obj()
			}
			c.in.Now, c.in.Plan = noon, &plan.Plan{}
			got, counts := Measure(c.in)
			if diff := cmp.Diff(c.want, brief(got.Conditions)["Isolated"]); diff != "" {
				t.Errorf("condition (-want +got):\n%s", diff)
			}
			var findings []string
			for _, f := range got.Findings {
				findings = append(findings, f.Reason+": "+f.Message)
			}
			if diff := cmp.Diff(c.findings, findings); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			wider := counts.Findings[v1alpha1.ReasonEngineWider]
			if isTrue := got.Conditions[len(got.Conditions)-1].Status == "True"; isTrue && (wider > 0 || !c.in.Engine.IsKnown()) {
				t.Error("it is isolated, and the engine opens more or is not known")
			}
		})
	}
}

// TestWhatTheEngineMakesCrowdsNothingOut: there is a finding for each dependency that relies on a name.
func TestWhatTheEngineMakesCrowdsNothingOut(t *testing.T) {
	in := Input{Profile: shop().Obj(), Plan: &plan.Plan{}, Now: noon, Engine: engine.Found{Name: engine.Cilium}}
	for range v1alpha1.MaxFindings {
		in.ByEngine = append(in.ByEngine, engine.Finding{Effect: engine.Closes, Message: "m"})
	}
	in.Namespaces = []Namespace{opening(claimed("a", Failing, Problem{v1alpha1.ReasonRejected, "m"}), "x")}
	got := Summarize(in)
	if got.Findings[0].Reason != v1alpha1.ReasonRejected || got.Findings[1].Reason != v1alpha1.ReasonEngineNarrower ||
		int(got.FindingsTotal) != v1alpha1.MaxFindings+2 {
		t.Errorf("%d findings, first %+v", got.FindingsTotal, got.Findings[:2])
	}
}
