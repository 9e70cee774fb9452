package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestBindingsThatMustNotBeWrittenAreWithheld(t *testing.T) {
	t.Parallel()
	jane := []v1alpha1.Subject{builders.User("jane")}
	tier := builders.MakeTier("data").Names("db").Access("viewer", jane...).Obj()
	tier.Access = append(tier.Access,
		v1alpha1.TierAccess{ClusterRole: "view", Subjects: jane},
		v1alpha1.TierAccess{ClusterRole: "gone", Subjects: jane},
		v1alpha1.TierAccess{ClusterRole: "edit", Subjects: jane},
		v1alpha1.TierAccess{ClusterRole: "admin", Subjects: jane, BoundaryEdits: v1alpha1.BoundaryEditsAllowed},
		v1alpha1.TierAccess{ClusterRole: "empty", Subjects: jane})
	objects := mustRender(t, shop().Role(builders.MakeRole("viewer").Read("pods").Obj()).Tier(tier).Obj())["data"]
	edits := []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}}
	clusterRoles := map[string][]rbacv1.PolicyRule{
		"view":  {{APIGroups: []string{""}, Resources: []string{"*"}, Verbs: []string{"get"}}},
		"edit":  edits,
		"admin": edits,
		"empty": nil,
	}
	got := objects.Withhold(func(name string) ([]rbacv1.PolicyRule, bool) {
		rules, found := clusterRoles[name]
		return rules, found
	})

	said := map[string]string{}
	for _, b := range got.Bindings {
		said[b.RoleRef.Name] = "written"
	}
	for _, w := range got.Withheld {
		said[w.Binding.RoleRef.Name] = string(w.Reason)
	}
	want := map[string]string{
		"segmentation-viewer": "written", "view": "written", "admin": "written", "empty": "written",
		"gone": string(render.ClusterRoleMissing), "edit": string(render.ClusterRoleEditsBoundary),
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
	if len(objects.Bindings) != 6 || len(objects.Withheld) > 0 {
		t.Errorf("the objects were changed: %d bindings, %d withheld", len(objects.Bindings), len(objects.Withheld))
	}
}
