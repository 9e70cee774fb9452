package addresses

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// Cluster is the addresses of the cluster itself. The order of ranges, and whether they overlap, does not matter.
//
// What the API says of pods is not always all: a network plugin that gives out addresses by itself, such as those of
// clouds that take them from the subnet of the node, leaves the ranges of nodes empty. Such ranges have to come from
// elsewhere; Internet excepts the private ranges because of it, unless it is asked not to.
type Cluster struct {
	// Pods are the ranges that pods have their addresses from.
	Pods []netip.Prefix
	// Services are the ranges that Services have their addresses from.
	Services []netip.Prefix
	// Nodes are the addresses of nodes.
	Nodes []netip.Prefix
}

// OfNodes are the ranges of pods on nodes (spec.podCIDRs, and spec.podCIDR from before there were two families), and
// the addresses of the nodes (status.addresses of type InternalIP and ExternalIP; the other types are names). Both are
// sorted, each range once. A value that cannot be parsed is left out: an address that is not known cannot be excepted.
func OfNodes(nodes []corev1.Node) (pods, addresses []netip.Prefix) {
	for i := range nodes {
		node := &nodes[i]
		pods = appendRanges(pods, node.Spec.PodCIDRs...)
		pods = appendRanges(pods, node.Spec.PodCIDR)
		for _, address := range node.Status.Addresses {
			if address.Type != corev1.NodeInternalIP && address.Type != corev1.NodeExternalIP {
				continue
			}
			if p, ok := parseAddress(address.Address); ok {
				addresses = append(addresses, p)
			}
		}
	}
	return sorted(pods), sorted(addresses)
}

// OfServiceCIDRs are the ranges of Services (spec.cidrs, KEP-1880), sorted, each once. A range that is not ready, or is
// being deleted, counts as well: there may still be Services in it. A value that cannot be parsed is left out: an
// address that is not known cannot be excepted.
func OfServiceCIDRs(cidrs []networkingv1.ServiceCIDR) []netip.Prefix {
	var out []netip.Prefix
	for i := range cidrs {
		out = appendRanges(out, cidrs[i].Spec.CIDRs...)
	}
	return sorted(out)
}

func appendRanges(to []netip.Prefix, declared ...string) []netip.Prefix {
	for _, text := range declared {
		if p, ok := parseRange(text); ok {
			to = append(to, p)
		}
	}
	return to
}
