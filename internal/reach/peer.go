package reach

import (
	"fmt"
	"net/netip"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	netutils "k8s.io/utils/net"
)

// peer is one peer of a rule: pods, or a block of addresses.
type peer struct {
	id int
	// namespaces chooses namespaces; nil means the policy's own.
	namespaces *selector
	// pods chooses pods; nil for a block.
	pods *selector
	// block is set for a block of addresses.
	block *block
}

// everyPod is what a selector of namespaces without one of pods chooses in them.
func everyPod() *metav1.LabelSelector {
	return &metav1.LabelSelector{}
}

// includes tells whether the peer is, or includes, the far end of a flow. The own namespace
// is that of the near end.
func (p *peer) includes(near, far *end) bool {
	if p.block != nil {
		return p.block.contains(far.ip)
	}
	return far.pod != nil && p.looksIn(near, far) && p.pods.matches(labels.Set(far.pod.Labels))
}

// looksIn tells whether the peer looks for pods in the namespace of the far end.
func (p *peer) looksIn(near, far *end) bool {
	if p.namespaces == nil {
		return near.pod.Namespace == far.pod.Namespace
	}
	return far.namespace.chosen.has(p.namespaces.id)
}

// block is a range of addresses, less others.
type block struct {
	cidr   netip.Prefix
	except []netip.Prefix
}

func parseBlock(declared *networkingv1.IPBlock) (*block, error) {
	cidr, err := parsePrefix(declared.CIDR)
	if err != nil {
		return nil, err
	}
	out := &block{cidr: cidr}
	for _, e := range declared.Except {
		except, err := parsePrefix(e)
		if err != nil {
			return nil, err
		}
		out.except = append(out.except, except)
	}
	return out, nil
}

// parsePrefix reads a range of addresses as API servers before Kubernetes 1.36 take it, and as they
// warn that it is read (k8s.io/apimachinery/pkg/util/validation, GetWarningsForCIDR): with leading
// zeros, with bits beyond the prefix, and with IPv4 addresses written as IPv6.
func parsePrefix(cidr string) (netip.Prefix, error) {
	_, network, err := netutils.ParseCIDRSloppy(cidr)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("ipBlock: %w", err)
	}
	addr, ok := netip.AddrFromSlice(network.IP)
	if !ok {
		return netip.Prefix{}, fmt.Errorf("ipBlock: %s is no range of addresses", cidr)
	}
	length, _ := network.Mask.Size()
	if addr.Is4In6() && length >= 96 {
		addr, length = addr.Unmap(), length-96
	}
	return netip.PrefixFrom(addr, length).Masked(), nil
}

// contains tells whether an address is in the block; the zero address is in none.
func (b *block) contains(ip netip.Addr) bool {
	if !b.cidr.Contains(ip) {
		return false
	}
	for _, e := range b.except {
		if e.Contains(ip) {
			return false
		}
	}
	return true
}
