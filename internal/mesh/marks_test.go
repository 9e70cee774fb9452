package mesh_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestWhatDeniesByDefault(t *testing.T) {
	policy := func(action mesh.Action, dryRun, revision string) *mesh.AuthorizationPolicy {
		out := &mesh.AuthorizationPolicy{Spec: mesh.AuthorizationSpec{Action: action}}
		if dryRun != "" {
			out.Annotations = map[string]string{"istio.io/dry-run": dryRun}
		}
		if revision != "" {
			out.Labels = map[string]string{"istio.io/rev": revision}
		}
		return out
	}
	usual, canary := mesh.RevisionOf(nil), mesh.RevisionOf(map[string]string{"istio.io/rev": "canary"})
	cases := map[string]struct {
		policy   *mesh.AuthorizationPolicy
		revision string
		want     bool
	}{
		"one that allows":                      {policy(mesh.Allow, "", ""), usual, true},
		"without an action":                    {policy("", "", ""), canary, true},
		"one that denies":                      {policy(mesh.Deny, "", ""), usual, false},
		"one that is only logged":              {policy(mesh.Allow, "true", ""), usual, false},
		"one that is not":                      {policy(mesh.Allow, "false", ""), usual, true},
		"one of another control plane":         {policy(mesh.Allow, "", "canary"), usual, false},
		"one of the namespace's control plane": {policy(mesh.Allow, "", "canary"), canary, true},
		"one of the usual control plane":       {policy(mesh.Allow, "", "default"), usual, true},
	}
	for name, c := range cases {
		if got := c.policy.Guards(c.revision); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// What is written in the root namespace holds for all others, also for those of no profile.
func TestNothingIsWrittenInTheRootNamespace(t *testing.T) {
	p := mustCompile(t, builders.MakeProfile("shop").Tier(builders.MakeTier("web").Names("web", "istio-system").Obj()).
		Istio(v1alpha1.Istio{MutualTLS: v1alpha1.MutualTLSStrict}).Obj())
	web := plan.TierOf{Profile: "shop", Tier: "web"}
	places := mesh.NewPlaces([]*plan.Plan{p}, "istio-system")
	places.Put("web", web, nil)
	places.Put("istio-system", web, nil)
	want := mesh.Rendered{Findings: []plan.Finding{{
		Reason: v1alpha1.ReasonMeshAdmitsMore, Namespace: "istio-system",
		Message: "tier web: it is Istio's root namespace, whose policies hold for all namespaces, so none is written here; " +
			"the NetworkPolicies stand alone",
	}}}
	if diff := cmp.Diff(want, mesh.Render(p, p.Tier("web"), "istio-system", places.Facts("shop"))); diff != "" {
		t.Errorf("in the root namespace (-want +got):\n%s", diff)
	}
	beside := mesh.Render(p, p.Tier("web"), "web", places.Facts("shop"))
	if len(beside.Policies) != 1 || len(beside.Authentications) != 1 || len(beside.Findings) != 0 {
		t.Errorf("beside it: %+v", beside)
	}
}
