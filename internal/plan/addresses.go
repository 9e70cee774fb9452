package plan

import (
	"cmp"
	"net/netip"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// cidrs brings ranges of addresses into one canonical form: each written as RFC 5952 has
// it, sorted, each once. The API server takes other forms and returns them as they were;
// then one range in two forms would be two peers.
func (c *compiler) cidrs(blocks []v1alpha1.CIDRBlock, path *field.Path) []networkingv1.IPBlock {
	out := make([]networkingv1.IPBlock, 0, len(blocks))
	for i := range blocks {
		out = append(out, c.block(&blocks[i], path.Index(i)))
	}
	return sortedBlocks(out)
}

func (c *compiler) block(b *v1alpha1.CIDRBlock, path *field.Path) networkingv1.IPBlock {
	cidr := c.cidr(b.CIDR, path.Child("cidr"))
	except := make([]string, 0, len(b.Except))
	for i, e := range b.Except {
		inner := c.cidr(e, path.Child("except").Index(i))
		if cidr.IsValid() && inner.IsValid() && !isInside(inner, cidr) {
			c.fail(field.Invalid(path.Child("except").Index(i), e, "must be a smaller range inside cidr"))
		}
		except = append(except, inner.String())
	}
	return networkingv1.IPBlock{CIDR: cidr.String(), Except: sortedStrings(except)}
}

// isInside tells whether a range is a part of another, and not the whole.
func isInside(inner, outer netip.Prefix) bool {
	return outer.Contains(inner.Addr()) && inner.Bits() > outer.Bits()
}

// cidr parses a range. Host bits and IPv4 addresses in the form of IPv6 are refused, since
// network plugins do not agree on what they mean, and the API server refuses them too.
func (c *compiler) cidr(declared v1alpha1.CIDR, path *field.Path) netip.Prefix {
	prefix, err := netip.ParsePrefix(string(declared))
	if err != nil || prefix != prefix.Masked() || prefix.Addr().Is4In6() {
		c.fail(field.Invalid(path, declared, "must be a range of addresses without host bits, such as 198.51.100.0/24 or 2001:db8::/64"))
		return netip.Prefix{}
	}
	return prefix
}

// addresses brings single addresses into the form of ranges.
func (c *compiler) addresses(declared []v1alpha1.IPAddress, path *field.Path) []networkingv1.IPBlock {
	var out []networkingv1.IPBlock
	for i, text := range declared {
		address, err := netip.ParseAddr(string(text))
		if err != nil || address.Is4In6() || address.Zone() != "" {
			c.fail(field.Invalid(path.Index(i), text, "must be an address such as 169.254.20.10 or fd00::10"))
			continue
		}
		out = append(out, hostBlocks([]netip.Addr{address})...)
	}
	return sortedBlocks(out)
}

// hostBlocks are the ranges of single addresses.
func hostBlocks(addresses []netip.Addr) []networkingv1.IPBlock {
	out := make([]networkingv1.IPBlock, 0, len(addresses))
	for _, address := range addresses {
		out = append(out, networkingv1.IPBlock{CIDR: netip.PrefixFrom(address, address.BitLen()).String()})
	}
	return out
}

// sortedBlocks sorts ranges and drops repeated ones.
func sortedBlocks(blocks []networkingv1.IPBlock) []networkingv1.IPBlock {
	slices.SortFunc(blocks, compareBlocks)
	return slices.CompactFunc(blocks, func(a, b networkingv1.IPBlock) bool { return compareBlocks(a, b) == 0 })
}

func compareBlocks(a, b networkingv1.IPBlock) int {
	return cmp.Or(cmp.Compare(a.CIDR, b.CIDR), slices.Compare(a.Except, b.Except))
}
