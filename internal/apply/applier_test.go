package apply

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

const (
	shopUID   = types.UID("shop-uid")
	namespace = "one"
	binding   = "segmentation-viewer-b7989610f0"
)

// shop is what a namespace of the tests' profile gets: two policies, a role and a binding.
func shop(t *testing.T) render.Objects {
	t.Helper()
	profile := builders.MakeProfile("shop").UID(shopUID).
		Tier(builders.MakeTier("web").Names(namespace).Access("viewer", builders.Group("developers")).Obj(),
			builders.MakeTier("api").Names("two").Obj()).
		Role(builders.MakeRole("viewer").Read("pods").Obj()).
		Dependency(builders.MakeDependency("web-api").FromTier("web").FromPods(map[string]string{"app": "x"}).ToTier("api").Port(80).Obj()).
		Obj()
	compiled, errs := plan.Compile(profile)
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	return render.Tier(compiled, compiled.Tier("web")).In(namespace)
}

// seen is what the cache shows of a namespace.
type seen struct {
	*Observed
}

func see(labels map[string]string) seen {
	return seen{&Observed{Namespace: builders.MakeNamespace(namespace).UID("ns-uid").ResourceVersion("5").Labels(labels).Metadata()}}
}

// holding adds what was rendered, as the API server would return it.
func (s seen) holding(objects render.Objects) seen {
	for _, p := range objects.Policies {
		p = p.DeepCopy()
		stored(&p.ObjectMeta)
		s.Policies = append(s.Policies, *p)
	}
	for _, r := range objects.Roles {
		r = r.DeepCopy()
		stored(&r.ObjectMeta)
		s.Roles = append(s.Roles, *r)
	}
	for _, b := range objects.Bindings {
		b = b.DeepCopy()
		stored(&b.ObjectMeta)
		s.Bindings = append(s.Bindings, *b)
	}
	return s
}

func stored(meta *metav1.ObjectMeta) {
	meta.UID, meta.ResourceVersion = types.UID("uid-of-"+meta.Name), "7"
}

// but changes what the cache shows.
func (s seen) but(change func(*Observed)) *Observed {
	change(s.Observed)
	return s.Observed
}

// task is to bring a namespace to all of this at once: no other one's labels are due to change.
func task(objects render.Objects) *Task {
	view := transition.View{Role: transition.Joining, Alone: true, AloneOfAll: true, MayOpen: true, MayRelabel: true}
	return &Task{Rendered: objects, Owner: shopUID, Profile: "shop", Tier: "web", View: view}
}

var (
	member     = map[string]string{v1alpha1.ProfileLabel: "shop", v1alpha1.TierLabel: "web"}
	everything = []string{
		"create NetworkPolicy segmentation",
		"create NetworkPolicy segmentation-web-api-egress",
		"create Role segmentation-viewer",
		"create RoleBinding " + binding,
		"label one web",
	}
)

func TestMember(t *testing.T) {
	leftOver := builders.MakeNetworkPolicy(namespace, "segmentation-old-egress").Managed().UID("old").ResourceVersion("3").Obj()
	oldRole := builders.MakeRBACRole(namespace, "segmentation-old").Managed().UID("old").ResourceVersion("3").Obj()
	oldBinding := builders.MakeRoleBinding(namespace, "x").Managed().UID("old").ResourceVersion("3").Role("segmentation-old").Obj()
	foreign := builders.MakeNetworkPolicy(namespace, "segmentation").DenyAll().UID("theirs").Obj()
	escalation := forbidden(errors.New(escalation + ":\n{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"get\"]}\n"))

	cases := map[string]struct {
		observed func(render.Objects) *Observed
		errs     map[string]error
		altered  string
		want     []string
		state    status.State
		reasons  []string
	}{
		"an empty namespace gets policies, then access, then its labels": {
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
			want:  []string{"change NetworkPolicy segmentation"},
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
		"what is left over is removed last, access before policies": {
			observed: func(o render.Objects) *Observed {
				return see(nil).holding(o).but(func(s *Observed) {
					s.Policies = append(s.Policies, *leftOver)
					s.Roles = append(s.Roles, *oldRole)
					s.Bindings = append(s.Bindings, *oldBinding)
				})
			},
			want:  []string{"delete RoleBinding x", "delete Role segmentation-old", "delete NetworkPolicy segmentation-old-egress", "label one web"},
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
		"a policy that is altered on its way is no isolation": {
			observed: func(render.Objects) *Observed { return see(nil).Observed },
			altered:  "segmentation",
			want:     everything[:4],
			state:    status.Failing,
			reasons:  []string{v1alpha1.ReasonRejected},
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
		"if a policy cannot be written, nothing is removed and a newcomer gets no labels": {
			observed: func(render.Objects) *Observed {
				return see(nil).but(func(s *Observed) { s.Policies = append(s.Policies, *leftOver) })
			},
			errs:    map[string]error{everything[1]: apierrors.NewInternalError(errors.New("boom"))},
			want:    everything[:4],
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonRetrying},
		},
		"a member whose base policy cannot be written loses its labels": {
			observed: func(render.Objects) *Observed { return see(member).Observed },
			errs:     map[string]error{everything[0]: apierrors.NewServiceUnavailable("boom")},
			want:     append(everything[:4:4], "unlabel one"),
			state:    status.Failing,
			reasons:  []string{v1alpha1.ReasonRetrying},
		},
		"a role above the ceiling keeps access from being removed, and not policies": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) {
					s.Roles = s.Roles[:0]
					s.Policies = append(s.Policies, *leftOver)
					s.Bindings = append(s.Bindings[:0], *oldBinding)
				})
			},
			errs:    map[string]error{everything[2]: escalation},
			want:    []string{everything[2], "delete NetworkPolicy segmentation-old-egress"},
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonAboveCeiling},
		},
		"a role above the ceiling is not bound, and the network side is there all the same": {
			observed: func(render.Objects) *Observed { return see(nil).Observed },
			errs:     map[string]error{everything[2]: escalation},
			want:     []string{everything[0], everything[1], everything[2], everything[4]},
			state:    status.Failing,
			reasons:  []string{v1alpha1.ReasonAboveCeiling},
		},
		"a foreign policy with the base policy's name is not touched, and a newcomer gets no labels": {
			observed: func(render.Objects) *Observed {
				return see(nil).but(func(s *Observed) { s.Policies = append(s.Policies, *foreign) })
			},
			want:    everything[1:4],
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonNameTaken},
		},
		"a member whose base policy was replaced by a foreign one loses its labels": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Policies[0] = *foreign })
			},
			want:    []string{"unlabel one"},
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonNameTaken},
		},
		"a foreign role under the name of a profile's role is not bound, and its binding goes first": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) {
					s.Roles[0] = *builders.MakeRBACRole(namespace, "segmentation-viewer").UID("theirs").Obj()
					s.Policies = s.Policies[:1]
				})
			},
			want:    []string{"delete RoleBinding " + binding, everything[1]},
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonNameTaken},
		},
		"a foreign role keeps the binding from being created": {
			observed: func(render.Objects) *Observed {
				return see(nil).but(func(s *Observed) {
					s.Roles = append(s.Roles, *builders.MakeRBACRole(namespace, "segmentation-viewer").UID("theirs").Obj())
				})
			},
			want:    everything[:2],
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonNameTaken},
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
		"a write that an admission policy refuses is told of and not tried for ever": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Policies = s.Policies[:1] })
			},
			errs:    map[string]error{everything[1]: forbidden(errors.New("denied by policy"))},
			want:    everything[1:2],
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonRejected},
		},
		"labels that cannot be written are tried again": {
			observed: func(o render.Objects) *Observed { return see(nil).holding(o).Observed },
			errs:     map[string]error{"label one web": apierrors.NewTooManyRequestsError("slow down")},
			want:     []string{"label one web"},
			state:    status.Failing,
			reasons:  []string{v1alpha1.ReasonRetrying},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			objects := shop(t)
			r := &recorder{errs: c.errs, altered: c.altered}
			result := New(r, r).Member(t.Context(), task(objects), c.observed(objects))
			if diff := cmp.Diff(c.want, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if result.State() != c.state || result.Writes != len(c.want) {
				t.Errorf("state %s after %d writes, want %s after %d; failures %+v", result.State(), result.Writes, c.state, len(c.want), result.Failures)
			}
			var reasons []string
			for _, p := range result.Problems() {
				reasons = append(reasons, p.Reason)
			}
			if diff := cmp.Diff(c.reasons, reasons); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

func forbidden(err error) error {
	return apierrors.NewForbidden(schema.GroupResource{Group: "g", Resource: "r"}, "some-name", err)
}

func TestReleaseAndHold(t *testing.T) {
	short := builders.MakeRBACRole(namespace, "x").Managed().UID("short").ResourceVersion("1").Obj()
	cases := map[string]struct {
		do       func(*Applier, *Observed) Result
		observed func(render.Objects) *Observed
		errs     map[string]error
		want     []string
	}{
		"a namespace that leaves loses its labels first, then access, then policies": {
			do: func(a *Applier, o *Observed) Result {
				return a.Release(t.Context(), transition.View{AloneOfAll: true, MayOpen: true, MayRelabel: true}, o)
			},
			observed: func(o render.Objects) *Observed { return see(member).holding(o).Observed },
			want: []string{
				"unlabel one", "delete RoleBinding " + binding, "delete Role segmentation-viewer",
				"delete NetworkPolicy segmentation-web-api-egress", "delete NetworkPolicy segmentation",
			},
		},
		"if the labels cannot be removed, the policies stay": {
			do: func(a *Applier, o *Observed) Result {
				return a.Release(t.Context(), transition.View{AloneOfAll: true, MayOpen: true, MayRelabel: true}, o)
			},
			observed: func(o render.Objects) *Observed { return see(member).holding(o).Observed },
			errs:     map[string]error{"unlabel one": apierrors.NewInternalError(errors.New("boom"))},
			want:     []string{"unlabel one"},
		},
		"one label of the two is a forgery too": {
			do: func(a *Applier, o *Observed) Result {
				return a.Release(t.Context(), transition.View{AloneOfAll: true, MayOpen: true, MayRelabel: true}, o)
			},
			observed: func(render.Objects) *Observed { return see(map[string]string{v1alpha1.TierLabel: "web"}).Observed },
			want:     []string{"unlabel one"},
		},
		"a forged object with any name is removed": {
			do: func(a *Applier, o *Observed) Result {
				return a.Release(t.Context(), transition.View{AloneOfAll: true, MayOpen: true, MayRelabel: true}, o)
			},
			observed: func(render.Objects) *Observed {
				return see(nil).but(func(s *Observed) { s.Roles = append(s.Roles, *short) })
			},
			want: []string{"delete Role x"},
		},
		"a namespace that is held is not written to": {
			do:       func(a *Applier, o *Observed) Result { return a.Hold(t.Context(), o) },
			observed: func(o render.Objects) *Observed { return see(member).holding(o).Observed },
		},
		"a namespace that is held and relabelled by hand, or whose policy is, loses its labels": {
			do: func(a *Applier, o *Observed) Result { return a.Hold(t.Context(), o) },
			observed: func(o render.Objects) *Observed {
				return see(map[string]string{v1alpha1.ProfileLabel: "shop", v1alpha1.TierLabel: "data"}).holding(o).Observed
			},
			want: []string{"unlabel one"},
		},
		"a namespace that is held whose base policy is on its way out loses its labels": {
			do: func(a *Applier, o *Observed) Result { return a.Hold(t.Context(), o) },
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Policies[0].DeletionTimestamp = &metav1.Time{} })
			},
			want: []string{"unlabel one"},
		},
		"what lost its label but belongs to a profile is removed too": {
			do: func(a *Applier, o *Observed) Result {
				return a.Release(t.Context(), transition.View{AloneOfAll: true, MayOpen: true, MayRelabel: true}, o)
			},
			observed: func(o render.Objects) *Observed {
				return see(nil).holding(render.Objects{Roles: o.Roles}).but(func(s *Observed) { s.Roles[0].Labels = nil })
			},
			want: []string{"delete Role segmentation-viewer"},
		},
		"a namespace that is held without a base policy loses its labels": {
			do: func(a *Applier, o *Observed) Result { return a.Hold(t.Context(), o) },
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Policies = s.Policies[1:] })
			},
			want: []string{"unlabel one"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := &recorder{errs: c.errs}
			c.do(New(r, r), c.observed(shop(t)))
			if diff := cmp.Diff(c.want, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}
