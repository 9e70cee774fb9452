package plan_test

import (
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestRulesThatEditTheBoundary(t *testing.T) {
	t.Parallel()
	harmless := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get"}}
	for name, c := range plantest.BoundaryRules() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := c.Rule
			rules := []rbacv1.PolicyRule{harmless, {APIGroups: r.APIGroups, Resources: r.Resources, ResourceNames: r.ResourceNames, Verbs: r.Verbs}}
			if got := plan.EditsBoundary(rules); got != c.Edits {
				t.Errorf("edits the boundary: %t, want %t", got, c.Edits)
			}
			role := builders.MakeRole("r").Rules(c.Rule)
			_, errs := plan.Compile(shop().Role(role.Obj()).Obj())
			const words = "spec.roles[0].rules: Forbidden: a rule lets a tier edit its own boundary"
			if got := len(errs) == 1 && strings.HasPrefix(errs[0].Error(), words); got != c.Edits {
				t.Errorf("got %v, refused should be %t", errs, c.Edits)
			}
			if _, errs := plan.Compile(shop().Role(role.BoundaryEdits().Obj()).Obj()); len(errs) > 0 {
				t.Errorf("though the role says that it may: %v", errs)
			}
		})
	}
}

func TestEntriesThatGrantAClusterRoleAgreeOnTheBoundary(t *testing.T) {
	t.Parallel()
	const allowed, refused = v1alpha1.BoundaryEditsAllowed, v1alpha1.BoundaryEditsRefused
	entry := func(edits v1alpha1.BoundaryEdits) v1alpha1.TierAccess {
		return v1alpha1.TierAccess{ClusterRole: "edit", BoundaryEdits: edits, Subjects: []v1alpha1.Subject{builders.User("jane")}}
	}
	cases := map[string]struct {
		entries    []v1alpha1.TierAccess
		dependency v1alpha1.BoundaryEdits
		want       bool
		mistake    string
	}{
		"all allow it":                 {[]v1alpha1.TierAccess{entry(allowed), entry(allowed)}, allowed, true, ""},
		"none allows it":               {[]v1alpha1.TierAccess{entry(""), entry(refused)}, "", false, ""},
		"a dependency alone allows it": {nil, allowed, true, ""},
		"all but a dependency":         {[]v1alpha1.TierAccess{entry(allowed)}, "", false, "spec.dependencies[0].access[0].boundaryEdits"},
		"all but one entry": {
			[]v1alpha1.TierAccess{entry(allowed), entry(refused)}, allowed, false, "spec.tiers[2].access[1].boundaryEdits",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := builders.MakeTier("data").Names("db").Obj()
			data.Access = c.entries
			d := builders.MakeDependency("d").FromTier("web").ToTier("data").ClusterRoleAccess("edit").Obj()
			d.Access[0].BoundaryEdits = c.dependency
			p, errs := plan.Compile(shop().Tier(data).Dependency(d).Obj())
			if c.mistake != "" {
				if len(errs) != 1 || errs[0].Field != c.mistake || !strings.Contains(errs[0].Error(), "let all of them say the same") {
					t.Errorf("got %v, want a mistake of %s", errs, c.mistake)
				}
				return
			}
			if len(errs) > 0 || p.Tier("data").Grants[0].BoundaryEdits != c.want {
				t.Errorf("got %v, %+v; want that it may: %t", errs, p, c.want)
			}
		})
	}
}
