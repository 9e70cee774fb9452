package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// shop is a profile of two tiers, of which the second one is first in the alphabet.
func shop() *v1alpha1.SegmentationProfile {
	profile := &v1alpha1.SegmentationProfile{}
	profile.Spec.Tiers = []v1alpha1.Tier{
		{Name: "web", InternalTraffic: v1alpha1.InternalTrafficSameNamespace},
		{Name: "api", InternalTraffic: v1alpha1.InternalTrafficDeny},
	}
	profile.Spec.Peers = []v1alpha1.Peer{
		{Name: "provider", CIDRs: []v1alpha1.CIDRBlock{{CIDR: "192.0.2.0/24"}, {CIDR: "2001:db8::/64"}}},
		{Name: "ingress", Namespaces: &v1alpha1.NamespaceSet{Names: []v1alpha1.NamespaceName{"ingress-nginx"}}},
	}
	profile.Spec.Dependencies = []v1alpha1.Dependency{
		{Name: "api-provider", From: v1alpha1.Endpoint{Tier: "api"}, To: v1alpha1.Endpoint{Peer: "provider"}},
	}
	return profile
}

// shopMatrix judges a cluster in which the api tier may reach the provider, and nobody
// anybody else, but for what is inside namespaces of the web tier.
func shopMatrix(t *testing.T) *reach.Matrix {
	t.Helper()
	matrix, err := reach.NewMatrix([]reach.Namespace{
		{Name: "shop-web", Labels: render.MembershipLabels("shop", "web")},
		{Name: "shop-api", Labels: render.MembershipLabels("shop", "api")},
		{Name: "ingress-nginx"},
		{Name: "default"},
		{Name: "kube-public"},
	}, []*networkingv1.NetworkPolicy{
		isolating("shop-web", networkingv1.NetworkPolicySpec{
			Ingress: []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{}}}}},
			Egress:  []networkingv1.NetworkPolicyEgressRule{{To: []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{}}}}},
		}),
		isolating("shop-api", networkingv1.NetworkPolicySpec{
			Egress: []networkingv1.NetworkPolicyEgressRule{{
				To: []networkingv1.NetworkPolicyPeer{
					{IPBlock: &networkingv1.IPBlock{CIDR: "192.0.2.0/24"}}, {IPBlock: &networkingv1.IPBlock{CIDR: "2001:db8::/64"}},
				},
				Ports: []networkingv1.NetworkPolicyPort{{Port: new(intstr.FromInt32(443))}},
			}},
		}),
		// Without a policy that tells ingress-nginx from the others they would be one group.
		isolating("ingress-nginx", networkingv1.NetworkPolicySpec{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return matrix
}

func isolating(namespace string, spec networkingv1.NetworkPolicySpec) *networkingv1.NetworkPolicy {
	spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	return &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "p"}, Spec: spec}
}

// The matrix has the order and the names of the profile: tiers, peers, and who else is there.
func TestMatrixTable(t *testing.T) {
	matrix := shopMatrix(t)
	parties := partiesOf(matrix, shop())
	got := palette{}.table(matrixHeader(parties), matrixRows(matrix, parties))
	want := `FROM / TO  web  api  provider  ingress  others
web        all  -    -         -        -
api        -    -    443       -        -
provider   -    -              -        all
ingress    -    -    -         -        -
others     -    -    all       -        all
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("matrix (-want +got):\n%s", diff)
	}
}

func TestUndeclared(t *testing.T) {
	matrix := shopMatrix(t)
	if got := undeclared(matrix, shop()); len(got) > 0 {
		t.Errorf("surprises %v, want none", got)
	}
	other := shop()
	other.Spec.Tiers[0].InternalTraffic = v1alpha1.InternalTrafficDeny
	other.Spec.Dependencies = append(other.Spec.Dependencies,
		v1alpha1.Dependency{From: v1alpha1.Endpoint{Tier: "web"}, To: v1alpha1.Endpoint{Tier: "api"}})
	want := []string{
		"the policies open from tier web to tier api: -; that is not what the profile declares",
		"the policies open from tier web to tier web: all; that is not what the profile declares",
	}
	if diff := cmp.Diff(want, undeclared(matrix, other)); diff != "" {
		t.Errorf("surprises (-want +got):\n%s", diff)
	}
}

func TestWrap(t *testing.T) {
	cases := map[string]string{
		"":                       "",
		"-":                      "-",
		"53*,53/UDP*":            "53*,53/UDP*",
		"5432*,6379*,9200*":      "5432*,6379*,\n9200*",
		"a-very-long-port-name*": "a-very-long-port-name*",
	}
	for text, want := range cases {
		if got := wrap(text, cellWidth); got != want {
			t.Errorf("wrap(%q) = %q, want %q", text, got, want)
		}
	}
}
