package audit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

const pathEnding = ", which the profile does not declare; remove it, or declare the path in the profile"

func tier(name string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{v1alpha1.ProfileLabel: "shop", v1alpha1.TierLabel: name}}
}

func matching(labels map[string]string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: labels}
}

func tcp(port int32) []networkingv1.NetworkPolicyPort {
	return []networkingv1.NetworkPolicyPort{{Protocol: new(corev1.ProtocolTCP), Port: new(intstr.FromInt32(port))}}
}

func from(ports []networkingv1.NetworkPolicyPort, peers ...networkingv1.NetworkPolicyPeer) networkingv1.NetworkPolicyIngressRule {
	return networkingv1.NetworkPolicyIngressRule{From: peers, Ports: ports}
}

func to(ports []networkingv1.NetworkPolicyPort, peers ...networkingv1.NetworkPolicyPeer) networkingv1.NetworkPolicyEgressRule {
	return networkingv1.NetworkPolicyEgressRule{To: peers, Ports: ports}
}

func inNamespaces(selector *metav1.LabelSelector) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{NamespaceSelector: selector}
}

func podsLike(app string) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{PodSelector: matching(map[string]string{"app": app})}
}

func block(cidr string) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr}}
}

// shopAPI is a namespace of tier api, whose pods do not reach one another: web calls it on 9090, and it calls data on
// 5432, and the addresses of a payment provider.
func shopAPI(foreign ...*networkingv1.NetworkPolicy) *NetworkInput {
	return &NetworkInput{
		Name: "shop-api", Labels: map[string]string{v1alpha1.ProfileLabel: "shop", v1alpha1.TierLabel: "api", "team": "shop"},
		Own: []*networkingv1.NetworkPolicy{
			builders.MakeNetworkPolicy("shop-api", "segmentation").
				Ingress(from(tcp(9090), inNamespaces(tier("web")))).
				Egress(to(tcp(5432), inNamespaces(tier("data"))), to(tcp(443), block("198.51.100.0/24"))).Obj(),
		},
		Foreign: foreign,
	}
}

func other(name string) *builders.NetworkPolicyBuilder {
	return builders.MakeNetworkPolicy("shop-api", name)
}

func TestPathsThatAreDeclaredAreNotReported(t *testing.T) {
	cases := map[string]*NetworkInput{
		"nothing of others":                                        shopAPI(),
		"a policy that denies everything":                          shopAPI(other("deny").DenyAll().Obj()),
		"the declared path again":                                  shopAPI(other("again").Ingress(from(tcp(9090), inNamespaces(tier("web")))).Obj()),
		"less than the declared path":                              shopAPI(other("less").Pods(map[string]string{"app": "x"}).Ingress(from(tcp(9090), inNamespaces(tier("web")))).Obj()),
		"a part of declared addresses":                             shopAPI(other("part").Egress(to(tcp(443), block("198.51.100.128/25"))).Obj()),
		"one side of a path inside, whose other side stays closed": shopAPI(other("in").Ingress(from(nil, podsLike("x"))).Obj()),
		"rules of a direction that it does not isolate": shopAPI(&networkingv1.NetworkPolicy{Spec: networkingv1.NetworkPolicySpec{
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}, Ingress: []networkingv1.NetworkPolicyIngressRule{{}},
		}}),
	}
	for name, in := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Network(in); len(got) != 0 {
				t.Errorf("reported: %+v", got)
			}
		})
	}
}

func TestPathsThatAreNotDeclaredAreReported(t *testing.T) {
	cases := map[string]struct {
		policy *networkingv1.NetworkPolicy
		want   string
	}{
		"everything comes in": {
			other("open").Ingress(networkingv1.NetworkPolicyIngressRule{}).Obj(),
			"lets namespaces outside of these tiers, tier data of profile shop and every address reach every pod of this namespace on every port (and 1 more path)",
		},
		"another port of a declared path": {
			other("debug").Ingress(from(tcp(8080), inNamespaces(tier("web")))).Obj(),
			"lets tier web of profile shop reach every pod of this namespace on port 8080",
		},
		"another tier, to some pods": {
			other("direct").Pods(map[string]string{"app": "x"}).Ingress(from(tcp(9090), inNamespaces(tier("data")))).Obj(),
			"lets tier data of profile shop reach pods {app=x} of this namespace on port 9090",
		},
		"a namespace by its name": {
			other("tools").Egress(to(tcp(80), inNamespaces(matching(map[string]string{corev1.LabelMetadataName: "tools"})))).Obj(),
			"lets every pod of this namespace reach namespace tools on port 80",
		},
		"namespaces by a label, and some of their pods": {
			other("team").Ingress(from(tcp(80), networkingv1.NetworkPolicyPeer{
				NamespaceSelector: matching(map[string]string{"team": "ops"}), PodSelector: matching(map[string]string{"app": "x"}),
			})).Obj(),
			"lets pods {app=x} of namespaces with team=ops reach every pod of this namespace on port 80",
		},
		"more addresses": {
			other("internet").Egress(to(tcp(443), block("0.0.0.0/0"))).Obj(),
			"lets every pod of this namespace reach 0.0.0.0-198.51.99.255, 198.51.101.0-255.255.255.255 on port 443",
		},
		"named ports of addresses, which pods may have": {
			other("named").Egress(to([]networkingv1.NetworkPolicyPort{{Port: new(intstr.FromString("http"))}}, block("10.0.0.0/8"))).Obj(),
			"lets every pod of this namespace reach namespaces outside of these tiers at 10.0.0.0/8 and tier web of profile shop at 10.0.0.0/8 " +
				"on every TCP port if named http (and 1 more path)",
		},
		"namespaces of no tier": {
			other("unsegmented").Ingress(from(tcp(80), inNamespaces(&metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: v1alpha1.ProfileLabel, Operator: metav1.LabelSelectorOpDoesNotExist},
			}}))).Obj(),
			"lets namespaces outside of these tiers reach every pod of this namespace on port 80",
		},
		"all but a team": {
			other("but").Ingress(from(tcp(80), inNamespaces(&metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: "team", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"ops"}}, {Key: "team", Operator: metav1.LabelSelectorOpExists},
			}}))).Obj(),
			"lets namespaces with another team reach every pod of this namespace on port 80",
		},
		"its own pods": {
			other("inside").Ingress(from(tcp(80), networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{}})).
				Egress(to(nil, networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{}})).Obj(),
			"lets every pod of this namespace reach every pod of this namespace on port 80 (and 1 more path)",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := Network(shopAPI(c.policy))
			if len(got) != 1 || got[0].Policy != c.policy.Name {
				t.Fatalf("reported: %+v", got)
			}
			if diff := cmp.Diff("NetworkPolicy "+c.policy.Name+" "+c.want+pathEnding, got[0].Message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTwoPoliciesThatOpenAPathTogetherAreBothReported(t *testing.T) {
	got := Network(shopAPI(
		other("out").Egress(to(nil, podsLike("x"))).Obj(), other("in").Ingress(from(tcp(80), podsLike("y"))).Obj(),
	))
	want := []OpenedPaths{
		{
			Policy: "in", Paths: []Path{{Direction: "Ingress", Pods: "{app=x}", Peers: []string{"pods {app=y} of this namespace"}, Ports: "80"}},
			Message: "NetworkPolicy in lets pods {app=y} of this namespace reach pods {app=x} of this namespace on port 80" + pathEnding,
		},
		{
			Policy: "out", Paths: []Path{{Direction: "Egress", Pods: "{app=y}", Peers: []string{"pods {app=x} of this namespace"}, Ports: "80"}},
			Message: "NetworkPolicy out lets pods {app=y} of this namespace reach pods {app=x} of this namespace on port 80" + pathEnding,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Who writes policies in a namespace must not be able to keep the operator busy, or to hide behind what is too much.
func TestTooMuchToCompareIsReported(t *testing.T) {
	many := other("many")
	for i := range 700 {
		many.Ingress(from(nil, podsLike(fmt.Sprintf("x%d", i))))
	}
	keys := other("keys")
	for i := range 14 {
		keys.Ingress(from(nil, networkingv1.NetworkPolicyPeer{PodSelector: matching(map[string]string{fmt.Sprintf("key%d", i): "x"})}))
	}
	spaces := other("spaces")
	for i := range 14 {
		spaces.Egress(to(nil, inNamespaces(matching(map[string]string{fmt.Sprintf("key%d", i): "x"}))))
	}
	broken := other("broken").Ingress(from(nil, block("nonsense"))).Obj()
	for _, p := range []*networkingv1.NetworkPolicy{many.Obj(), keys.Obj(), spaces.Obj(), broken} {
		got := Network(shopAPI(p))
		want := []OpenedPaths{{Policy: p.Name, Message: "NetworkPolicy " + p.Name + " opens too much to compare with what the profile declares; remove it, or make it simpler"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestMessagesAboutPathsAreBounded(t *testing.T) {
	long := strings.Repeat("a", 60)
	p := other(strings.Repeat("n", 250)).Pods(map[string]string{long: long})
	for _, value := range []string{"a", "b", "c", "d", "e"} {
		p.Ingress(from(tcp(80), networkingv1.NetworkPolicyPeer{
			NamespaceSelector: matching(map[string]string{long: long + value}), PodSelector: matching(map[string]string{long: long + value}),
		}))
	}
	got := Network(shopAPI(p.Obj()))
	if len(got) != 1 || len(got[0].Message) > maxMessage || !strings.HasSuffix(got[0].Message, pathEnding) {
		t.Errorf("%d: %+v", len(got[0].Message), got)
	}
}

func BenchmarkNetwork(b *testing.B) {
	many := make([]*networkingv1.NetworkPolicy, 0, 50)
	for i := range 50 {
		many = append(many, other(fmt.Sprintf("p%d", i)).Pods(map[string]string{"app": fmt.Sprintf("x%d", i)}).Ingress(from(tcp(80), podsLike("y"))).Obj())
	}
	heavy, spaces := other("heavy"), other("spaces")
	for i := range 120 {
		heavy.Ingress(from(tcp(int32(1000+2*i)), podsLike(fmt.Sprintf("x%d", i))))
		spaces.Ingress(from(tcp(int32(1000+2*i)), inNamespaces(matching(map[string]string{"team": fmt.Sprintf("x%d", i)}))))
	}
	inside := networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{}}
	cases := map[string]*NetworkInput{
		"Nothing":        shopAPI(other("deny").DenyAll().Obj()),
		"One":            shopAPI(other("debug").Ingress(from(tcp(8080), inNamespaces(tier("web")))).Obj()),
		"50Alike":        shopAPI(many...),
		"ManyPods":       shopAPI(heavy.Obj(), other("out").Egress(to(nil, inside)).Obj()),
		"ManyNamespaces": shopAPI(spaces.Obj()),
	}
	for name, in := range cases {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Network(in)
			}
		})
	}
	b.Run("Key", func(b *testing.B) {
		in := cases["One"]
		digest := Digest(in.Own)
		for b.Loop() {
			NetworkKey(in, digest)
		}
	})
}
