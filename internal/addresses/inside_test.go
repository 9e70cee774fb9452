package addresses

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestInside draws ranges of a cluster and addresses that are to stay, and looks at each address of the block.
func TestInside(t *testing.T) {
	block := netip.MustParsePrefix("10.0.0.0/24")
	rapid.Check(t, func(t *rapid.T) {
		prefixes := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) netip.Prefix {
			ip := netip.AddrFrom4([4]byte{10, 0, rapid.SampledFrom([]byte{0, 0, 0, 1}).Draw(t, "block"), rapid.Byte().Draw(t, "ip")})
			return netip.PrefixFrom(ip, rapid.IntRange(23, 32).Draw(t, "bits")).Masked()
		}), 0, 12)
		c := Cluster{Pods: prefixes.Draw(t, "pods"), Services: prefixes.Draw(t, "services")}
		stay := make([]netip.Addr, rapid.IntRange(1, 4).Draw(t, "observed"))
		for i := range stay {
			stay[i] = netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(t, "observed ip")})
		}
		slices.SortFunc(stay, netip.Addr.Compare)
		const most = 3
		got := Inside(block, c, most, stay)
		if len(got) > most {
			t.Fatalf("%d ranges: %v", len(got), got)
		}
		in := func(ranges []netip.Prefix, ip netip.Addr) bool {
			return slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(ip) })
		}
		for _, ip := range stay {
			if in(got, ip) {
				t.Fatalf("%s is to stay: %v", ip, got)
			}
		}
		for _, p := range got {
			if p.Bits() <= block.Bits() || !block.Contains(p.Addr()) {
				t.Fatalf("%s is not inside", p)
			}
		}
		own := slices.DeleteFunc(slices.Concat(c.Pods, c.Services), func(p netip.Prefix) bool {
			return p.Bits() <= block.Bits() || !block.Contains(p.Addr()) || slices.ContainsFunc(stay, p.Contains)
		})
		for ip := block.Addr(); len(merged(own)) <= most && block.Contains(ip); ip = ip.Next() {
			if in(own, ip) != in(got, ip) {
				t.Fatalf("%s is the cluster's own: %v, and excepted: %v", ip, in(own, ip), got)
			}
		}
	})
}
