package addresses

import (
	"net/netip"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
)

// Kinds of addresses that a declared block can cover by mistake.
const (
	// Pods are addresses of pods of the cluster. A block has them whatever the selectors of other peers say.
	Pods = "Pods"
	// Services are addresses of Services of the cluster.
	Services = "Services"
	// Nodes are addresses of nodes of the cluster.
	Nodes = "Nodes"
	// Metadata are addresses at which clouds hand out credentials.
	Metadata = "Metadata"
)

// Coverage says that a declared block has addresses of the cluster, or of a metadata service.
type Coverage struct {
	// Kind is whose addresses these are: Pods, Services, Nodes or Metadata.
	Kind string
	// Range is the first of the cluster's ranges of this kind that the block has an address of.
	Range netip.Prefix
	// Block is the range as it is declared.
	Block string
}

// Covered finds which addresses of the cluster, and of metadata services, declared blocks have: for each kind that any
// block has an address of, in the order of the constants, the first range and the first block that has a part of it. An
// exception counts as far as it goes: what exceptions take out of a range together is not covered, what they leave is.
// Blocks that cannot be parsed, which no policy has, cover nothing.
func Covered(blocks []networkingv1.IPBlock, c Cluster) []Coverage {
	parsed := make([]declared, len(blocks))
	for i := range blocks {
		parsed[i] = parse(&blocks[i])
	}
	kinds := []struct {
		name   string
		ranges []netip.Prefix
	}{
		{Pods, c.Pods}, {Services, c.Services}, {Nodes, c.Nodes}, {Metadata, metadata()},
	}
	var out []Coverage
	for _, kind := range kinds {
		if p, i := first(parsed, sorted(kind.ranges)); i >= 0 {
			out = append(out, Coverage{Kind: kind.name, Range: p, Block: blocks[i].CIDR})
		}
	}
	return out
}

// first is the first range that a block has an address of, and the first block that does; -1 if none does.
func first(blocks []declared, ranges []netip.Prefix) (netip.Prefix, int) {
	for _, p := range ranges {
		if i := slices.IndexFunc(blocks, func(b declared) bool { return b.touches(p) }); i >= 0 {
			return p, i
		}
	}
	return netip.Prefix{}, -1
}

// declared is a declared block.
type declared struct {
	cidr   netip.Prefix
	except []netip.Prefix
}

func parse(b *networkingv1.IPBlock) declared {
	cidr, _ := parseRange(b.CIDR)
	return declared{cidr: cidr, except: merged(appendRanges(nil, b.Except...))}
}

// touches tells whether the block has any address of a range. Of two ranges with common addresses one is inside the
// other, so the smaller one is what they have in common; and merged exceptions take it out only if one of them has it.
func (d declared) touches(p netip.Prefix) bool {
	if !d.cidr.Overlaps(p) {
		return false
	}
	shared := p
	if d.cidr.Bits() > p.Bits() {
		shared = d.cidr
	}
	return !slices.ContainsFunc(d.except, func(e netip.Prefix) bool {
		return e.Bits() <= shared.Bits() && e.Overlaps(shared)
	})
}
