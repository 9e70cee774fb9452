package apply

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// of are the labels of a member of a tier of the tests' profile.
func of(tier string) map[string]string { return render.MembershipLabels("shop", tier) }

// comingFrom adds to the first policy, the base policy, that its namespace comes from a tier.
func comingFrom(tier string) func(*Observed) {
	return func(o *Observed) {
		base := withOriginOf(&o.Policies[0], transition.Membership{Profile: "shop", Tier: tier})
		o.Policies[0] = *base
	}
}

// notes tells of a base policy where its namespace comes from.
func notes(obj client.Object) string {
	policy, ok := obj.(*networkingv1.NetworkPolicy)
	if !ok || policy.Name != render.Prefix {
		return ""
	}
	if from := originOf(policy); from.Tier != "" {
		return " from " + from.Profile + "/" + from.Tier
	}
	return ""
}

func TestTheBasePolicySaysWhereItsNamespaceComesFrom(t *testing.T) {
	cases := map[string]struct {
		labels map[string]string
		but    func(*Observed)
		view   transition.View
		want   []string
	}{
		"before a namespace that moves gets its labels": {
			labels: of("data"),
			but: func(o *Observed) {
				for i := range o.Policies {
					o.Policies[i].Labels = map[string]string{
						v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue, v1alpha1.ProfileLabel: "shop", v1alpha1.TierLabel: "data",
					}
				}
			},
			view: movingFrom("data"),
			want: lists([]string{"change " + basePolicy + " from shop/data", "change " + podsPolicy}, access, []string{labelling}),
		},
		"and no longer than until it has them": {
			labels: of("web"), but: comingFrom("data"), view: alone(transition.Member),
			want: lists([]string{"change " + basePolicy}, access),
		},
		"but as long as others are to move": {
			labels: of("web"), but: func(o *Observed) { comingFrom("data")(o); o.Policies[0].Spec.Egress = nil },
			view: among(transition.Member, func(v *transition.View) { v.AnyMoving = true }),
			want: lists([]string{"change " + basePolicy + " from shop/data"}, access),
		},
		"and once more, if it moves on": {
			labels: of("api"), but: func(o *Observed) {
				comingFrom("data")(o)
				o.Policies[0].Labels = map[string]string{
					v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue, v1alpha1.ProfileLabel: "shop", v1alpha1.TierLabel: "api",
				}
			},
			view: movingFrom("api"),
			want: lists([]string{"change " + basePolicy + " from shop/api"}, access, []string{labelling}),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			objects := shop(t)
			observed := see(c.labels).holding(render.Objects{Policies: objects.Policies}).but(c.but)
			todo := task(objects).seeing(c.view, compiled(t, shopProfile()))
			todo.Policies = func(render.Sight) []*networkingv1.NetworkPolicy { return objects.Policies }
			r := &recorder{tells: notes}
			New(r, r).Member(t.Context(), todo, observed)
			if diff := cmp.Diff(c.want, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if from := originOf(objects.Policies[0]); from.Tier != "" {
				t.Error("the policies that are shared with other namespaces were changed")
			}
		})
	}
}

func movingFrom(tier string) transition.View {
	view := alone(transition.Moving)
	view.Has = transition.Membership{Profile: "shop", Tier: tier}
	return view
}

// TestForgedLabels: what the base policy does not vouch for is no move.
func TestForgedLabels(t *testing.T) {
	cases := map[string]struct {
		labels map[string]string
		but    func(*Observed)
		forged bool
	}{
		"those that are due":                      {labels: of("web"), but: comingFrom("data")},
		"those of the tier that it comes from":    {labels: of("data"), but: comingFrom("data")},
		"those of another tier":                   {labels: of("api"), but: comingFrom("data"), forged: true},
		"those of another tier, of a member":      {labels: of("data"), but: func(*Observed) {}, forged: true},
		"those of another profile":                {labels: render.MembershipLabels("wiki", "data"), but: comingFrom("data"), forged: true},
		"that of a profile alone":                 {labels: map[string]string{v1alpha1.ProfileLabel: "shop"}, but: comingFrom(""), forged: true},
		"others, and the base policy is missing":  {labels: of("data"), but: func(o *Observed) { o.Policies = o.Policies[1:] }, forged: true},
		"others, and it moves from nowhere":       {labels: map[string]string{v1alpha1.TierLabel: ""}, but: comingFrom(""), forged: true},
		"the same, and one of its policies fails": {labels: of("api"), but: func(o *Observed) { o.Policies = o.Policies[:1] }, forged: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			observed := see(c.labels).holding(shop(t)).but(c.but)
			todo := task(shop(t)).seeing(among(transition.Moving, nil), compiled(t, shopProfile()))
			for verb, do := range map[string]func(*Applier){
				"Member": func(a *Applier) { a.Member(t.Context(), todo, observed) },
				"Hold":   func(a *Applier) { a.Hold(t.Context(), transition.View{}, observed, nobody) },
			} {
				r := &recorder{errs: map[string]error{"create " + podsPolicy: forbidden(nil)}}
				do(New(r, r))
				if forged := len(r.calls) > 0 && r.calls[0] == unlabelling; forged != c.forged {
					t.Errorf("%s made the requests %v", verb, r.calls)
				}
			}
		})
	}
}

// TestLabelsThatWereSeenToBeForged are no move, though somebody has the base policy vouch for them.
func TestLabelsThatWereSeenToBeForged(t *testing.T) {
	view := movingFrom("data")
	view.IsForged = true
	todo := task(shop(t)).seeing(view, compiled(t, shopProfile()))
	observed := see(of("data")).holding(shop(t)).but(comingFrom("data"))
	for name, do := range map[string]func(*Applier){
		"Member":  func(a *Applier) { a.Member(t.Context(), todo, observed) },
		"Release": func(a *Applier) { a.Release(t.Context(), view, observed) },
	} {
		r := &recorder{}
		do(New(r, r))
		if at := slices.Index(r.calls, unlabelling); at < 0 || r.versions[0] != ofAnyVersion {
			t.Errorf("%s made the requests %v", name, r.calls)
		}
	}
}

// TestForgedLabelsPutNothingOff, whether they can be taken off or not. Somebody had a
// role that is not declared any more, and the namespace has no policies.
func TestForgedLabelsPutNothingOff(t *testing.T) {
	oldRole := builders.MakeRBACRole(namespace, "segmentation-old").Managed().UID("old").ResourceVersion("3").Obj()
	oldBinding := builders.MakeRoleBinding(namespace, "x").Managed().UID("old").ResourceVersion("3").Role("segmentation-old").Group("ops").Obj()
	replaced := builders.MakeRoleBinding(namespace, "y").Managed().UID("old").ResourceVersion("3").Role("segmentation-old").Group("developers").Obj()
	ended := []string{"delete RoleBinding y", "delete Role segmentation-old"}
	cases := map[string]struct {
		errs     map[string]error
		want     []string
		progress transition.Progress
	}{
		"they are taken off, and it is isolated, since somebody may set them again before the next pass": {
			want: lists([]string{"delete RoleBinding x", unlabelling}, network, access, ended),
		},
		"they are tried again, and it is isolated until then": {
			errs:     map[string]error{unlabelling: apierrors.NewInternalError(errors.New("boom"))},
			want:     lists([]string{"delete RoleBinding x", unlabelling}, network, access, ended),
			progress: transition.Progress{Failing: true},
		},
		"somebody refuses to let them go": {
			errs:     map[string]error{unlabelling: forbidden(errors.New("denied by policy"))},
			want:     lists([]string{"delete RoleBinding x", unlabelling}, network, access, ended),
			progress: transition.Progress{Stuck: true},
		},
		"and a policy, too": {
			errs: map[string]error{
				unlabelling: forbidden(errors.New("denied by policy")), network[1]: forbidden(errors.New("denied by policy")),
			},
			want:     lists([]string{"delete RoleBinding x", unlabelling}, network, ended),
			progress: transition.Progress{Stuck: true},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			observed := see(of("api")).but(func(o *Observed) {
				o.Roles, o.Bindings = append(o.Roles, *oldRole), append(o.Bindings, *oldBinding, *replaced)
			})
			todo := task(shop(t)).seeing(movingFrom("api"), compiled(t, shopProfile()))
			r := &recorder{errs: c.errs}
			result := New(r, r).Member(t.Context(), todo, observed)
			if diff := cmp.Diff(c.want, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.progress, result.Progress, unexported); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhoMovesAndCannotBeGivenItsPoliciesKeepsNoLabels: the labels of before are not due any more, and
// those that are cannot be given.
func TestWhoMovesAndCannotBeGivenItsPoliciesKeepsNoLabels(t *testing.T) {
	missing := func(o *Observed) { comingFrom("data")(o); o.Policies = o.Policies[:1] }
	inTheWay := builders.MakeNetworkPolicy(namespace, "segmentation-web-api-egress").DenyAll().UID("theirs").Obj()
	boom, refusal := apierrors.NewInternalError(errors.New("boom")), forbidden(errors.New("not on a Friday"))
	cases := map[string]struct {
		but  func(*Observed)
		err  error
		view func(*transition.View)
		want []string
	}{
		"as long as trying again may help": {but: missing, err: boom, want: []string{network[1]}},
		"but not for long": {
			but: missing, err: boom, view: func(v *transition.View) { v.FailsForLong = true },
			want: []string{network[1], unlabelling},
		},
		"nor if a policy is refused": {but: missing, err: refusal, want: []string{network[1], unlabelling}},
		"nor if the name of one is taken": {
			but:  func(o *Observed) { comingFrom("data")(o); o.Policies[1] = *inTheWay },
			want: []string{unlabelling},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			todo := task(shop(t)).seeing(movingFrom("data"), compiled(t, shopProfile()))
			if c.view != nil {
				c.view(&todo.View)
			}
			r := &recorder{errs: map[string]error{network[1]: c.err}}
			New(r, r).Member(t.Context(), todo, see(of("data")).holding(shop(t)).but(c.but))
			if diff := cmp.Diff(c.want, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}
