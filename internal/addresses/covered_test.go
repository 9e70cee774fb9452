package addresses_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	networkingv1 "k8s.io/api/networking/v1"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
)

func blockOf(cidr string, except ...string) networkingv1.IPBlock {
	return networkingv1.IPBlock{CIDR: cidr, Except: except}
}

func coverage(kind, of, block string) addresses.Coverage {
	return addresses.Coverage{Kind: kind, Range: netip.MustParsePrefix(of), Block: block}
}

func TestCovered(t *testing.T) {
	cluster := addresses.Cluster{
		Pods: ranges("10.2.0.0/24", "10.1.0.0/24"), Services: ranges("10.96.0.0/16"), Nodes: ranges("203.0.113.7/32", "2001:db8::7/128"),
	}
	cases := map[string]struct {
		blocks []networkingv1.IPBlock
		want   []addresses.Coverage
	}{
		"no block":          {},
		"a range elsewhere": {blocks: []networkingv1.IPBlock{blockOf("198.51.100.0/24"), blockOf("2600::/16")}},
		"everything": {
			blocks: []networkingv1.IPBlock{blockOf("0.0.0.0/0")},
			want: []addresses.Coverage{
				coverage(addresses.Pods, "10.1.0.0/24", "0.0.0.0/0"), coverage(addresses.Services, "10.96.0.0/16", "0.0.0.0/0"),
				coverage(addresses.Nodes, "203.0.113.7/32", "0.0.0.0/0"), coverage(addresses.Metadata, "100.100.100.200/32", "0.0.0.0/0"),
			},
		},
		"the cluster's range is taken out": {blocks: []networkingv1.IPBlock{blockOf("10.1.0.0/16", "10.1.0.0/24")}},
		"more than the cluster's range is taken out": {
			blocks: []networkingv1.IPBlock{blockOf("10.96.0.0/11", "10.96.0.0/12")},
		},
		"it is taken out in parts": {
			blocks: []networkingv1.IPBlock{blockOf("10.1.0.0/16", "10.1.0.128/25", "10.1.0.0/26", "10.1.0.64/26")},
		},
		"all but a part is taken out": {
			blocks: []networkingv1.IPBlock{blockOf("10.1.0.0/16", "10.1.0.128/25", "10.1.0.0/26")},
			want:   []addresses.Coverage{coverage(addresses.Pods, "10.1.0.0/24", "10.1.0.0/16")},
		},
		"one of two ranges is taken out": {
			blocks: []networkingv1.IPBlock{blockOf("10.0.0.0/13", "10.1.0.0/24")},
			want:   []addresses.Coverage{coverage(addresses.Pods, "10.2.0.0/24", "10.0.0.0/13")},
		},
		"a part of the cluster's range": {
			blocks: []networkingv1.IPBlock{blockOf("10.1.0.4/32")},
			want:   []addresses.Coverage{coverage(addresses.Pods, "10.1.0.0/24", "10.1.0.4/32")},
		},
		"a part without an exception that is elsewhere": {
			blocks: []networkingv1.IPBlock{blockOf("10.1.0.0/25", "10.1.0.64/26")},
			want:   []addresses.Coverage{coverage(addresses.Pods, "10.1.0.0/24", "10.1.0.0/25")},
		},
		"what one block takes out another has": {
			blocks: []networkingv1.IPBlock{blockOf("203.0.113.0/24", "203.0.113.7/32"), blockOf("203.0.113.6/31"), blockOf("203.0.113.7/32")},
			want:   []addresses.Coverage{coverage(addresses.Nodes, "203.0.113.7/32", "203.0.113.6/31")},
		},
		"IPv6": {
			blocks: []networkingv1.IPBlock{blockOf("2001:db8::/64")},
			want:   []addresses.Coverage{coverage(addresses.Nodes, "2001:db8::7/128", "2001:db8::/64")},
		},
		"link-local addresses, but not the one of metadata that is best known": {
			blocks: []networkingv1.IPBlock{blockOf("169.254.0.0/16", "169.254.169.254/32")},
			want:   []addresses.Coverage{coverage(addresses.Metadata, "169.254.42.42/32", "169.254.0.0/16")},
		},
		"private addresses of IPv6": {
			blocks: []networkingv1.IPBlock{blockOf("fd00:ec2::/32", "fd00:ec2::254/128")},
			want:   []addresses.Coverage{coverage(addresses.Metadata, "fd00:ec2::23/128", "fd00:ec2::/32")},
		},
		"a block as it was declared": {
			blocks: []networkingv1.IPBlock{blockOf("10.1.0.7/16")},
			want:   []addresses.Coverage{coverage(addresses.Pods, "10.1.0.0/24", "10.1.0.7/16")},
		},
		"what is no block": {blocks: []networkingv1.IPBlock{blockOf(""), blockOf("x")}},
		"what is no exception": {
			blocks: []networkingv1.IPBlock{blockOf("10.1.0.0/24", "x")},
			want:   []addresses.Coverage{coverage(addresses.Pods, "10.1.0.0/24", "10.1.0.0/24")},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := addresses.Covered(c.blocks, cluster)
			if diff := cmp.Diff(c.want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTheInternetIsNotCovered: what Internet says is never what Covered finds, and without private ranges or with them.
func TestTheInternetIsNotCovered(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCluster(t)
		if got := addresses.Covered(addresses.Internet(c, rapid.Bool().Draw(t, "private")), c); len(got) > 0 {
			t.Fatalf("%+v", got)
		}
	})
}

// TestCoveredIsWhatAnyAddressIsIn asks for each of the 32 addresses that there are, and for those of metadata.
func TestCoveredIsWhatAnyAddressIsIn(t *testing.T) {
	t.Parallel()
	drawn := rapid.Custom(func(t *rapid.T) netip.Prefix {
		addr := netip.AddrFrom4([4]byte{198, 51, 100, rapid.ByteRange(0, 31).Draw(t, "host")})
		return netip.PrefixFrom(addr, rapid.IntRange(27, 32).Draw(t, "bits")).Masked()
	})
	rapid.Check(t, func(t *rapid.T) {
		c := addresses.Cluster{
			Pods:     rapid.SliceOfN(drawn, 0, 3).Draw(t, "pods"),
			Services: rapid.SliceOfN(drawn, 0, 3).Draw(t, "services"),
			Nodes:    rapid.SliceOfN(drawn, 0, 3).Draw(t, "nodes"),
		}
		blocks := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) networkingv1.IPBlock {
			cidr := drawn.Draw(t, "cidr").String()
			if rapid.IntRange(0, 4).Draw(t, "large") == 0 {
				cidr = rapid.SampledFrom([]string{"0.0.0.0/0", "168.0.0.0/7", "192.0.0.0/5", "::/0"}).Draw(t, "large cidr")
			}
			return blockOf(cidr, texts(rapid.SliceOfN(drawn, 0, 5).Draw(t, "except"))...)
		}), 0, 3).Draw(t, "blocks")
		metadata := make([]netip.Prefix, 0, len(servesMetadata))
		for _, text := range servesMetadata {
			addr := netip.MustParseAddr(text)
			metadata = append(metadata, netip.PrefixFrom(addr, addr.BitLen()))
		}
		want := slices.Concat(slowly(addresses.Pods, blocks, c.Pods), slowly(addresses.Services, blocks, c.Services),
			slowly(addresses.Nodes, blocks, c.Nodes), slowly(addresses.Metadata, blocks, metadata))
		if diff := cmp.Diff(want, addresses.Covered(blocks, c), cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// slowly finds the first range that a block has an address of by asking for each of its addresses.
func slowly(kind string, blocks []networkingv1.IPBlock, of []netip.Prefix) []addresses.Coverage {
	of = slices.Clone(of)
	slices.SortFunc(of, netip.Prefix.Compare)
	for _, p := range of {
		for _, b := range blocks {
			has := having([]networkingv1.IPBlock{b})
			for addr := p.Addr(); p.Contains(addr); addr = addr.Next() {
				if has(addr) {
					return []addresses.Coverage{{Kind: kind, Range: p, Block: b.CIDR}}
				}
			}
		}
	}
	return nil
}
