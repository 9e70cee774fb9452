package apply

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// lets says which namespaces a policy lets its pods reach, on which port.
func lets(obj client.Object) string {
	policy, ok := obj.(*networkingv1.NetworkPolicy)
	if !ok {
		return ""
	}
	var out []string
	for _, r := range policy.Spec.Egress {
		text := metav1.FormatLabelSelector(r.To[0].NamespaceSelector)
		for long, short := range map[string]string{v1alpha1.GroupName + "/": "", "kubernetes.io/metadata.": ""} {
			text = strings.ReplaceAll(text, long, short)
		}
		out = append(out, fmt.Sprint(text, " on ", r.Ports[0].Port))
	}
	return ": " + strings.Join(out, " and ")
}

// reaching is a profile whose tier web reaches something on a port, and nothing else.
func reaching(change func(*builders.DependencyBuilder) *builders.DependencyBuilder, port int32) *builders.ProfileBuilder {
	d := change(builders.MakeDependency("d").FromTier("web")).Port(port)
	return builders.MakeProfile("shop").UID(shopUID).NoDNS().
		Tier(builders.MakeTier("web").Names(namespace).InternalTraffic(v1alpha1.InternalTrafficDeny).Obj(), builders.MakeTier("api").Names("two").Obj()).
		Peer(v1alpha1.Peer{Name: "unsegmented", Namespaces: &v1alpha1.NamespaceSet{
			Selector: builders.LabelSelector(nil, builders.DoesNotExist(v1alpha1.ProfileLabel)),
		}}).
		Dependency(d.Obj())
}

func TestAMemberKeepsWhatItHadBesideWhatItGets(t *testing.T) {
	toAPI := func(d *builders.DependencyBuilder) *builders.DependencyBuilder { return d.ToTier("api") }
	toUnsegmented := func(d *builders.DependencyBuilder) *builders.DependencyBuilder { return d.ToPeer("unsegmented") }
	cases := map[string]struct {
		before, after *builders.ProfileBuilder
		// opened is set if it was about to leave, and is not.
		opened bool
		view   func(*transition.View)
		want   []string
	}{
		"while others leave, what it had with tiers, since labels are about to go": {
			before: reaching(toAPI, 80), after: reaching(toAPI, 81),
			view: func(v *transition.View) { v.AnyLeaving = true },
			want: []string{"change " + basePolicy + ": name=two,profile in (shop) on 81 and profile=shop,tier=api on 80"},
		},
		"while others move, what does not go by tier labels": {
			before: reaching(toAPI, 80), after: reaching(toAPI, 81),
			view: func(v *transition.View) { v.AnyMoving = true },
			want: []string{"change " + basePolicy + ": name=two,profile in (shop) on 81"},
		},
		"while others join, what it had with those who are no members, and nothing more of that kind": {
			before: reaching(toUnsegmented, 80), after: reaching(toUnsegmented, 81),
			view: func(v *transition.View) { v.AnyJoining = true },
			// What it had is all that it may have for now.
		},
		"while others join, what it had with those who are no members, beside what it gets with members": {
			before: reaching(toUnsegmented, 80), after: reaching(toAPI, 81),
			view: func(v *transition.View) { v.AnyJoining = true },
			want: []string{"change " + basePolicy + ": profile=shop,tier=api on 81 and !profile on 80"},
		},
		"while others join, what it gets with those who are no members, if it was open to them": {
			before: reaching(toAPI, 80), after: reaching(toUnsegmented, 81), opened: true,
			view: func(v *transition.View) { v.AnyJoining = true },
			want: []string{"change " + basePolicy + ": !profile on 81"},
		},
		"but not what somebody added to what was as declared": {
			before: reaching(toAPI, 80), after: reaching(toAPI, 81),
			view: func(v *transition.View) { v.AnyLeaving, v.WasExact = true, true },
			want: []string{"change " + basePolicy + ": profile=shop,tier=api on 81"},
		},
		"and nothing once no labels are due to change": {
			before: reaching(toUnsegmented, 80), after: reaching(toAPI, 81),
			view: func(v *transition.View) { v.Alone, v.AloneOfAll = true, true },
			want: []string{"change " + basePolicy + ": profile=shop,tier=api on 81"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			todo := task(rendered(t, c.after)).seeing(among(transition.Member, c.view), compiled(t, c.after))
			r := &recorder{tells: lets}
			observed := see(member).holding(rendered(t, c.before)).Observed
			if c.opened {
				spec := &observed.Policies[0].Spec
				spec.Egress = append(spec.Egress, networkingv1.NetworkPolicyEgressRule{})
				spec.Ingress = append(spec.Ingress, networkingv1.NetworkPolicyIngressRule{})
			}
			New(r, r).Member(t.Context(), todo, observed)
			if diff := cmp.Diff(c.want, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}
