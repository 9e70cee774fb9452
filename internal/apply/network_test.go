package apply

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// among changes the view of a namespace whose labels others' stand in relation to.
func among(role transition.Role, change func(*transition.View)) transition.View {
	view := transition.View{Role: role, MayOpen: true, MayRelabel: true}
	if role == transition.Moving {
		view.Has = transition.Membership{Profile: "shop", Tier: "api"}
	}
	if change != nil {
		change(&view)
	}
	return view
}

func TestWhatANamespaceIsBroughtTo(t *testing.T) {
	const final = render.Sight("what is declared")
	cases := map[string]struct {
		view transition.View
		// drifted is set if the policies are not as they should be in the end.
		drifted bool
		// opened is set if it was about to leave.
		opened  bool
		want    render.Sight
		reached transition.Reach
	}{
		"a joiner with nobody to wait for": {
			view: alone(transition.Joining), want: final, reached: transition.Settled,
		},
		"a joiner whose profile is quiet, while others join elsewhere": {
			view: among(transition.Joining, func(v *transition.View) { v.Alone, v.AnyJoining = true, true }), want: final, reached: transition.Settled,
		},
		"a joiner whose profile is quiet, while others leave elsewhere": {
			view: among(transition.Joining, func(v *transition.View) { v.Alone, v.AnyLeaving = true, true }),
			want: render.ByChoice, reached: transition.Switched,
		},
		"a joiner among other joiners goes by either": {
			view: among(transition.Joining, func(v *transition.View) { v.AnyJoining = true }), want: render.ByEither, reached: transition.Wide,
		},
		"a joiner while others move goes by choice, since labels are not to be trusted": {
			view: among(transition.Joining, func(v *transition.View) { v.AnyMoving = true }), want: render.ByChoice, reached: transition.Settled,
		},
		"a member while others join": {
			view: among(transition.Member, func(v *transition.View) { v.AnyJoining = true }), drifted: true,
			want: render.ByLabels, reached: transition.Wide,
		},
		"a member that was open, while others join": {
			view: among(transition.Member, func(v *transition.View) { v.AnyJoining = true }), opened: true,
			want: render.ByEither, reached: transition.Wide,
		},
		"a mover that was open": {
			view: among(transition.Moving, nil), opened: true, want: render.ByChoice, reached: transition.Steady,
		},
		"a member while others leave": {
			view: among(transition.Member, func(v *transition.View) { v.AnyLeaving = true }), drifted: true,
			want: render.BySelection, reached: transition.Switched,
		},
		"a member while others move": {
			view: among(transition.Member, func(v *transition.View) { v.AnyMoving = true }), drifted: true,
			want: render.BySelection, reached: transition.Settled,
		},
		"a member while others move to another profile first": {
			view: among(transition.Member, func(v *transition.View) { v.AnyFirst = true }), drifted: true,
			want: render.ByLabels, reached: transition.Steady,
		},
		"a member that is as declared already stays so": {
			view: among(transition.Member, func(v *transition.View) { v.AnyLeaving = true }), want: final, reached: transition.Settled,
		},
		"a member that was as declared before somebody changed it is mended at once": {
			view: among(transition.Member, func(v *transition.View) { v.AnyLeaving, v.WasExact = true, true }), drifted: true,
			want: final, reached: transition.Settled,
		},
		"a member of a quiet profile, of which nothing goes by what changes elsewhere": {
			view: among(transition.Member, func(v *transition.View) { v.Alone, v.AnyJoining = true, true }), drifted: true,
			want: final, reached: transition.Settled,
		},
		"a mover among others": {
			view: among(transition.Moving, nil), want: render.BySelection, reached: transition.Steady,
		},
		"a mover with nobody to wait for, that would choose itself by its old labels": {
			view: among(transition.Moving, func(v *transition.View) { v.Alone, v.AloneOfAll = true, true }),
			want: render.BySelection, reached: transition.Steady,
		},
		"a mover with nobody to wait for, and no rule that goes by its old labels": {
			view: among(transition.Moving, func(v *transition.View) { v.Alone, v.AloneOfAll, v.Has.Tier = true, true, "old" }),
			want: final, reached: transition.Settled,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			objects := shop(t)
			observed := see(member).holding(objects).Observed
			if c.drifted {
				observed.Policies[0].Spec.Egress = nil
			}
			if c.opened {
				base := &observed.Policies[0].Spec
				base.Egress = append(base.Egress, networkingv1.NetworkPolicyEgressRule{})
			}
			got := final
			todo := task(objects)
			todo.View = c.view
			todo.Policies = func(sight render.Sight) []*networkingv1.NetworkPolicy {
				got = sight
				return objects.Policies
			}
			r := &recorder{}
			result := New(r, r).Member(t.Context(), todo, observed)
			if got != c.want {
				t.Errorf("brought to %s, want %s", got, c.want)
			}
			want := transition.Progress{Reached: c.reached, Exact: c.want == final, Waiting: c.want != final, Labelled: true}
			if diff := cmp.Diff(want, result.Progress, unexported); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAJoinerWaitsForItsLabels(t *testing.T) {
	cases := map[string]struct {
		view     transition.View
		observed func(render.Objects) *Observed
		errs     map[string]error
		want     []string
		progress transition.Progress
	}{
		"it gets its policies and its access, and no labels until all are ready": {
			view:     transition.View{Role: transition.Joining, Alone: true},
			observed: func(render.Objects) *Observed { return see(nil).Observed },
			want:     lists(network, access),
			progress: transition.Progress{Reached: transition.Settled, Exact: true, Waiting: true},
		},
		"one that has all but its labels is written to no more, and waits on": {
			view:     transition.View{Role: transition.Joining, Alone: true},
			observed: func(o render.Objects) *Observed { return see(nil).holding(o).Observed },
			progress: transition.Progress{Reached: transition.Settled, Exact: true, Waiting: true},
		},
		"it is labelled once all are ready": {
			view:     transition.View{Role: transition.Joining, Alone: true, MayRelabel: true},
			observed: func(o render.Objects) *Observed { return see(nil).holding(o).Observed },
			want:     []string{labelling},
			progress: transition.Progress{Reached: transition.Settled, Exact: true, Labelled: true},
		},
		"where somebody else isolates pods already, nothing is opened on the way": {
			view: transition.View{Role: transition.Joining, Alone: true},
			observed: func(render.Objects) *Observed {
				return see(nil).but(func(s *Observed) {
					s.Policies = append(s.Policies, *builders.MakeNetworkPolicy(namespace, "theirs").DenyAll().Obj())
				})
			},
			want:     lists(network[:2], access),
			progress: transition.Progress{Reached: transition.Settled, Exact: true, Waiting: true},
		},
		"one that cannot be isolated is not ready for anything": {
			view:     transition.View{Role: transition.Joining, Alone: true},
			observed: func(render.Objects) *Observed { return see(nil).Observed },
			errs:     map[string]error{network[0]: apierrors.NewInternalError(errors.New("boom"))},
			want:     network[:1],
			progress: transition.Progress{Failing: true},
		},
		"one whose labels are refused keeps nobody waiting": {
			view:     alone(transition.Joining),
			observed: func(o render.Objects) *Observed { return see(nil).holding(o).Observed },
			errs:     map[string]error{labelling: forbidden(errors.New("no"))},
			want:     []string{labelling},
			progress: transition.Progress{Reached: transition.Settled, Exact: true, Stuck: true},
		},
		"one whose access is refused keeps nobody waiting either, and goes on": {
			view: alone(transition.Joining),
			observed: func(o render.Objects) *Observed {
				return see(nil).holding(render.Objects{Policies: o.Policies}).Observed
			},
			errs:     map[string]error{access[0]: forbidden(errors.New("no"))},
			want:     lists([]string{labelling}, access[:1]),
			progress: transition.Progress{Reached: transition.Settled, Exact: true, Labelled: true},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			objects := shop(t)
			todo := task(objects)
			todo.View = c.view
			r := &recorder{errs: c.errs}
			result := New(r, r).Member(t.Context(), todo, c.observed(objects))
			if diff := cmp.Diff(c.want, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.progress, result.Progress, unexported); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		})
	}
}

// moved is a dependency that goes from the base policy to one of some pods, while the base policy
// gets another instead.
func moved(t *testing.T) (before, after render.Objects) {
	t.Helper()
	dependency := func(name string, port int32) *builders.DependencyBuilder {
		return builders.MakeDependency(name).FromTier("web").ToTier("api").Port(port)
	}
	return rendered(t, shopProfile().Dependency(dependency("web-api", 80).Obj())),
		rendered(t, shopProfile().Dependency(dependency("web-api", 80).FromPods(map[string]string{"app": "x"}).Obj(), dependency("other", 81).Obj()))
}

func TestWhatMayTakeAPathAwayWaitsForWhatOpensIt(t *testing.T) {
	leftOver := builders.MakeNetworkPolicy(namespace, "segmentation-old-egress").Managed().UID("old").ResourceVersion("3").Obj()
	mixed, removed := "change "+basePolicy, "delete NetworkPolicy segmentation-old-egress"
	cases := map[string]struct {
		err  error
		want []string
	}{
		"what opens is written first, then what closes, then what goes": {
			want: []string{network[1], mixed, removed},
		},
		"if it fails and may be tried again, nothing is closed and nothing removed": {
			err:  apierrors.NewInternalError(errors.New("boom")),
			want: network[1:2],
		},
		"if it is rejected for good, what is not declared is closed, and nothing removed": {
			err:  forbidden(errors.New("no")),
			want: []string{network[1], mixed},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			before, after := moved(t)
			observed := see(member).holding(before).but(func(s *Observed) { s.Policies = append(s.Policies, *leftOver) })
			todo := task(after)
			todo.View = alone(transition.Member)
			r := &recorder{errs: map[string]error{network[1]: c.err}}
			New(r, r).Member(t.Context(), todo, observed)
			if diff := cmp.Diff(c.want, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// A member without its base policy is open to everybody, and must not pass for one.
func TestAMemberIsIsolatedWhileOthersJoin(t *testing.T) {
	unsegmented := v1alpha1.Peer{Name: "all", Namespaces: &v1alpha1.NamespaceSet{
		Selector: builders.LabelSelector(nil, builders.DoesNotExist(v1alpha1.ProfileLabel)),
	}}
	profile := builders.MakeProfile("shop").UID(shopUID).NoDNS().Peer(unsegmented).
		Tier(builders.MakeTier("web").Names(namespace).InternalTraffic(v1alpha1.InternalTrafficDeny).Obj()).
		Dependency(builders.MakeDependency("d").FromTier("web").ToPeer("all").Obj())
	todo := task(rendered(t, profile)).
		seeing(among(transition.Member, func(v *transition.View) { v.AnyJoining = true }), compiled(t, profile))
	r := &recorder{}
	New(r, r).Member(t.Context(), todo, see(member).Observed)
	if diff := cmp.Diff(network[:1], r.calls); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestAPolicyThatIsOnItsWayOutIsNoneOfTheOperators(t *testing.T) {
	objects := shop(t)
	observed := see(nil).holding(objects).but(func(s *Observed) { s.Policies[0].DeletionTimestamp = &metav1.Time{} })
	r := &recorder{}
	New(r, r).Release(t.Context(), alone(transition.Outside), observed)
	if diff := cmp.Diff(lists(revoked, []string{"delete " + podsPolicy}), r.calls); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}
