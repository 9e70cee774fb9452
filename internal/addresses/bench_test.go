package addresses_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
)

// manyNodes are nodes of both families, with pods and an address in private ranges, and one address of each family on the
// internet if they are public.
func manyNodes(n int, public bool) []corev1.Node {
	random := rand.New(rand.NewPCG(1, 1))
	out := make([]corev1.Node, 0, n)
	for i := range n {
		at := []corev1.NodeAddress{
			internal(fmt.Sprintf("172.16.%d.%d", i/256, i%256)), internal(fmt.Sprintf("fd00:2::%x", i)),
		}
		if public {
			var v4 [4]byte
			binary.BigEndian.PutUint32(v4[:], random.Uint32())
			at = append(at, external(netip.AddrFrom4(v4).String()), external(fmt.Sprintf("2600:1f14:%x:%x::1", i%7, random.Uint32()>>16)))
		}
		out = append(out, node([]string{fmt.Sprintf("10.%d.%d.0/24", i/256, i%256), fmt.Sprintf("fd00:1:%x::/64", i)}, "", at...))
	}
	return out
}

func BenchmarkOfNodes5000(b *testing.B) {
	nodes := manyNodes(5000, true)
	b.ReportAllocs()
	for b.Loop() {
		if pods, _ := addresses.OfNodes(nodes); len(pods) != 10_000 {
			b.Fatal(len(pods))
		}
	}
}

func BenchmarkInternet5000(b *testing.B) {
	cases := []struct {
		name            string
		public, private bool
	}{
		{name: "PrivateNodes"},
		{name: "PrivateNodesAndPrivateToo", private: true},
		{name: "PublicNodes", public: true},
		{name: "PublicNodesAndPrivateToo", public: true, private: true},
	}
	for _, c := range cases {
		var cluster addresses.Cluster
		cluster.Pods, cluster.Nodes = addresses.OfNodes(manyNodes(5000, c.public))
		cluster.Services = ranges("10.96.0.0/12", "fd00:3::/112")
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := addresses.Internet(cluster, c.private); len(got) != 2 {
					b.Fatal(len(got))
				}
			}
		})
	}
}

func BenchmarkCovered5000(b *testing.B) {
	var cluster addresses.Cluster
	cluster.Pods, cluster.Nodes = addresses.OfNodes(manyNodes(5000, true))
	blocks := make([]networkingv1.IPBlock, 0, 100)
	for i := range 100 {
		blocks = append(blocks, blockOf(fmt.Sprintf("198.51.100.%d/32", i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		if got := addresses.Covered(blocks, cluster); len(got) > 0 {
			b.Fatal(got)
		}
	}
}
