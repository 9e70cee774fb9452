package reach

import (
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"
)

// Range is a range of addresses, with both of its ends.
type Range struct {
	First, Last netip.Addr
}

// String writes a range as a prefix if it is one.
func (r Range) String() string {
	for length := range r.First.BitLen() + 1 {
		if p := netip.PrefixFrom(r.First, length); p.Masked() == p && lastOf(p) == r.Last {
			return p.String()
		}
	}
	return r.First.String() + "-" + r.Last.String()
}

// part is a part of all addresses: those of one family that are in the same prefixes of
// those in play.
type part []Range

// address is one of the part's addresses.
func (p part) address() netip.Addr {
	return p[0].First
}

func (p part) contains(ip netip.Addr) bool {
	return slices.ContainsFunc(p, func(r Range) bool { return r.First.Compare(ip) <= 0 && ip.Compare(r.Last) <= 0 })
}

// partition cuts the addresses of both families by the prefixes in play, in the order of the
// addresses.
func partition(inPlay sets.Set[netip.Prefix]) []part {
	prefixes := inPlay.UnsortedList()
	slices.SortFunc(prefixes, func(a, b netip.Prefix) int { return a.Compare(b) })
	var out []part
	byMembers := map[string]int{}
	for _, r := range cuts(prefixes) {
		if r.First.Is4In6() {
			// These are addresses of IPv4, and judged as such.
			continue
		}
		members := newBits(len(prefixes) + 1)
		for i, p := range prefixes {
			if p.Contains(r.First) {
				members.add(i)
			}
		}
		if r.First.Is4() {
			members.add(len(prefixes))
		}
		i, known := byMembers[members.key()]
		if !known {
			i = len(out)
			byMembers[members.key()] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], r)
	}
	return out
}

// cuts are the ranges between neighbouring borders of prefixes, IPv4 first.
func cuts(prefixes []netip.Prefix) []Range {
	starts := sets.New(netip.IPv4Unspecified(), netip.IPv6Unspecified())
	for _, p := range prefixes {
		starts.Insert(p.Addr())
		if after := lastOf(p).Next(); after.IsValid() {
			starts.Insert(after)
		}
	}
	if slices.ContainsFunc(starts.UnsortedList(), netip.Addr.Is4In6) {
		mapped := netip.MustParsePrefix("::ffff:0:0/96")
		starts.Insert(mapped.Addr(), lastOf(mapped).Next())
	}
	sorted := starts.UnsortedList()
	slices.SortFunc(sorted, netip.Addr.Compare)
	out := make([]Range, 0, len(sorted))
	for i, first := range sorted {
		last := lastOf(netip.PrefixFrom(first, 0))
		if i+1 < len(sorted) && sorted[i+1].BitLen() == first.BitLen() {
			last = sorted[i+1].Prev()
		}
		out = append(out, Range{first, last})
	}
	return out
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}
