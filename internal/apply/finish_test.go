package apply

import (
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestWhenPoliciesMayBeWhatTheyShouldBeInTheEnd(t *testing.T) {
	toUnsegmented := func(d *builders.DependencyBuilder) *builders.DependencyBuilder { return d.ToPeer("unsegmented") }
	toAPI := func(d *builders.DependencyBuilder) *builders.DependencyBuilder { return d.ToTier("api") }
	within := func(v *transition.View) { v.Alone = true }
	ofAll := func(v *transition.View) { v.Alone, v.AloneOfAll = true, true }
	data := func(v *transition.View) { ofAll(v); v.Has = transition.Membership{Profile: "shop", Tier: "data"} }
	ports := reaching(toUnsegmented, 81)
	cases := map[string]struct {
		role         transition.Role
		view         func(*transition.View)
		have, should *builders.ProfileBuilder
		want         bool
	}{
		"a member's, when nobody's labels are to change":                       {transition.Member, ofAll, reaching(toUnsegmented, 80), ports, true},
		"when those of others are, and it gives the same by them":              {transition.Member, within, reaching(toAPI, 80), reaching(toAPI, 81), true},
		"not when it does not":                                                 {transition.Member, within, reaching(toUnsegmented, 80), ports, false},
		"a mover's, when nobody else's labels are to change":                   {transition.Moving, data, reaching(toAPI, 80), reaching(toAPI, 81), true},
		"not when it would take itself for one of the tier that it comes from": {transition.Moving, ofAll, reaching(toAPI, 80), reaching(toAPI, 81), false},
		"not when others' are":                                                 {transition.Moving, within, reaching(toAPI, 80), reaching(toAPI, 81), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			todo := task(rendered(t, c.should)).seeing(among(c.role, c.view), compiled(t, c.should))
			r := New(&recorder{}, &recorder{}).begin(t.Context(), &transition.View{}, see(member).holding(rendered(t, c.have)).Observed)
			if got := r.mayFinish(todo, r.ownPolicies(shopUID)); got != c.want {
				t.Errorf("they may: %t, want %t", got, c.want)
			}
		})
	}
}

// TestWhoMayStillAdmitOthersByName does not finish while any leave, though what it gives by labels stays the
// same: a rule for namespaces that are no members is given by names for so long.
func TestWhoMayStillAdmitOthersByName(t *testing.T) {
	profile := reaching(func(d *builders.DependencyBuilder) *builders.DependencyBuilder { return d.ToPeer("unsegmented") }, 80)
	byName := func(o *Observed) {
		o.Policies[0].Spec.Egress = append(o.Policies[0].Spec.Egress, networkingv1.NetworkPolicyEgressRule{
			To: []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "two"}}}},
		})
	}
	for _, leaving := range []bool{false, true} {
		view := among(transition.Member, func(v *transition.View) { v.Alone, v.AnyLeaving = true, leaving })
		todo := task(rendered(t, profile)).seeing(view, compiled(t, profile))
		r := New(&recorder{}, &recorder{}).begin(t.Context(), &transition.View{}, see(member).holding(rendered(t, profile)).but(byName))
		if got := r.mayFinish(todo, r.ownPolicies(shopUID)); got == leaving {
			t.Errorf("some leave: %t; it may finish: %t", leaving, got)
		}
	}
}

func TestAMoverMayBeRelabelledOnceItGoesByNoLabelsOfBefore(t *testing.T) {
	cases := map[string]struct {
		role    transition.Role
		reached transition.Reach
		others  bool
		want    bool
	}{
		"it does":                         {transition.Moving, transition.Switched, true, false},
		"it does not":                     {transition.Moving, transition.Steady, true, true},
		"it does not, and others do":      {transition.Moving, transition.Settled, false, false},
		"it joins, and there are none":    {transition.Joining, transition.Wide, true, true},
		"it joins, and others may not be": {transition.Joining, transition.Settled, false, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := New(&recorder{}, &recorder{}).begin(t.Context(), &transition.View{}, see(nil).Observed)
			r.Progress.Reached = c.reached
			if got := r.mayRelabel(&transition.View{Role: c.role, MayRelabel: c.others}); got != c.want {
				t.Errorf("it may: %t, want %t", got, c.want)
			}
		})
	}
}
