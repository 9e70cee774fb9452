package apply

import (
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestMember(t *testing.T) {
	leftOver := builders.MakeNetworkPolicy(namespace, "segmentation-old-egress").Managed().UID("old").ResourceVersion("3").Obj()
	oldRole := builders.MakeRBACRole(namespace, "segmentation-old").Managed().UID("old").ResourceVersion("3").Obj()
	oldBinding := builders.MakeRoleBinding(namespace, "x").Managed().UID("old").ResourceVersion("3").Role("segmentation-old").Obj()
	cases := map[string]memberCase{
		"an empty namespace gets policies, then its labels, then access": {
			observed: func(render.Objects) *Observed { return see(nil).Observed },
			want:     everything,
			state:    status.Written,
		},
		"a namespace that holds everything is not written to": {
			observed: func(o render.Objects) *Observed { return see(member).holding(o).Observed },
			state:    status.Settled,
		},
		"labels and annotations of others, and another owner, are no drift": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) {
					s.Policies[0].Labels["team"] = "a"
					s.Policies[0].Annotations["note"] = "b"
					s.Policies[0].OwnerReferences = append(s.Policies[0].OwnerReferences, metav1.OwnerReference{UID: "other"})
				})
			},
			state: status.Settled,
		},
		"an edited policy is changed, and nothing else": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) {
					s.Policies[0].Spec.Ingress = append(s.Policies[0].Spec.Ingress, networkingv1.NetworkPolicyIngressRule{})
				})
			},
			want:  []string{"change " + basePolicy},
			state: status.Written,
		},
		"an object that lost its managed-by label but belongs to the profile is mended": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { delete(s.Roles[0].Labels, v1alpha1.ManagedByLabel) })
			},
			want:  []string{"change Role segmentation-viewer"},
			state: status.Written,
		},
		"an object that lost its owner reference is mended": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Bindings[0].OwnerReferences = nil })
			},
			want:  []string{"change RoleBinding " + binding},
			state: status.Written,
		},
		"what is left over goes: bindings before anything else, then policies, then roles that nobody has any more": {
			observed: func(o render.Objects) *Observed {
				return see(nil).holding(o).but(func(s *Observed) {
					s.Policies = append(s.Policies, *leftOver)
					s.Roles = append(s.Roles, *oldRole)
					s.Bindings = append(s.Bindings, *oldBinding)
				})
			},
			want:  []string{"delete RoleBinding x", "delete NetworkPolicy segmentation-old-egress", labelling, "delete Role segmentation-old"},
			state: status.Written,
		},
		"what lost its label but belongs to the profile is removed when nothing declares it": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) {
					stray := leftOver.DeepCopy()
					stray.Labels, stray.OwnerReferences = nil, s.Policies[0].OwnerReferences
					s.Policies = append(s.Policies, *stray)
				})
			},
			want:  []string{"delete NetworkPolicy segmentation-old-egress"},
			state: status.Written,
		},
		"a binding with another role that is on its way out is waited for": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) {
					s.Bindings[0].RoleRef = rbacv1.RoleRef{Kind: "ClusterRole", Name: "admin"}
					s.Bindings[0].DeletionTimestamp = &metav1.Time{}
				})
			},
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonRetrying},
		},
		"what is being deleted already is not deleted again, and told of": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) {
					going := leftOver.DeepCopy()
					going.DeletionTimestamp = &metav1.Time{}
					s.Policies = append(s.Policies, *going)
				})
			},
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonRetrying},
		},
		"a binding with another role than its name says is replaced": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Bindings[0].RoleRef = rbacv1.RoleRef{Kind: "ClusterRole", Name: "admin"} })
			},
			want:  []string{"delete RoleBinding " + binding, "create RoleBinding " + binding},
			state: status.Written,
		},
		"an object that is gone when it is to be deleted is no failure": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Policies = append(s.Policies, *leftOver) })
			},
			errs:  map[string]error{"delete NetworkPolicy segmentation-old-egress": apierrors.NewNotFound(schema.GroupResource{}, "x")},
			want:  []string{"delete NetworkPolicy segmentation-old-egress"},
			state: status.Written,
		},
	}
	for name, c := range cases {
		t.Run(name, c.run)
	}
}
