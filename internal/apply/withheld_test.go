package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// TestAWithheldBinding: developers are to have a ClusterRole that must not be bound.
func TestAWithheldBinding(t *testing.T) {
	objects := rendered(t, builders.MakeProfile("shop").UID(shopUID).
		Tier(builders.MakeTier("web").Names(namespace).ClusterRoleAccess("edit", builders.Group("developers")).Obj()))
	name := objects.Bindings[0].Name
	edits := []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}}
	old := *builders.MakeRoleBinding(namespace, "old").Managed().UID("old").ResourceVersion("3").Role("segmentation-old").Group("developers").Obj()
	oldRole := *builders.MakeRBACRole(namespace, "segmentation-old").Managed().UID("old").ResourceVersion("3").Obj()
	other := *builders.MakeRoleBinding(namespace, "other").Managed().UID("other").ResourceVersion("3").Role("segmentation-old").Group("guests").Obj()

	cases := map[string]struct {
		isThere bool
		seen    func(*Observed)
		want    []string
		problem status.Problem
	}{
		"that is there already goes, as it came to edit the boundary": {
			isThere: true,
			seen: func(s *Observed) {
				there := objects.Bindings[0].DeepCopy()
				stored(&there.ObjectMeta)
				s.Bindings = append(s.Bindings, *there)
			},
			want: []string{"delete RoleBinding " + name},
			problem: status.Problem{
				Reason: v1alpha1.ReasonEditsBoundary,
				Message: "ClusterRole edit lets a tier edit its own boundary: it has a writing verb on networkpolicies, roles, rolebindings, " +
					"namespaces or segmentationprofiles; grant less, or say boundaryEdits: Allowed in each access entry that names it",
			},
		},
		"leaves those whom it was to bind what they had, and nobody else": {
			seen: func(s *Observed) {
				s.Roles, s.Bindings = append(s.Roles, oldRole), append(s.Bindings, old, other)
			},
			want: []string{"delete RoleBinding other"},
			problem: status.Problem{
				Reason: v1alpha1.ReasonRoleMissing, Message: "ClusterRole edit does not exist; create it, or correct access.clusterRole",
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			withheld := objects.Withhold(func(string) ([]rbacv1.PolicyRule, bool) { return edits, c.isThere })
			observed := see(member).holding(render.Objects{Policies: objects.Policies}).but(c.seen)
			todo := task(withheld)
			todo.View = alone(transition.Member)
			r := &recorder{}
			result := New(r, r).Member(t.Context(), todo, observed)
			if diff := cmp.Diff(c.want, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]status.Problem{c.problem}, result.Problems()); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if result.State() != status.Failing {
				t.Errorf("the namespace is %s", result.State())
			}
		})
	}
}
