package addresses_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
)

func TestInternetAsItIsWritten(t *testing.T) {
	t.Parallel()
	cluster := addresses.Cluster{
		Pods:     ranges("10.244.0.0/24", "10.244.1.0/24"),
		Services: ranges("10.96.0.0/12"),
		Nodes:    ranges("203.0.113.4/32", "203.0.113.5/32", "2001:db8::5/128"),
	}
	cases := map[string]struct {
		private bool
		want    []networkingv1.IPBlock
	}{
		"without private addresses": {
			want: []networkingv1.IPBlock{
				{CIDR: "0.0.0.0/0", Except: []string{
					"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12",
					"192.0.0.192/32", "192.168.0.0/16", "203.0.113.4/31", "224.0.0.0/3",
				}},
				{CIDR: "::/0", Except: []string{
					"::/64", "64:ff9b::/104", "64:ff9b::a00:0/104", "64:ff9b::6440:0/106", "64:ff9b::7f00:0/104", "64:ff9b::a83f:8110/128",
					"64:ff9b::a9fe:0/112", "64:ff9b::ac10:0/108", "64:ff9b::c000:c0/128", "64:ff9b::c0a8:0/112", "64:ff9b::cb00:7104/127",
					"64:ff9b::e000:0/99", "64:ff9b:1::/48", "2001:db8::5/128", "fc00::/7", "fe80::/9", "ff00::/8",
				}},
			},
		},
		"with private addresses": {
			private: true,
			want: []networkingv1.IPBlock{
				{CIDR: "0.0.0.0/0", Except: []string{
					"0.0.0.0/8", "10.96.0.0/12", "10.244.0.0/23", "100.100.100.200/32", "127.0.0.0/8", "168.63.129.16/32",
					"169.254.0.0/16", "192.0.0.192/32", "203.0.113.4/31", "224.0.0.0/3",
				}},
				{CIDR: "::/0", Except: []string{
					"::/64", "64:ff9b::/104", "64:ff9b::a60:0/108", "64:ff9b::af4:0/119", "64:ff9b::6464:64c8/128", "64:ff9b::7f00:0/104",
					"64:ff9b::a83f:8110/128", "64:ff9b::a9fe:0/112", "64:ff9b::c000:c0/128", "64:ff9b::cb00:7104/127", "64:ff9b::e000:0/99",
					"64:ff9b:1::/48", "2001:db8::5/128",
					"fd00:42::42/128", "fd00:c1::a9fe:a9fe/128", "fd00:100::100:200/128", "fd00:ec2::23/128", "fd00:ec2::254/128",
					"fd00:a9fe:a9fe::1/128", "fd20:ce::254/128", "fe80::/10", "ff00::/8",
				}},
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := addresses.Internet(cluster, c.private)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			accepted(t, got)
		})
	}
}

// TestAFamilyThatIsTheClustersHasNoBlock has ranges that are all of a family together. IPv4 is closed over NAT64 then, too.
func TestAFamilyThatIsTheClustersHasNoBlock(t *testing.T) {
	t.Parallel()
	got := addresses.Internet(addresses.Cluster{Pods: ranges("0.0.0.0/1"), Nodes: ranges("128.0.0.0/1")}, true)
	accepted(t, got)
	if len(got) != 1 || got[0].CIDR != "::/0" || !slices.Contains(got[0].Except, "64:ff9b::/96") {
		t.Errorf("%+v", got)
	}
	got = addresses.Internet(addresses.Cluster{Services: ranges("::/1", "8000::/1")}, true)
	accepted(t, got)
	if len(got) != 1 || got[0].CIDR != "0.0.0.0/0" {
		t.Errorf("%+v", got)
	}
}

// closed is what Internet has to leave out, address by address and by other means.
func closed(addr netip.Addr, c addresses.Cluster, private bool) bool {
	addr = addr.Unmap()
	for _, p := range slices.Concat(c.Pods, c.Services, c.Nodes) {
		// An address of IPv4 in the form of IPv6 is one of IPv4.
		if p.Contains(addr) || (addr.Is4() && p.Bits() >= 96 && p.Contains(netip.AddrFrom16(addr.As16()))) {
			return true
		}
	}
	never := addr.IsUnspecified() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsMulticast()
	if never || addr.IsPrivate() && !private || slices.Contains(servesMetadata, addr.String()) {
		return true
	}
	b := addr.AsSlice()
	if addr.Is4() {
		return b[0] == 0 || b[0] >= 240 || (b[0] == 100 && b[1]>>6 == 1 && !private)
	}
	if [12]byte(b) == [12]byte{1: 0x64, 2: 0xff, 3: 0x9b} {
		return closed(netip.AddrFrom4([4]byte(b[12:])), c, private)
	}
	return [8]byte(b) == [8]byte{} || [6]byte(b) == [6]byte{1: 0x64, 2: 0xff, 3: 0x9b, 5: 1} ||
		(b[0] == 0xfe && b[1]>>6 == 3 && !private)
}

var servesMetadata = []string{
	"100.100.100.200", "168.63.129.16", "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.42.42", "192.0.0.192",
	"fd00:42::42", "fd00:100::100:200", "fd00:a9fe:a9fe::1", "fd00:c1::a9fe:a9fe", "fd00:ec2::23", "fd00:ec2::254",
	"fd20:ce::254", "fe80::a9fe:a9fe",
}

// asked are addresses to ask about: both ends of every range, their neighbours, all of them over NAT64, and others.
func asked(t *rapid.T, c addresses.Cluster) []netip.Addr {
	out := rapid.SliceOfN(rapid.Custom(drawAddr), 20, 20).Draw(t, "addresses")
	for _, p := range slices.Concat(c.Pods, c.Services, c.Nodes) {
		last := lastOf(p)
		out = append(out, p.Masked().Addr(), p.Masked().Addr().Prev(), last, last.Next())
	}
	for _, text := range servesMetadata {
		addr := netip.MustParseAddr(text)
		out = append(out, addr, addr.Prev(), addr.Next())
	}
	for _, addr := range slices.Clone(out) {
		if addr = addr.Unmap(); addr.Is4() {
			out = append(out, overNAT64(addr))
		}
	}
	return slices.DeleteFunc(out, func(a netip.Addr) bool { return !a.IsValid() })
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 1 << (7 - bit%8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

func overNAT64(addr netip.Addr) netip.Addr {
	b := addr.As4()
	return netip.AddrFrom16([16]byte{1: 0x64, 2: 0xff, 3: 0x9b, 12: b[0], 13: b[1], 14: b[2], 15: b[3]})
}

func TestInternetIsWhatIsNotClosedAndNothingElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, private := drawCluster(t), rapid.Bool().Draw(t, "private")
		blocks := addresses.Internet(c, private)
		accepted(t, blocks)
		has := having(blocks)
		for _, addr := range asked(t, c) {
			if want := !closed(addr, c, private); has(addr.Unmap()) != want {
				t.Fatalf("%s is in it: %t, want %t, in\n%+v", addr, !want, want, blocks)
			}
		}
	})
}

func TestTheOrderOfRangesDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCluster(t)
		want := addresses.Internet(c, true)
		c.Pods, c.Nodes = rapid.Permutation(append(c.Nodes, c.Nodes...)).Draw(t, "nodes, twice"), rapid.Permutation(c.Pods).Draw(t, "pods")
		if diff := cmp.Diff(want, addresses.Internet(c, true)); diff != "" {
			t.Fatalf("(-as drawn +in another order):\n%s", diff)
		}
	})
}

// TestTooManyExceptionsCloseMoreNeverLess has more addresses of nodes than there may be exceptions, all over both families.
func TestTooManyExceptionsCloseMoreNeverLess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		c, private := drawCluster(t), rapid.Bool().Draw(t, "private")
		c.Pods, c.Services = nil, nil
		for range rapid.IntRange(addresses.MaxExceptions+1, 350).Draw(t, "nodes") {
			var v4 [4]byte
			v6 := [16]byte{0x20, 0x01, 0x0d, 0xb8}
			binary.BigEndian.PutUint32(v4[:], random.Uint32())
			binary.BigEndian.PutUint64(v6[4:], random.Uint64())
			c.Nodes = append(c.Nodes, netip.PrefixFrom(netip.AddrFrom4(v4), 32), netip.PrefixFrom(netip.AddrFrom16(v6), 128))
		}
		blocks := addresses.Internet(c, private)
		accepted(t, blocks)
		has := having(blocks)
		for _, addr := range asked(t, c) {
			if has(addr.Unmap()) && closed(addr, c, private) {
				t.Fatalf("%s is in it", addr)
			}
		}
		for _, family := range []string{"0.0.0.0/0", "::/0"} {
			whole := netip.MustParsePrefix(family)
			drawn := slices.ContainsFunc(c.Nodes, func(p netip.Prefix) bool { return p.Bits() <= 3 && p.Overlaps(whole) })
			if !drawn && !slices.ContainsFunc(blocks, func(b networkingv1.IPBlock) bool { return b.CIDR == family }) {
				t.Fatalf("nothing is left of %s", family)
			}
		}
	})
}

// TestNeighboursOfManyNodesAreClosedAndOthersStayOpen has nodes with public addresses, as many as there may be exceptions,
// in one range and one far away.
func TestNeighboursOfManyNodesAreClosedAndOthersStayOpen(t *testing.T) {
	t.Parallel()
	var c addresses.Cluster
	for i := range 2 * addresses.MaxExceptions {
		c.Nodes = append(c.Nodes, netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, byte(100 + i/128), byte(2 * (i % 128))}), 32))
	}
	c.Nodes = append(c.Nodes, ranges("8.8.8.8/32")...)
	blocks := addresses.Internet(c, false)
	accepted(t, blocks)
	for text, want := range map[string]bool{
		"8.8.8.8": false, "8.8.8.9": true, "198.51.100.0": false, "198.51.100.1": false, "198.51.99.255": true, "198.51.104.0": true,
		"168.63.129.15": true, "168.63.129.17": true, "9.255.255.255": true, "2600::1": true,
	} {
		if got := having(blocks)(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is in it: %t", text, got)
		}
	}
}
