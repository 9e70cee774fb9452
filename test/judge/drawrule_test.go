package judge

import (
	"net/netip"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"
)

var (
	// Ranges in ranges; some with bits beyond the prefix, and one in capitals: older API
	// servers took the first, all take the second.
	blocks = []string{
		"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/30", "10.0.0.2/31", "10.0.0.1/32", "10.0.0.3/30", "10.128.0.0/9", "172.16.0.0/12",
		"::/0", "fd00::/8", "fd00::/126", "fd00::2/127", "fd00::1/128", "fd00::3/126", "FD80::/9", "2001:db8::/64",
	}
	// Nested ranges for exceptions: each block and its exceptions are drawn from this one.
	prefixes = parsedPrefixes(blocks)
)

func parsedPrefixes(cidrs []string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(cidrs))
	for _, cidr := range cidrs {
		out = append(out, netip.MustParsePrefix(cidr).Masked())
	}
	return out
}

func drawIngress(t *rapid.T) networkingv1.NetworkPolicyIngressRule {
	return networkingv1.NetworkPolicyIngressRule{From: drawPeers(t), Ports: drawPorts(t)}
}

func drawEgress(t *rapid.T) networkingv1.NetworkPolicyEgressRule {
	return networkingv1.NetworkPolicyEgressRule{To: drawPeers(t), Ports: drawPorts(t)}
}

func drawPeers(t *rapid.T) []networkingv1.NetworkPolicyPeer {
	return rapid.SliceOfN(rapid.Custom(drawPeer), 0, 2).Draw(t, "peers")
}

func drawPeer(t *rapid.T) networkingv1.NetworkPolicyPeer {
	var peer networkingv1.NetworkPolicyPeer
	shape := rapid.SampledFrom([]string{"pods", "namespaces", "both", "block"}).Draw(t, "shape")
	if shape == "block" {
		peer.IPBlock = drawBlock(t)
	}
	if shape == "pods" || shape == "both" {
		peer.PodSelector = new(drawSelector(t, podLabels))
	}
	if shape == "namespaces" || shape == "both" {
		peer.NamespaceSelector = new(drawSelector(t, selectableLabels))
	}
	return peer
}

// drawBlock draws exceptions only from inside the block: the API server takes no others.
func drawBlock(t *rapid.T) *networkingv1.IPBlock {
	i := rapid.IntRange(0, len(blocks)-1).Draw(t, "cidr")
	out := &networkingv1.IPBlock{CIDR: blocks[i]}
	var within []string
	for k, p := range prefixes {
		if p.Bits() > prefixes[i].Bits() && prefixes[i].Contains(p.Addr()) {
			within = append(within, blocks[k])
		}
	}
	if len(within) > 0 {
		out.Except = rapid.SliceOfNDistinct(rapid.SampledFrom(within), 0, min(2, len(within)), rapid.ID).Draw(t, "except")
	}
	return out
}

func drawPorts(t *rapid.T) []networkingv1.NetworkPolicyPort {
	return rapid.SliceOfN(rapid.Custom(drawPort), 0, 2).Draw(t, "ports")
}

func drawPort(t *rapid.T) networkingv1.NetworkPolicyPort {
	var out networkingv1.NetworkPolicyPort
	if protocol := drawProtocol(t); protocol != "" {
		out.Protocol = &protocol
	}
	number := rapid.SampledFrom(portNumbers).Draw(t, "port")
	switch rapid.SampledFrom([]string{"number", "name", "range", "every"}).Draw(t, "shape") {
	case "number":
		out.Port = new(intstr.FromInt32(number))
	case "name":
		out.Port = new(intstr.FromString(rapid.SampledFrom(portNames).Draw(t, "name")))
	case "range":
		out.Port = new(intstr.FromInt32(number))
		ends := slices.DeleteFunc(slices.Clone(portNumbers), func(n int32) bool { return n < number })
		out.EndPort = new(rapid.SampledFrom(ends).Draw(t, "endPort"))
	}
	return out
}

// drawSelector draws the empty selector often: many requirements together match little.
func drawSelector(t *rapid.T, words []label) metav1.LabelSelector {
	var out metav1.LabelSelector
	switch rapid.SampledFrom([]string{"empty", "labels", "expressions", "both"}).Draw(t, "selector") {
	case "labels":
		out.MatchLabels = drawLabels(t, words)
	case "expressions":
		out.MatchExpressions = drawRequirements(t, words, 2)
	case "both":
		out.MatchLabels, out.MatchExpressions = drawLabels(t, words[:1]), drawRequirements(t, words, 1)
	}
	return out
}

func drawRequirements(t *rapid.T, words []label, most int) []metav1.LabelSelectorRequirement {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) metav1.LabelSelectorRequirement {
		word := rapid.SampledFrom(words).Draw(t, "word")
		out := metav1.LabelSelectorRequirement{Key: word.key, Operator: rapid.SampledFrom([]metav1.LabelSelectorOperator{
			metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist,
		}).Draw(t, "operator")}
		if out.Operator == metav1.LabelSelectorOpIn || out.Operator == metav1.LabelSelectorOpNotIn {
			out.Values = rapid.SliceOfNDistinct(rapid.SampledFrom(word.values), 1, 2, rapid.ID).Draw(t, "values")
		}
		return out
	}), 1, most).Draw(t, "matchExpressions")
}
