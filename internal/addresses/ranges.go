package addresses

import (
	"net/netip"
	"slices"

	netutils "k8s.io/utils/net"
)

// parseRange reads a range as the API server does. That once took host bits and leading zeros, and what was written
// then still has them.
func parseRange(text string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return canonical(p), true
	}
	_, network, err := netutils.ParseCIDRSloppy(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	addr, ok := netip.AddrFromSlice(network.IP)
	length, _ := network.Mask.Size()
	return canonical(netip.PrefixFrom(addr, length)), ok
}

// parseAddress reads an address in the same way, as the range that has no other. The zone of a link-local address is
// dropped: it is another name for an interface of the host, and no part of the address.
func parseAddress(text string) (netip.Prefix, bool) {
	addr, err := netip.ParseAddr(text)
	ok := err == nil
	if !ok {
		addr, ok = netip.AddrFromSlice(netutils.ParseIPSloppy(text))
	}
	return canonical(netip.PrefixFrom(addr, addr.BitLen())), ok
}

// canonical is the range without host bits, and one of IPv4 if it is written as one of IPv6 (RFC 4291, 2.5.5.2): no
// packet carries such an address, and the API server takes no such range.
func canonical(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// sorted are the ranges, canonical, those of IPv4 first, each once. A range comes before those inside it.
func sorted(ranges []netip.Prefix) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(ranges))
	for _, p := range ranges {
		if p.IsValid() {
			out = append(out, canonical(p))
		}
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return slices.Compact(out)
}

// merged are the fewest ranges that have the same addresses, sorted: none is inside another, and no two are the halves
// of a larger one. So a range all of whose addresses they have is inside one of them.
func merged(ranges []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range sorted(ranges) {
		if n := len(out); n > 0 && out[n-1].Overlaps(p) {
			continue // Inside, as the larger one comes first.
		}
		out = append(out, p)
		for n := len(out); n > 1 && areHalves(out[n-2], out[n-1]); n = len(out) {
			out = append(out[:n-2], parent(out[n-1]))
		}
	}
	return out
}

// areHalves tells whether two ranges without a common address are all of the next larger one.
func areHalves(a, b netip.Prefix) bool {
	return a.Bits() > 0 && parent(a) == parent(b)
}

// parent is the range of twice the size.
func parent(p netip.Prefix) netip.Prefix {
	return netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked()
}

// byFamily cuts sorted ranges between IPv4 and IPv6.
func byFamily(ranges []netip.Prefix) (v4, v6 []netip.Prefix) {
	i := slices.IndexFunc(ranges, func(p netip.Prefix) bool { return p.Addr().Is6() })
	if i < 0 {
		i = len(ranges)
	}
	return ranges[:i:i], ranges[i:]
}
