package reach

import (
	"fmt"
	"net/netip"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// peer is one peer of a rule: pods, or a block of addresses.
type peer struct {
	// namespace is the policy's own namespace, where pods are looked for if there is no
	// selector for namespaces.
	namespace string
	// namespaces chooses namespaces; nil means the policy's own.
	namespaces labels.Selector
	pods       labels.Selector
	// block is set for a block of addresses.
	block *block
}

func parsePeer(namespace string, declared *networkingv1.NetworkPolicyPeer) (*peer, error) {
	out := &peer{namespace: namespace, pods: labels.Nothing()}
	var err error
	if declared.IPBlock != nil {
		out.block, err = parseBlock(declared.IPBlock)
		return out, err
	}
	if declared.NamespaceSelector != nil {
		// Without a selector for pods, it is every pod of these namespaces.
		out.pods = labels.Everything()
		if out.namespaces, err = metav1.LabelSelectorAsSelector(declared.NamespaceSelector); err != nil {
			return nil, fmt.Errorf("namespaceSelector: %w", err)
		}
	}
	if declared.PodSelector != nil {
		if out.pods, err = metav1.LabelSelectorAsSelector(declared.PodSelector); err != nil {
			return nil, fmt.Errorf("podSelector: %w", err)
		}
	}
	return out, nil
}

// includes tells whether the peer is, or includes, one end of a flow.
func (p *peer) includes(c *Cluster, e end) bool {
	if p.block != nil {
		return p.block.contains(e.ip)
	}
	return e.pod != nil && p.looksIn(c, e.pod.Namespace) && p.pods.Matches(labels.Set(e.pod.Labels))
}

// looksIn tells whether the peer looks for pods in a namespace.
func (p *peer) looksIn(c *Cluster, namespace string) bool {
	if p.namespaces == nil {
		return namespace == p.namespace
	}
	return p.namespaces.Matches(c.namespaces[namespace])
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

// parsePrefix reads a range of addresses. Bits beyond the prefix, which older API servers
// took, have no meaning.
func parsePrefix(cidr string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("ipBlock: %w", err)
	}
	return prefix.Masked(), nil
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
