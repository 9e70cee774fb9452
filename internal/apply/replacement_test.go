package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// What is replaced keeps what others added to its metadata, and loses what the operator declares no longer.
func TestReplacement(t *testing.T) {
	profile := metav1.OwnerReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: "SegmentationProfile", Name: "shop", UID: "new"}
	gone := metav1.OwnerReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: "SegmentationProfile", Name: "shop", UID: "old"}
	keeper := metav1.OwnerReference{APIVersion: "v1", Kind: "Namespace", Name: "segmentation-system", UID: "keeper"}
	former := metav1.OwnerReference{APIVersion: "v1", Kind: "Namespace", Name: "segmentation-system", UID: "former"}
	other := metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "theirs", UID: "theirs"}
	home := metav1.OwnerReference{APIVersion: "v1", Kind: "Namespace", Name: "theirs", UID: "home"}
	desired := builders.MakeNetworkPolicy(namespace, "segmentation").DenyAll().Obj()
	desired.Labels = map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue, v1alpha1.TierLabel: "web"}
	desired.Annotations = map[string]string{v1alpha1.DeclaredByAnnotation: "tier/web"}
	desired.OwnerReferences = []metav1.OwnerReference{profile, keeper}
	current := builders.MakeNetworkPolicy(namespace, "segmentation").UID("u").ResourceVersion("7").
		Egress(networkingv1.NetworkPolicyEgressRule{}).Obj()
	current.Labels = map[string]string{v1alpha1.TierLabel: "api", "segmentation.dev/former": "x", "team": "a"}
	current.Annotations = map[string]string{v1alpha1.CallersAnnotation: "api", "note": "b"}
	current.OwnerReferences = []metav1.OwnerReference{gone, former, other, home}
	current.Finalizers = []string{"example.com/hold"}
	before := current.DeepCopy()

	got, ok := replacement(desired, current).(*networkingv1.NetworkPolicy)
	if !ok {
		t.Fatal("it is another kind")
	}
	want := desired.DeepCopy()
	want.UID, want.ResourceVersion, want.Finalizers = "u", "7", []string{"example.com/hold"}
	want.Labels["team"] = "a"
	want.Annotations["note"] = "b"
	want.OwnerReferences = []metav1.OwnerReference{other, home, profile, keeper}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, current); diff != "" {
		t.Errorf("what was seen has changed:\n%s", diff)
	}
	if matches(desired, current) || !matches(desired, got) {
		t.Error("what was replaced does not match, or what was to be replaced did")
	}
}

// Whatever of the operator's own is left on an object is drift: it would never go otherwise.
func TestLeftOversAreDrift(t *testing.T) {
	cases := map[string]func(*networkingv1.NetworkPolicy){
		"a label":       func(p *networkingv1.NetworkPolicy) { p.Labels["segmentation.dev/former"] = "x" },
		"an annotation": func(p *networkingv1.NetworkPolicy) { p.Annotations[v1alpha1.CallersAnnotation] = "api" },
		"a reference to another profile": func(p *networkingv1.NetworkPolicy) {
			ref := p.OwnerReferences[0]
			ref.UID = "another"
			p.OwnerReferences = append(p.OwnerReferences, ref)
		},
	}
	for name, leave := range cases {
		t.Run(name, func(t *testing.T) {
			objects := shop(t)
			r := &recorder{}
			todo := task(objects)
			todo.View = alone(transition.Member)
			New(r, r).Member(t.Context(), todo, see(member).holding(objects).but(func(o *Observed) { leave(&o.Policies[0]) }))
			if diff := cmp.Diff([]string{"change " + basePolicy}, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// A change falls on the version that was compared, until it has failed for long: who changes an object again
// and again cannot keep it as it is.
func TestChangesGoByTheVersionThatWasSeen(t *testing.T) {
	for name, c := range map[string]struct {
		failsForLong bool
		want         []string
	}{
		"at first":                    {want: []string{"7"}},
		"once it has failed for long": {failsForLong: true, want: []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			objects := shop(t)
			r := &recorder{}
			todo := task(objects)
			todo.View = alone(transition.Member)
			todo.View.FailsForLong = c.failsForLong
			New(r, r).Member(t.Context(), todo, see(member).holding(objects).but(func(o *Observed) { o.Policies[0].Spec.Ingress = nil; o.Policies[0].Spec.Egress = nil }))
			if diff := cmp.Diff(c.want, r.replaced); diff != "" {
				t.Errorf("versions (-want +got):\n%s", diff)
			}
		})
	}
}
