package addresses

import (
	"net/netip"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
)

// MaxExceptions is how many exceptions a block of Internet has at most. Network plugins hold an entry or more for each,
// some of them the ranges between the exceptions, and do so for every pod that a policy selects.
//
// It is enough for widening not to close a whole family. The last gap of a family is between two neighbours, and what is
// around them is then one range for each bit that they have in common: 130 in all at most.
const MaxExceptions = 256

// Internet is every address outside the cluster: a block for IPv4 and one for IPv6, each with exceptions. These are
//
//   - the addresses of the cluster;
//   - the ranges that no host on the internet is in, see RFC 6890;
//   - the private ranges (RFC 1918, RFC 4193, RFC 6598), unless they are asked for;
//   - always the metadata services of clouds, which hand out the credentials of nodes;
//   - of IPv6, all of these once more as a NAT64 reaches them.
//
// The last is for clusters of IPv6 only. To these 64:ff9b::/96 is the IPv4 part of the internet, so it cannot be
// excepted as a whole. Nor can it be left open as a whole: RFC 6052, 3.1, forbids it for private addresses, but the NAT
// gateways of AWS translate for them as well, on purpose. So it is open where the IPv4 address is, and closed where that
// is. 2002::/16 (6to4, RFC 3056) also carries IPv4 addresses, but to hosts that speak 6to4 only, and its routers drop
// those that are not global: it is not excepted.
//
// Exceptions are sorted by address, none is inside another, and no two make up a larger one. If there are more than
// MaxExceptions, some are widened, and addresses around those of the cluster are closed too. A family that is excepted
// as a whole has no block, as the API server takes no exception that is not smaller than its block.
func Internet(c Cluster, privateToo bool) []networkingv1.IPBlock {
	excepted := slices.Concat(c.Pods, c.Services, c.Nodes, unreachable(), metadata())
	if !privateToo {
		excepted = append(excepted, private()...)
	}
	v4, v6 := byFamily(merged(excepted))
	v4 = widened(v4, MaxExceptions)
	v6 = widened(merged(append(v6, translated(v4)...)), MaxExceptions)
	return slices.Concat(block("0.0.0.0/0", v4), block("::/0", v6))
}

// block is a family without its exceptions; nothing if these are all of it.
func block(family string, except []netip.Prefix) []networkingv1.IPBlock {
	out := networkingv1.IPBlock{CIDR: family}
	for _, p := range except {
		if p.Bits() == 0 {
			return nil
		}
		out.Except = append(out.Except, p.String())
	}
	return []networkingv1.IPBlock{out}
}
