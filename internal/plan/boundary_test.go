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

func TestAClusterRoleMayEditTheBoundaryIfAllWhoGrantItSaySo(t *testing.T) {
	t.Parallel()
	allowed := v1alpha1.BoundaryEditsAllowed
	entry := func(edits v1alpha1.BoundaryEdits) v1alpha1.TierAccess {
		return v1alpha1.TierAccess{ClusterRole: "edit", BoundaryEdits: edits, Subjects: []v1alpha1.Subject{builders.User("jane")}}
	}
	cases := map[string]struct {
		entries    []v1alpha1.TierAccess
		dependency v1alpha1.BoundaryEdits
		want       bool
	}{
		"all of them":           {[]v1alpha1.TierAccess{entry(allowed), entry(allowed)}, allowed, true},
		"all but a dependency":  {[]v1alpha1.TierAccess{entry(allowed)}, "", false},
		"all but one entry":     {[]v1alpha1.TierAccess{entry(allowed), entry(v1alpha1.BoundaryEditsRefused)}, allowed, false},
		"a dependency alone":    {nil, allowed, true},
		"none of them":          {[]v1alpha1.TierAccess{entry("")}, "", false},
		"none says so, nor not": {nil, "", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := builders.MakeTier("data").Names("db").Obj()
			data.Access = c.entries
			d := builders.MakeDependency("d").FromTier("web").ToTier("data").ClusterRoleAccess("edit").Obj()
			d.Access[0].BoundaryEdits = c.dependency
			grants := compiled(t, shop().Tier(data).Dependency(d)).Tier("data").Grants
			if len(grants) != 1 || grants[0].BoundaryEdits != c.want {
				t.Errorf("got %+v, want one that may: %t", grants, c.want)
			}
		})
	}
}
