package apply

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestMemberWhenSomethingIsInTheWay(t *testing.T) {
	leftOver := builders.MakeNetworkPolicy(namespace, "segmentation-old-egress").Managed().UID("old").ResourceVersion("3").Obj()
	oldRole := builders.MakeRBACRole(namespace, "segmentation-old").Managed().UID("old").ResourceVersion("3").Obj()
	oldBinding := builders.MakeRoleBinding(namespace, "x").Managed().UID("old").ResourceVersion("3").Role("segmentation-old").Obj()
	replaced := builders.MakeRoleBinding(namespace, "y").Managed().UID("old").ResourceVersion("3").Role("segmentation-old").Group("developers").Obj()
	foreign := builders.MakeNetworkPolicy(namespace, "segmentation").DenyAll().UID("theirs").Obj()
	escalation := forbidden(errors.New(escalation + ":\n{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"get\"]}\n"))
	inTheWay := builders.MakeNetworkPolicy(namespace, "segmentation-web-api-egress").DenyAll().UID("theirs").Obj()
	// demotion has a binding of nobody, and one of developers to a role that is not declared any more.
	demotion := func(but func(*Observed)) func(render.Objects) *Observed {
		return func(o render.Objects) *Observed {
			return see(member).holding(o).but(func(s *Observed) {
				s.Roles, s.Bindings = append(s.Roles[:0], *oldRole), append(s.Bindings[:0], *oldBinding, *replaced)
				but(s)
			})
		}
	}
	demoted := []string{"delete RoleBinding y", "delete Role segmentation-old"}
	cases := map[string]memberCase{
		"a policy that is altered on its way is no isolation": {
			observed: func(render.Objects) *Observed { return see(nil).Observed },
			altered:  "segmentation",
			want:     network[:1],
			state:    status.Failing,
			reasons:  []string{v1alpha1.ReasonRejected},
		},
		"if a policy's name is taken, no policy is removed: it may be what the other one was to replace": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Policies[1] = *inTheWay; s.Policies = append(s.Policies, *leftOver) })
			},
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonNameTaken},
		},
		"if a policy cannot be written, no policy is removed or closed, and a newcomer gets no labels": {
			observed: func(render.Objects) *Observed {
				return see(nil).but(func(s *Observed) { s.Policies = append(s.Policies, *leftOver) })
			},
			errs:    map[string]error{network[1]: apierrors.NewInternalError(errors.New("boom"))},
			want:    network[:2],
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonRetrying},
		},
		"a member whose base policy cannot be written loses its labels": {
			observed: func(render.Objects) *Observed { return see(member).Observed },
			errs:     map[string]error{network[0]: apierrors.NewServiceUnavailable("boom")},
			want:     lists(network[:1], []string{unlabelling}),
			state:    status.Failing,
			reasons:  []string{v1alpha1.ReasonRetrying},
		},
		"a role above the ceiling keeps what was to be removed after it, and neither bindings of others nor policies": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) {
					s.Roles = append(s.Roles[:0], *oldRole)
					s.Policies = append(s.Policies, *leftOver)
					s.Bindings = append(s.Bindings[:0], *oldBinding, *replaced)
				})
			},
			errs:    map[string]error{access[0]: escalation},
			want:    []string{"delete RoleBinding x", "delete NetworkPolicy segmentation-old-egress", access[0]},
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonAboveCeiling},
		},
		"a role above the ceiling is not bound, and the network side is there all the same": {
			observed: func(render.Objects) *Observed { return see(nil).Observed },
			errs:     map[string]error{access[0]: escalation},
			want:     lists(network, []string{labelling}, access[:1]),
			state:    status.Failing,
			reasons:  []string{v1alpha1.ReasonAboveCeiling},
		},
		"a foreign policy with the base policy's name is not touched, and a newcomer gets neither other policies nor labels": {
			observed: func(render.Objects) *Observed {
				return see(nil).but(func(s *Observed) { s.Policies = append(s.Policies, *foreign) })
			},
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonNameTaken},
		},
		"a member whose base policy was replaced by a foreign one loses its labels": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Policies[0] = *foreign })
			},
			want:    []string{unlabelling},
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
			want:    []string{"delete RoleBinding " + binding, network[1]},
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonNameTaken},
		},
		"a foreign role keeps the binding from being created, and nothing else": {
			observed: func(render.Objects) *Observed {
				return see(nil).but(func(s *Observed) {
					s.Roles = append(s.Roles, *builders.MakeRBACRole(namespace, "segmentation-viewer").UID("theirs").Obj())
				})
			},
			want:    lists(network, []string{labelling}),
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonNameTaken},
		},
		"a write that an admission policy refuses is told of and not tried for ever": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Policies = s.Policies[:1] })
			},
			errs:    map[string]error{network[1]: forbidden(errors.New("denied by policy"))},
			want:    network[1:2],
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonRejected},
		},
		"labels that cannot be written are tried again": {
			observed: func(o render.Objects) *Observed { return see(nil).holding(o).Observed },
			errs:     map[string]error{labelling: apierrors.NewServiceUnavailable("boom")},
			want:     []string{labelling},
			state:    status.Failing,
			reasons:  []string{v1alpha1.ReasonRetrying},
		},
		"if a policy is rejected for good, what the base policy closes is closed, no policy is removed, and a newcomer gets no labels": {
			observed: func(render.Objects) *Observed {
				return see(nil).but(func(s *Observed) { s.Policies = append(s.Policies, *leftOver) })
			},
			errs:    map[string]error{network[1]: apierrors.NewBadRequest("no")},
			want:    network,
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonRejected},
		},
		"access is not given, and none that is replaced is taken, as long as trying a policy again may help": {
			observed: demotion(func(s *Observed) { s.Policies = s.Policies[:1] }),
			errs:     map[string]error{network[1]: apierrors.NewInternalError(errors.New("boom"))},
			want:     []string{"delete RoleBinding x", network[1]},
			state:    status.Failing,
			reasons:  []string{v1alpha1.ReasonRetrying},
		},
		"if a policy is refused for good, access is not given, and what it was to replace is taken all the same": {
			observed: demotion(func(s *Observed) { s.Policies = s.Policies[:1] }),
			errs:     map[string]error{network[1]: forbidden(errors.New("denied by policy"))},
			want:     lists([]string{"delete RoleBinding x", network[1]}, demoted),
			state:    status.Failing,
			reasons:  []string{v1alpha1.ReasonRejected},
		},
		"so it is if a policy's name is taken": {
			observed: demotion(func(s *Observed) { s.Policies[1] = *inTheWay }),
			want:     lists([]string{"delete RoleBinding x"}, demoted),
			state:    status.Failing,
			reasons:  []string{v1alpha1.ReasonNameTaken},
		},
		"and if a policy is being deleted and waits for finalizers": {
			observed: demotion(func(s *Observed) { s.Policies[1].DeletionTimestamp = &metav1.Time{} }),
			want:     lists([]string{"delete RoleBinding x"}, demoted),
			state:    status.Failing,
			reasons:  []string{v1alpha1.ReasonRetrying},
		},
		"and if trying again does not help for long": {
			observed: demotion(func(s *Observed) { s.Policies = s.Policies[:1] }),
			view:     func(v *transition.View) { v.FailsForLong = true },
			errs:     map[string]error{network[1]: apierrors.NewInternalError(errors.New("boom"))},
			want:     lists([]string{"delete RoleBinding x", network[1]}, demoted),
			state:    status.Failing,
			reasons:  []string{v1alpha1.ReasonRetrying},
		},
		"a member whose base policy is being deleted and waits for finalizers loses its labels": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Policies[0].DeletionTimestamp = &metav1.Time{} })
			},
			want:    []string{unlabelling},
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonRetrying},
		},
		"labels that somebody's change has overtaken are looked at again, and that is no failure": {
			observed: func(o render.Objects) *Observed { return see(nil).holding(o).Observed },
			errs:     map[string]error{labelling: apierrors.NewConflict(schema.GroupResource{Resource: "namespaces"}, "one", errors.New("changed"))},
			want:     []string{labelling},
			state:    status.Written,
		},
		"a binding that cannot be taken away keeps access from being removed, and nothing else": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) {
					s.Roles, s.Bindings = append(s.Roles, *oldRole), append(s.Bindings, *oldBinding)
					s.Policies = s.Policies[:1]
				})
			},
			errs:    map[string]error{"delete RoleBinding x": apierrors.NewInternalError(errors.New("boom"))},
			want:    []string{"delete RoleBinding x", network[1]},
			state:   status.Failing,
			reasons: []string{v1alpha1.ReasonRetrying},
		},
	}
	for name, c := range cases {
		t.Run(name, c.run)
	}
}

// TestWhoseRoleIsRefusedKeepsNobodyElseInAnother: developers and operators had the old role, and get others
// instead. That of the operators is above the ceiling.
func TestWhoseRoleIsRefusedKeepsNobodyElseInAnother(t *testing.T) {
	objects := rendered(t, builders.MakeProfile("shop").UID(shopUID).
		Tier(builders.MakeTier("web").Names(namespace).
			Access("boss", builders.Group("operators")).Access("viewer", builders.Group("developers")).Obj()).
		Role(builders.MakeRole("boss").Read("secrets").Obj(), builders.MakeRole("viewer").Read("pods").Obj()))
	old := func(name, group string) rbacv1.RoleBinding {
		return *builders.MakeRoleBinding(namespace, name).Managed().UID("old").ResourceVersion("3").Role("segmentation-old").Group(group).Obj()
	}
	observed := see(member).holding(render.Objects{Policies: objects.Policies}).but(func(s *Observed) {
		s.Roles = append(s.Roles, *builders.MakeRBACRole(namespace, "segmentation-old").Managed().UID("old").ResourceVersion("3").Obj())
		s.Bindings = append(s.Bindings, old("x", "operators"), old("y", "developers"))
	})
	todo := task(objects)
	todo.View = alone(transition.Member)
	r := &recorder{errs: map[string]error{"create Role segmentation-boss": forbidden(errors.New(escalation))}}
	New(r, r).Member(t.Context(), todo, observed)
	want := lists([]string{"create Role segmentation-boss"}, access, []string{"delete RoleBinding y"})
	if diff := cmp.Diff(want, r.calls); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestWhoCannotBeTakenOutOfABindingGetsNothingNew: a role is changed, and who has it. Developers are to lose
// it, and must not get what is added to it instead.
func TestWhoCannotBeTakenOutOfABindingGetsNothingNew(t *testing.T) {
	profile := func(group string, reads ...string) *builders.ProfileBuilder {
		return builders.MakeProfile("shop").UID(shopUID).
			Tier(builders.MakeTier("web").Names(namespace).Access("viewer", builders.Group(group)).Obj()).
			Role(builders.MakeRole("viewer").Read(reads...).Obj())
	}
	narrowRole, narrowBinding := "change Role segmentation-viewer", "change RoleBinding "+binding
	cases := map[string]struct {
		after *builders.ProfileBuilder
		errs  []string
		want  []string
	}{
		"nothing fails": {
			after: profile("bosses", "secrets"),
			want:  []string{narrowRole, narrowBinding, narrowRole, narrowBinding},
		},
		"they stay in the binding": {
			after: profile("bosses", "secrets"), errs: []string{narrowBinding},
			want: []string{narrowRole, narrowBinding},
		},
		"the role keeps what it is to lose, and they are taken out of it all the same, and nobody gets it": {
			after: profile("bosses", "secrets"), errs: []string{narrowRole},
			want: []string{narrowRole, narrowBinding, narrowRole},
		},
		"they stay in the binding, and the role only gains": {
			after: profile("bosses", "pods", "secrets"), errs: []string{narrowBinding},
			want: []string{narrowBinding},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			todo := task(rendered(t, c.after))
			todo.View = alone(transition.Member)
			r := &recorder{errs: map[string]error{}}
			for _, call := range c.errs {
				r.errs[call] = forbidden(errors.New("not on a Friday"))
			}
			New(r, r).Member(t.Context(), todo, see(member).holding(rendered(t, profile("developers", "pods"))).Observed)
			if diff := cmp.Diff(c.want, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAStandInWhoseNameIsTaken: pods of a dependency change, and somebody knows under which name that is
// done. It is done without the stand-in then.
func TestAStandInWhoseNameIsTaken(t *testing.T) {
	profile := func(app string) *builders.ProfileBuilder {
		return shopProfile().Dependency(
			builders.MakeDependency("web-api").FromTier("web").FromPods(map[string]string{"app": app}).ToTier("api").Port(80).Obj())
	}
	todo := task(rendered(t, profile("y")))
	todo.View = alone(transition.Member)
	before := see(member).holding(rendered(t, profile("x")))
	undisturbed := &recorder{}
	New(undisturbed, undisturbed).Member(t.Context(), todo, before.Observed)
	standIn := undisturbed.calls[0]

	foreign := builders.MakeNetworkPolicy(namespace, strings.TrimPrefix(standIn, "create NetworkPolicy ")).DenyAll().UID("theirs").Obj()
	going := foreign.DeepCopy()
	going.Labels, going.DeletionTimestamp = map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}, &metav1.Time{}
	for reason, policy := range map[string]*networkingv1.NetworkPolicy{v1alpha1.ReasonNameTaken: foreign, v1alpha1.ReasonRetrying: going} {
		observed := *before.Observed
		observed.Policies = append(slices.Clone(observed.Policies), *policy)
		r := &recorder{}
		result := New(r, r).Member(t.Context(), todo, &observed)
		if diff := cmp.Diff([]string{"change " + podsPolicy}, r.calls); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{reason}, reasonsOf(&result)); diff != "" || !result.Progress.Stuck {
			t.Errorf("others wait for it: %t; reasons (-want +got):\n%s", !result.Progress.Stuck, diff)
		}
	}
}

// TestAForgedBindingThatStaysHoldsBackItsRole: somebody wrote a binding to the operator's Role, and it cannot
// be removed. He must not get what is added to the Role.
func TestAForgedBindingThatStaysHoldsBackItsRole(t *testing.T) {
	profile := func(reads ...string) *builders.ProfileBuilder {
		return builders.MakeProfile("shop").UID(shopUID).
			Tier(builders.MakeTier("web").Names(namespace).Access("viewer", builders.Group("developers")).Obj()).
			Role(builders.MakeRole("viewer").Read(reads...).Obj())
	}
	forged := builders.MakeRoleBinding(namespace, "x").Managed().UID("x").ResourceVersion("3").Role("segmentation-viewer").Group("others").Obj()
	observed := see(member).holding(rendered(t, profile("pods"))).but(func(o *Observed) { o.Bindings = append(o.Bindings, *forged) })
	todo := task(rendered(t, profile("pods", "secrets")))
	todo.View = alone(transition.Member)
	r := &recorder{errs: map[string]error{"delete RoleBinding x": forbidden(errors.New("not on a Friday"))}}
	New(r, r).Member(t.Context(), todo, observed)
	if diff := cmp.Diff([]string{"delete RoleBinding x"}, r.calls); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// Once it is known that a namespace is being deleted, nothing else is asked for.
func TestANamespaceThatIsGoing(t *testing.T) {
	going := apierrors.NewForbidden(schema.GroupResource{Resource: "networkpolicies"}, "x", errors.New("unable to create new content"))
	going.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	objects := shop(t)
	r := &recorder{errs: map[string]error{"create " + basePolicy: going}}
	result := New(r, r).Member(t.Context(), task(objects), see(nil).Observed)
	if diff := cmp.Diff([]string{"create " + basePolicy}, r.calls); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if !result.IsGoing || result.Err() != nil || result.Refused() || len(result.Problems()) > 0 || result.State() == status.Failing {
		t.Errorf("it is told of as a failure: %+v", result)
	}
}
