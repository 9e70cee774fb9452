package judge

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// Every world has as many flows, so that the least number of flows is known beforehand. The
// words that worlds are made of are few, so that policies and flows meet.
const (
	podsInWorld    = 4
	outsideOfWorld = 2
	portsInWorld   = 4
	mostPolicies   = 6
	flowsInWorld   = (podsInWorld*podsInWorld + 2*podsInWorld*outsideOfWorld) * portsInWorld
)

// label is a key and the values that it may have; empty is a value like any other.
type label struct {
	key    string
	values []string
}

var (
	spaces          = []string{"shop", "ops", "bare"}
	podLabels       = []label{{"app", []string{"", "web", "db"}}, {"example.com/role", []string{"", "a"}}}
	namespaceLabels = []label{{"team", []string{"", "shop", "ops"}}, {"example.com/env", []string{"", "prod"}}}
	// What a selector for namespaces may name: a namespace has its name as a label.
	selectableLabels = append(slices.Clone(namespaceLabels), label{corev1.LabelMetadataName, spaces})

	portNames   = []string{"http", "dns", "metrics"}
	portNumbers = []int32{80, 1, 53, 81, 90, 443, 8080, 65535}
	// The neighbours of what policies name are called too.
	calledNumbers = []int32{80, 1, 2, 53, 54, 79, 81, 82, 89, 90, 91, 443, 8080, 65534, 65535}
	protocols     = []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP}

	addresses4       = parsed("10.0.0.1", "10.0.0.0", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.255.255.255", "172.16.0.1")
	addresses6       = parsed("fd00::1", "fd00::", "fd00::2", "fd00::3", "fd00::4", "fdff:ffff::1", "2001:db8::1")
	outsideAddresses = slices.Concat(parsed("8.8.8.8", "2001:db8::8", "::ffff:10.0.0.1", "0.0.0.0", "ffff::ffff"), addresses4, addresses6)
)

func parsed(ips ...string) []netip.Addr {
	out := make([]netip.Addr, 0, len(ips))
	for _, ip := range ips {
		out = append(out, netip.MustParseAddr(ip))
	}
	return out
}

func drawWorld(t *rapid.T) *world {
	w := &world{}
	for _, name := range spaces {
		w.namespaces = append(w.namespaces, reach.Namespace{Name: name, Labels: drawLabels(t, namespaceLabels)})
	}
	for i := range podsInWorld {
		w.pods = append(w.pods, drawPod(t, fmt.Sprintf("pod-%d", i)))
	}
	w.outside = rapid.SliceOfN(rapid.SampledFrom(outsideAddresses), outsideOfWorld, outsideOfWorld).Draw(t, "outside")
	for i := range rapid.IntRange(1, mostPolicies).Draw(t, "policies") {
		w.policies = append(w.policies, drawPolicy(t, fmt.Sprintf("policy-%d", i)))
	}
	w.called = rapid.SliceOfN(rapid.Custom(drawCalled), portsInWorld, portsInWorld).Draw(t, "called")
	return w
}

// drawPod gives each pod one address. With two, a flow has two routes, of which cyclonus
// knows nothing: see TestOnePodWithTwoAddresses.
func drawPod(t *rapid.T, name string) *reach.Pod {
	return &reach.Pod{
		Namespace: rapid.SampledFrom(spaces).Draw(t, "namespace"),
		Name:      name,
		Labels:    drawLabels(t, podLabels),
		IPs:       rapid.SliceOfN(rapid.SampledFrom(slices.Concat(addresses4, addresses6)), 1, 1).Draw(t, "ip"),
		Ports:     rapid.SliceOfN(rapid.Custom(drawNamedPort), 0, 3).Draw(t, "ports"),
	}
}

// drawNamedPort may give a pod one name for two ports, in two protocols or, as of two
// containers, two numbers; and two names for one port.
func drawNamedPort(t *rapid.T) reach.NamedPort {
	return reach.NamedPort{
		Name:     rapid.SampledFrom(portNames).Draw(t, "name"),
		Protocol: drawProtocol(t),
		Number:   rapid.SampledFrom(portNumbers).Draw(t, "number"),
	}
}

func drawCalled(t *rapid.T) calledPort {
	return calledPort{protocol: drawProtocol(t), number: rapid.SampledFrom(calledNumbers).Draw(t, "number")}
}

// drawProtocol may leave the protocol out. TCP comes up most often, so that ports meet.
func drawProtocol(t *rapid.T) corev1.Protocol {
	return rapid.SampledFrom(slices.Concat([]corev1.Protocol{"", corev1.ProtocolTCP}, protocols)).Draw(t, "protocol")
}

// drawLabels draws for each key a value or none.
func drawLabels(t *rapid.T, words []label) map[string]string {
	out := map[string]string{}
	for _, word := range words {
		if rapid.Bool().Draw(t, "has "+word.key) {
			out[word.key] = rapid.SampledFrom(word.values).Draw(t, word.key)
		}
	}
	return out
}

func drawPolicy(t *rapid.T, name string) *networkingv1.NetworkPolicy {
	policy := &networkingv1.NetworkPolicy{}
	policy.Name, policy.Namespace = name, rapid.SampledFrom(spaces).Draw(t, "namespace")
	policy.Spec = networkingv1.NetworkPolicySpec{
		PodSelector: drawSelector(t, podLabels),
		PolicyTypes: rapid.SliceOfNDistinct(rapid.SampledFrom(
			[]networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}), 0, 2, rapid.ID).Draw(t, "policyTypes"),
		Ingress: rapid.SliceOfN(rapid.Custom(drawIngress), 0, 2).Draw(t, "ingress"),
		Egress:  rapid.SliceOfN(rapid.Custom(drawEgress), 0, 2).Draw(t, "egress"),
	}
	return policy
}
