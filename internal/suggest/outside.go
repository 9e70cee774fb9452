package suggest

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
)

// maxPublic is how many public addresses are listed; of more of them, it is the internet.
const maxPublic = 16

// direction tells who calls.
type direction string

// Who calls: an address, or the tier.
const (
	calling direction = "callers"
	called  direction = "outside"
)

// crossing is where addresses meet a tier.
type crossing struct {
	of  side
	way direction
}

// crossingOf is where a flow meets addresses; not ok if none of its ends is one.
func (c *composer) crossingOf(f *seen) (at crossing, ip netip.Addr, ok bool) {
	switch {
	case isAddress(&f.to):
		return crossing{c.inCluster(&f.from), called}, f.to.ip, true
	case isAddress(&f.from):
		return crossing{c.inCluster(&f.to), calling}, f.from.ip, true
	default:
		return crossing{}, netip.Addr{}, false
	}
}

func isAddress(p *place) bool {
	return p.namespace == "" && !p.isAPIServer
}

// addressKey is an address at a crossing.
type addressKey struct {
	crossing

	ip netip.Addr
}

// groupAddresses makes peers of addresses: those that a tier calls, or is called by, on the same ports are one peer, so
// that none gets a port that was not seen. Coarsely, all that a tier calls are one.
func (c *composer) groupAddresses() {
	ports := map[addressKey]map[opening]bool{}
	for i := range c.seen {
		f := &c.seen[i]
		if at, ip, ok := c.crossingOf(f); ok {
			key := addressKey{at, ip}
			if ports[key] == nil {
				ports[key] = map[opening]bool{}
			}
			ports[key][opening{protocol: f.judged.Protocol, number: f.judged.Port}] = true
		}
	}
	type alike struct {
		crossing

		ports    string
		isPublic bool
	}
	groups := map[alike][]netip.Addr{}
	for key, of := range ports {
		same := alike{key.crossing, "", c.cluster.isPublic(key.ip)}
		if !c.coarse {
			same.ports = fmt.Sprint(slices.SortedFunc(maps.Keys(of), opening.compare))
		}
		groups[same] = append(groups[same], key.ip)
	}
	order := slices.SortedFunc(maps.Keys(groups), func(a, b alike) int {
		return cmp.Or(strings.Compare(a.of.tier, b.of.tier), cmp.Compare(a.way, b.way), strings.Compare(a.ports, b.ports))
	})
	for _, same := range order {
		ips := groups[same]
		slices.SortFunc(ips, netip.Addr.Compare)
		peer := c.addressPeer(same.crossing, ips, same.isPublic)
		for _, ip := range ips {
			c.byAddress[addressKey{same.crossing, ip}] = peer
		}
	}
}

func (c *composer) addressPeer(at crossing, ips []netip.Addr, isPublic bool) side {
	if isPublic && len(ips) > maxPublic {
		out := c.internet(v1alpha1.PrivateRangesExcluded)
		return out
	}
	var blocks []v1alpha1.CIDRBlock
	ranges := inRanges(ips, maxCIDRs)
	for _, p := range ranges {
		block := v1alpha1.CIDRBlock{CIDR: v1alpha1.CIDR(p.String())}
		// What is the cluster's own was not observed, and is not opened by widening.
		for _, own := range addresses.Inside(p, c.cluster.own, maxExcept, ips) {
			block.Except = append(block.Except, v1alpha1.CIDR(own.String()))
		}
		blocks = append(blocks, block)
	}
	key := fmt.Sprintf("addresses %v %v", at, blocks)
	o := outsider{peer: v1alpha1.Peer{CIDRs: blocks}, words: []string{at.of.tier, string(at.way)}}
	switch {
	case slices.ContainsFunc(ips, func(ip netip.Addr) bool { return contains(c.cluster.ranges.Nodes, ip) }):
		o.remarks = append(o.remarks, Remark{true, "addresses of nodes, which come and go; a node always reaches its own pods"})
	case len(ranges) < len(ips):
		o.remarks = append(o.remarks, Remark{
			true, fmt.Sprintf("%d addresses that were observed, widened to %d ranges", len(ips), len(ranges)),
		})
	default:
		o.remarks = append(o.remarks, Remark{true, "just the addresses that were observed; what is behind a name changes its addresses"})
	}
	c.outsiders[key] = o
	return side{peer: key}
}

// inRanges are ranges of addresses that are sorted, not more than some: the addresses as they are, if that is few enough.
func inRanges(ips []netip.Addr, most int) []netip.Prefix {
	const step = 4
	for wider := 0; ; wider += step {
		var out []netip.Prefix
		for _, ip := range ips {
			p, err := ip.Prefix(max(ip.BitLen()-wider, 1))
			// The addresses are sorted, so those of a range are neighbours.
			if err == nil && (len(out) == 0 || out[len(out)-1] != p) {
				out = append(out, p)
			}
		}
		if len(out) <= most {
			return out
		}
	}
}
