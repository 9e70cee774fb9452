package audit

import (
	"net/netip"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func drawSelector(t *rapid.T, key string, values ...string) *metav1.LabelSelector {
	value := rapid.SampledFrom(values).Draw(t, key)
	switch rapid.IntRange(0, 5).Draw(t, "operator") {
	case 0:
		return &metav1.LabelSelector{}
	case 1:
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: metav1.LabelSelectorOpNotIn, Values: []string{value}}}}
	case 2:
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: metav1.LabelSelectorOpExists}}}
	default:
		return &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
	}
}

func drawPeers(t *rapid.T) []networkingv1.NetworkPolicyPeer {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) networkingv1.NetworkPolicyPeer {
		out := networkingv1.NetworkPolicyPeer{}
		switch rapid.IntRange(0, 6).Draw(t, "peer") {
		case 0:
			out.PodSelector = drawSelector(t, "app", "a", "b")
		case 1:
			out.IPBlock = rapid.SampledFrom([]*networkingv1.IPBlock{
				{CIDR: "10.0.0.0/8"}, {CIDR: "10.1.0.0/16", Except: []string{"10.1.1.0/24"}}, {CIDR: "0.0.0.0/0"}, {CIDR: "::/0"},
			}).Draw(t, "block")
		case 2:
			out.NamespaceSelector = drawSelector(t, corev1.LabelMetadataName, "here", "there")
		case 3:
			out.NamespaceSelector, out.PodSelector = drawSelector(t, "tier", "web", "api"), drawSelector(t, "app", "a", "b")
		default:
			out.NamespaceSelector = drawSelector(t, "tier", "web", "api")
		}
		return out
	}), 0, 2).Draw(t, "peers")
}

func drawPorts(t *rapid.T) []networkingv1.NetworkPolicyPort {
	return rapid.SliceOfN(rapid.SampledFrom([]networkingv1.NetworkPolicyPort{
		{Port: new(intstr.FromInt32(80))},
		{Port: new(intstr.FromInt32(80)), EndPort: new(int32(85))},
		{Port: new(intstr.FromString("http"))},
		{Protocol: new(corev1.ProtocolUDP)},
	}), 0, 2).Draw(t, "ports")
}

func drawNetworkPolicy(t *rapid.T, name string) *networkingv1.NetworkPolicy {
	b := builders.MakeNetworkPolicy("here", name)
	b.Pods(rapid.SampledFrom([]map[string]string{nil, {"app": "a"}, {"app": "b"}}).Draw(t, "pods"))
	if rapid.Bool().Draw(t, "ingress") {
		b.Ingress()
		for range rapid.IntRange(0, 2).Draw(t, "rules") {
			b.Ingress(networkingv1.NetworkPolicyIngressRule{From: drawPeers(t), Ports: drawPorts(t)})
		}
	} else {
		b.Egress()
		for range rapid.IntRange(0, 2).Draw(t, "rules") {
			b.Egress(networkingv1.NetworkPolicyEgressRule{To: drawPeers(t), Ports: drawPorts(t)})
		}
	}
	return b.Obj()
}

func drawNetwork(t *rapid.T) *NetworkInput {
	in := &NetworkInput{
		Name: "here", Labels: map[string]string{"tier": rapid.SampledFrom([]string{"web", "api", "data"}).Draw(t, "tier")},
		Own: []*networkingv1.NetworkPolicy{builders.MakeNetworkPolicy("here", "segmentation").DenyAll().Obj()},
	}
	for range rapid.IntRange(0, 3).Draw(t, "own") {
		in.Own = append(in.Own, drawNetworkPolicy(t, "own"))
	}
	for _, name := range []string{"a", "b", "c"}[:rapid.IntRange(1, 3).Draw(t, "foreign")] {
		in.Foreign = append(in.Foreign, drawNetworkPolicy(t, name))
	}
	return in
}

// everyEnd has a pod, or an address, for each outcome of what is drawn.
func everyEnd() (namespaces []reach.Namespace, pods, others []reach.Endpoint) {
	namespaces = append(make([]reach.Namespace, 0, 8), reach.Namespace{Name: "there"}, reach.Namespace{Name: "elsewhere"})
	for _, tier := range []string{"web", "api", "data"} {
		for _, name := range []string{"there", "elsewhere"} {
			namespaces = append(namespaces, reach.Namespace{
				Name: name + "-" + tier, Labels: map[string]string{"tier": tier, corev1.LabelMetadataName: name},
			})
		}
	}
	podsIn := func(namespace string) []reach.Endpoint {
		kinds := []map[string]string{nil, {"app": "a"}, {"app": "b"}, {"app": "c"}}
		out := make([]reach.Endpoint, 0, len(kinds))
		for _, labels := range kinds {
			out = append(out, reach.Endpoint{Pod: &reach.Pod{Namespace: namespace, Labels: labels}})
		}
		return out
	}
	for i := range namespaces {
		others = append(others, podsIn(namespaces[i].Name)...)
	}
	for _, ip := range []string{"9.0.0.1", "10.0.0.1", "10.1.0.1", "10.1.1.1", "2001:db8::1"} {
		others = append(others, reach.Endpoint{IP: netip.MustParseAddr(ip)})
	}
	return namespaces, podsIn("here"), others
}

// everyFlow has a flow of each kind into the namespace, out of it, and inside.
func everyFlow(pods, others []reach.Endpoint) []reach.Flow {
	var out []reach.Flow
	add := func(from, to reach.Endpoint) {
		for _, protocol := range []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP} {
			for _, port := range []int32{79, 80, 81, 86} {
				out = append(out, reach.Flow{From: from, To: to, Protocol: protocol, Port: port})
				if to.Pod == nil {
					continue
				}
				named := *to.Pod
				named.Ports = []reach.NamedPort{{Name: "http", Protocol: protocol, Number: port}}
				out = append(out, reach.Flow{From: from, To: reach.Endpoint{Pod: &named}, Protocol: protocol, Port: port})
			}
		}
	}
	for _, pod := range pods {
		for _, other := range others {
			add(pod, other)
			add(other, pod)
		}
		for _, other := range pods {
			add(pod, other)
		}
	}
	return out
}

func clusterOf(t *rapid.T, in *NetworkInput, namespaces []reach.Namespace, foreign ...*networkingv1.NetworkPolicy) *reach.Cluster {
	out, err := reach.New(append(slices.Clip(namespaces), reach.Namespace{Name: in.Name, Labels: in.Labels}), slices.Concat(in.Own, foreign))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestAPolicyIsReportedIfAndOnlyIfItOpensMore judges flow by flow.
func TestAPolicyIsReportedIfAndOnlyIfItOpensMore(t *testing.T) {
	namespaces, pods, others := everyEnd()
	flows := everyFlow(pods, others)
	reported, covered := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		in := drawNetwork(t)
		found := map[string]string{}
		for _, o := range Network(in) {
			found[o.Policy] = o.Message
		}
		declared, inForce := clusterOf(t, in, namespaces), clusterOf(t, in, namespaces, in.Foreign...)
		for _, p := range in.Foreign {
			alone := clusterOf(t, in, namespaces, p)
			i := slices.IndexFunc(flows, func(f reach.Flow) bool {
				was, is := declared.Allowed(f), alone.Allowed(f)
				return inForce.Allowed(f).Allowed() && (!was.Egress && is.Egress || !was.Ingress && is.Ingress)
			})
			message, got := found[p.Name]
			if namedAddresses := hasNamedPortsOfAddresses(p); got != (i >= 0) && (!namedAddresses || i >= 0) {
				t.Fatalf("%s: reported as %q, opens flow %d: %+v", p.Name, message, i, flows[max(i, 0)])
			}
			if got {
				reported++
			} else {
				covered++
			}
		}
	})
	if reported == 0 || covered == 0 {
		t.Errorf("%d policies were reported, and %d were not: the property was not put to the test", reported, covered)
	}
}

// TestNothingPassesUnreported gives pods addresses, too: what passes beyond what is declared is reported of some policy.
func TestNothingPassesUnreported(t *testing.T) {
	namespaces, pods, others := everyEnd()
	addresses := []string{"10.0.0.2", "10.1.0.2", "10.1.1.2", "192.0.2.2"}
	for i, ends := range [][]reach.Endpoint{pods, others} {
		for k := range ends {
			if ends[k].Pod != nil {
				ends[k].Pod.IPs = []netip.Addr{netip.MustParseAddr(addresses[(i+k+k/4)%len(addresses)])}
			}
		}
	}
	flows := everyFlow(pods, others)
	rapid.Check(t, func(t *rapid.T) {
		in := drawNetwork(t)
		if len(Network(in)) > 0 {
			return
		}
		declared, inForce := clusterOf(t, in, namespaces), clusterOf(t, in, namespaces, in.Foreign...)
		for _, f := range flows {
			if inForce.Allowed(f).Allowed() && !declared.Allowed(f).Allowed() {
				t.Fatalf("nothing was reported, and a flow passes: %+v", f)
			}
		}
	})
}

// TestNamespacesWithOneKeyHaveOneVerdict draws two namespaces that may look alike.
func TestNamespacesWithOneKeyHaveOneVerdict(t *testing.T) {
	same := 0
	rapid.Check(t, func(t *rapid.T) {
		first := drawNetwork(t)
		second := *first
		second.Name = rapid.SampledFrom([]string{"here", "there", "elsewhere", "other"}).Draw(t, "name")
		second.Labels = map[string]string{"tier": rapid.SampledFrom([]string{"web", "api", "data", "more"}).Draw(t, "other tier")}
		if NetworkKey(first, Digest(first.Own)) != NetworkKey(&second, Digest(second.Own)) {
			return
		}
		same++
		a, b := Network(first), Network(&second)
		if !slices.EqualFunc(a, b, func(a, b OpenedPaths) bool { return a.Policy == b.Policy && a.Message == b.Message }) {
			t.Fatalf("one key, and two verdicts:\n%+v\n%+v", a, b)
		}
	})
	if same == 0 {
		t.Error("no two namespaces had one key")
	}
}
