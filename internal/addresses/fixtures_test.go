package addresses_test

import (
	"net/netip"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
)

// failer is what *testing.T and *rapid.T have in common, as far as it is needed.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func ranges(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

func texts(prefixes []netip.Prefix) []string {
	out := make([]string, 0, len(prefixes))
	for _, p := range prefixes {
		out = append(out, p.String())
	}
	return out
}

// having tells whether a policy with these blocks has an address: any block has it, and none of its exceptions does.
func having(blocks []networkingv1.IPBlock) func(netip.Addr) bool {
	cidrs, excepts := make([]netip.Prefix, len(blocks)), make([][]netip.Prefix, len(blocks))
	for i, b := range blocks {
		cidrs[i], excepts[i] = netip.MustParsePrefix(b.CIDR), ranges(b.Except...)
	}
	return func(addr netip.Addr) bool {
		contains := func(p netip.Prefix) bool { return p.Contains(addr) }
		for i, cidr := range cidrs {
			if contains(cidr) && !slices.ContainsFunc(excepts[i], contains) {
				return true
			}
		}
		return false
	}
}

// accepted fails if the API server would not take the blocks: its rules are in ValidateIPBlock of
// k8s.io/kubernetes/pkg/apis/networking/validation. It asks for more: exceptions are sorted, disjoint and bounded.
func accepted(t failer, blocks []networkingv1.IPBlock) {
	t.Helper()
	for _, b := range blocks {
		errs := validation.IsValidCIDR(field.NewPath("cidr"), b.CIDR)
		_, outer, _ := netutils.ParseCIDRSloppy(b.CIDR)
		var before netip.Prefix
		for _, text := range b.Except {
			errs = append(errs, validation.IsValidCIDR(field.NewPath("except"), text)...)
			_, inner, err := netutils.ParseCIDRSloppy(text)
			if err != nil {
				t.Fatalf("exception %q: %v", text, err)
			}
			length, _ := outer.Mask.Size()
			if innerLength, _ := inner.Mask.Size(); !outer.Contains(inner.IP) || length >= innerLength {
				t.Fatalf("exception %s is not a part of %s", text, b.CIDR)
			}
			p := netip.MustParsePrefix(text)
			if before.IsValid() && (before.Compare(p) >= 0 || before.Overlaps(p)) {
				t.Fatalf("exception %s comes after %s", p, before)
			}
			before = p
		}
		if len(errs) > 0 {
			t.Fatalf("%v", errs.ToAggregate())
		}
		if len(b.Except) > addresses.MaxExceptions {
			t.Fatalf("%s has %d exceptions", b.CIDR, len(b.Except))
		}
	}
}

// drawRange draws a range at or around an address that matters, in any form that a prefix can have.
func drawRange(t *rapid.T) netip.Prefix {
	addr := drawAddr(t)
	least := 1
	if rapid.IntRange(0, 50).Draw(t, "all of a family") == 0 {
		least = 0
	}
	return netip.PrefixFrom(addr, rapid.IntRange(least, addr.BitLen()).Draw(t, "bits"))
}

func drawAddr(t *rapid.T) netip.Addr {
	addr := netip.MustParseAddr(rapid.SampledFrom([]string{
		"0.0.0.0", "8.8.8.8", "10.0.0.0", "100.100.100.200", "127.0.0.1", "168.63.129.16", "169.254.169.254", "172.16.0.0",
		"192.0.0.192", "192.168.0.0", "203.0.113.7", "224.0.0.1", "255.255.255.255", "::ffff:9.9.9.9", "::ffff:10.1.1.1",
		"::", "::1", "64:ff9b::808:808", "64:ff9b::a00:1", "64:ff9b:1::1", "2001:db8::1", "2600::1", "fc00::", "fd00:ec2::254",
		"fe80::1", "fec0::1", "ff02::1",
	}).Draw(t, "address"))
	bytes := addr.AsSlice()
	for range rapid.IntRange(0, 2).Draw(t, "bits that differ") {
		bit := rapid.IntRange(0, len(bytes)*8-1).Draw(t, "bit")
		bytes[bit/8] ^= 1 << (7 - bit%8)
	}
	addr, _ = netip.AddrFromSlice(bytes)
	return addr
}

func drawCluster(t *rapid.T) addresses.Cluster {
	draw := func(what string) []netip.Prefix {
		return rapid.SliceOfN(rapid.Custom(drawRange), 0, 5).Draw(t, what)
	}
	return addresses.Cluster{Pods: draw("pods"), Services: draw("services"), Nodes: draw("nodes")}
}
