package addresses

import (
	"net/netip"
	"slices"
)

// Inside are ranges of a block that have the addresses of the cluster, and of metadata services, in it: sorted, at most so
// many, and widened for that. Those that would have one of the addresses that are to stay are not among them. Of these
// there is one in the block, and they are sorted.
func Inside(block netip.Prefix, c Cluster, most int, stay []netip.Addr) []netip.Prefix {
	isHit := func(p netip.Prefix) bool {
		at, _ := slices.BinarySearchFunc(stay, p.Masked().Addr(), netip.Addr.Compare)
		return at < len(stay) && p.Contains(stay[at])
	}
	var inside []netip.Prefix
	for _, ranges := range [][]netip.Prefix{c.Pods, c.Services, c.Nodes, metadata()} {
		for _, p := range ranges {
			if p = canonical(p); p.Bits() > block.Bits() && block.Contains(p.Addr()) && !isHit(p) {
				inside = append(inside, p)
			}
		}
	}
	return slices.DeleteFunc(widened(merged(inside), most), isHit)
}
