package apply

import (
	"context"
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

var revoked = []string{"delete RoleBinding " + binding, "delete Role segmentation-viewer"}

// failing is a view of a namespace whose writes have been failing for long.
func failing(view transition.View) transition.View {
	view.FailsForLong = true
	return view
}

func TestRelease(t *testing.T) {
	boom := apierrors.NewInternalError(errors.New("boom"))
	removed := []string{"delete " + podsPolicy, "delete " + basePolicy}
	others := transition.View{Role: transition.Leaving, AnyLeaving: true}
	mayOpen := others
	mayOpen.MayOpen = true
	mayRelabel := mayOpen
	mayRelabel.MayRelabel = true
	foreign := builders.MakeNetworkPolicy(namespace, "theirs").DenyAll().Obj()
	short := builders.MakeRBACRole(namespace, "x").Managed().UID("short").ResourceVersion("1").Obj()
	leaver := func(o render.Objects) *Observed { return see(member).holding(o).Observed }
	opened := func(o render.Objects) *Observed {
		return see(member).holding(o).but(func(s *Observed) {
			s.Policies[0].Spec.Ingress = append(s.Policies[0].Spec.Ingress, networkingv1.NetworkPolicyIngressRule{})
			s.Policies[0].Spec.Egress = append(s.Policies[0].Spec.Egress, networkingv1.NetworkPolicyEgressRule{})
		})
	}
	isolated := func(o render.Objects) *Observed {
		return see(member).holding(o).but(func(s *Observed) { s.Policies = append(s.Policies, *foreign) })
	}
	unlabelled := func(o render.Objects) *Observed { return see(nil).holding(o).Observed }

	cases := map[string]struct {
		view     transition.View
		observed func(render.Objects) *Observed
		errs     map[string]error
		want     []string
		progress transition.Progress
	}{
		"a namespace that leaves loses access first, then its labels; then it is opened, and loses its policies": {
			view: alone(transition.Leaving), observed: leaver,
			want:     lists(revoked, []string{unlabelling, "change " + basePolicy}, removed),
			progress: transition.Progress{Reached: transition.Wide, Labelled: true, Released: true},
		},
		"one whose pods somebody else isolates is not opened, and stops going by labels": {
			view: alone(transition.Leaving), observed: isolated,
			want:     lists(revoked, []string{"change NetworkPolicy segmentation-web-api-egress", unlabelling}, removed),
			progress: transition.Progress{Reached: transition.Wide, Labelled: true, Released: true},
		},
		"if the labels cannot be removed, the policies stay": {
			view: alone(transition.Leaving), observed: leaver,
			errs:     map[string]error{unlabelling: boom},
			want:     lists(revoked, []string{unlabelling}),
			progress: transition.Progress{Reached: transition.Wide, Failing: true},
		},
		"if it cannot be opened, the policies stay, and the next pass goes on": {
			view: alone(transition.Leaving), observed: leaver,
			errs:     map[string]error{"change " + basePolicy: boom},
			want:     lists(revoked, []string{unlabelling, "change " + basePolicy}),
			progress: transition.Progress{Reached: transition.Wide, Labelled: true, Failing: true},
		},
		"one that lost its labels in an earlier pass loses its policies, whatever others do": {
			view: transition.View{Role: transition.Outside}, observed: unlabelled,
			want:     lists(revoked, []string{"change " + basePolicy}, removed),
			progress: transition.Progress{Released: true},
		},
		"a leaver among others is left alone as long as somebody who joins is not isolated": {
			view: others, observed: leaver,
			want:     revoked,
			progress: transition.Progress{Waiting: true},
		},
		"a leaver among others is opened, and keeps its labels until all are ready": {
			view: mayOpen, observed: leaver,
			want:     lists(revoked, []string{"change " + basePolicy}),
			progress: transition.Progress{Reached: transition.Wide, Waiting: true},
		},
		"a leaver among others that cannot be opened does not say that it is": {
			view: mayOpen, observed: leaver,
			errs:     map[string]error{"change " + basePolicy: boom},
			want:     lists(revoked, []string{"change " + basePolicy}),
			progress: transition.Progress{Waiting: true, Failing: true},
		},
		"a leaver among others whose opening is refused keeps nobody waiting, and loses its labels": {
			view: mayOpen, observed: leaver,
			errs:     map[string]error{"change " + basePolicy: forbidden(errors.New("no open policies here"))},
			want:     lists(revoked, []string{"change " + basePolicy, unlabelling}),
			progress: transition.Progress{Waiting: true, Stuck: true, Labelled: true},
		},
		"a leaver among others that cannot be opened for long loses its labels": {
			view: failing(mayOpen), observed: leaver,
			errs:     map[string]error{"change " + basePolicy: boom},
			want:     lists(revoked, []string{"change " + basePolicy, unlabelling}),
			progress: transition.Progress{Waiting: true, Failing: true, Labelled: true},
		},
		"a leaver among others goes on once all are ready": {
			view: mayRelabel, observed: opened,
			want:     lists(revoked, []string{unlabelling}, removed),
			progress: transition.Progress{Reached: transition.Wide, Labelled: true, Released: true},
		},
		"a leaver without a base policy loses its labels at once": {
			view: others,
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Policies = s.Policies[1:] })
			},
			want:     lists(revoked, []string{unlabelling}, removed[:1]),
			progress: transition.Progress{Labelled: true, Released: true},
		},
		"one label of the two is a forgery too": {
			view:     alone(transition.Outside),
			observed: func(render.Objects) *Observed { return see(map[string]string{v1alpha1.TierLabel: "web"}).Observed },
			want:     []string{unlabelling},
			progress: transition.Progress{Labelled: true, Released: true},
		},
		"one that lost a label of the two by hand is no leaver any more, and waits for nobody": {
			view: alone(transition.Outside),
			observed: func(o render.Objects) *Observed {
				return see(map[string]string{v1alpha1.TierLabel: "web"}).holding(o).Observed
			},
			want:     lists(revoked, []string{unlabelling, "change " + basePolicy}, removed),
			progress: transition.Progress{Labelled: true, Released: true},
		},
		"a leaver that waits, and is relabelled by hand, loses these labels at once": {
			view: others,
			observed: func(o render.Objects) *Observed {
				return see(of("api")).holding(o).Observed
			},
			want:     lists(revoked, []string{unlabelling, "change " + basePolicy}, removed),
			progress: transition.Progress{Labelled: true, Released: true},
		},
		"a forged object with any name is removed": {
			view: alone(transition.Outside),
			observed: func(render.Objects) *Observed {
				return see(nil).but(func(s *Observed) { s.Roles = append(s.Roles, *short) })
			},
			want:     []string{"delete Role x"},
			progress: transition.Progress{Released: true},
		},
		"what lost its label but belongs to a profile is removed too": {
			view: alone(transition.Outside),
			observed: func(o render.Objects) *Observed {
				return see(nil).holding(render.Objects{Roles: o.Roles}).but(func(s *Observed) { s.Roles[0].Labels = nil })
			},
			want:     revoked[1:],
			progress: transition.Progress{Released: true},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := &recorder{errs: c.errs}
			result := New(r, r).Release(t.Context(), c.view, c.observed(shop(t)))
			if diff := cmp.Diff(c.want, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.progress, result.Progress, unexported); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhoseChangesLabelsOutlast: labels are changed only if nobody has changed the namespace since, unless
// they were forged, or that has been going on for long.
func TestWhoseChangesLabelsOutlast(t *testing.T) {
	never := func(*transition.View) {}
	forLong := func(v *transition.View) { v.FailsForLong = true }
	cases := map[string]struct {
		labels map[string]string
		view   func(*transition.View)
		do     func(context.Context, *Applier, *Task, *Observed)
		want   string
	}{
		"a leaver's":                      {member, never, release, "5"},
		"a leaver's, and it goes on":      {member, forLong, release, ""},
		"a newcomer's":                    {nil, never, join, "5"},
		"a newcomer's, and it goes on":    {nil, forLong, join, ""},
		"forged ones":                     {of("api"), never, join, ""},
		"forged ones of a leaver":         {of("api"), never, release, ""},
		"forged ones of one that is held": {of("api"), never, hold, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			todo := task(shop(t))
			c.view(&todo.View)
			r := &recorder{}
			c.do(t.Context(), New(r, r), todo, see(c.labels).holding(shop(t)).Observed)
			if diff := cmp.Diff([]string{c.want}, r.versions); diff != "" {
				t.Errorf("versions that the namespace must have (-want +got):\n%s", diff)
			}
		})
	}
}

func release(ctx context.Context, a *Applier, t *Task, o *Observed) { a.Release(ctx, t.View, o) }
func join(ctx context.Context, a *Applier, t *Task, o *Observed)    { a.Member(ctx, t, o) }
func hold(ctx context.Context, a *Applier, t *Task, o *Observed)    { a.Hold(ctx, t.View, o, nobody) }

func TestHold(t *testing.T) {
	cases := map[string]struct {
		observed func(render.Objects) *Observed
		want     []string
	}{
		"a namespace that is held is not written to": {
			observed: func(o render.Objects) *Observed { return see(member).holding(o).Observed },
		},
		"one that is relabelled by hand, or whose policy is, loses its labels": {
			observed: func(o render.Objects) *Observed {
				return see(map[string]string{v1alpha1.ProfileLabel: "shop", v1alpha1.TierLabel: "data"}).holding(o).Observed
			},
			want: []string{unlabelling},
		},
		"one that was to leave, and is open for that, is shut again": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) {
					s.Policies[0].Spec.Ingress = append(s.Policies[0].Spec.Ingress, networkingv1.NetworkPolicyIngressRule{})
					s.Policies[0].Spec.Egress = append(s.Policies[0].Spec.Egress, networkingv1.NetworkPolicyEgressRule{})
				})
			},
			want: []string{"change " + basePolicy},
		},
		"one whose base policy is on its way out loses its labels": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Policies[0].DeletionTimestamp = &metav1.Time{} })
			},
			want: []string{unlabelling},
		},
		"one without a base policy loses its labels": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Policies = s.Policies[1:] })
			},
			want: []string{unlabelling},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := &recorder{}
			result := New(r, r).Hold(t.Context(), transition.View{}, c.observed(shop(t)), nobody)
			if diff := cmp.Diff(c.want, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if result.Progress.Reached != transition.Settled || result.Progress.Waiting {
				t.Errorf("progress %+v: others would wait for it", result.Progress)
			}
		})
	}
}
