package addresses

import (
	"cmp"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Endpoints are addresses and the ports that each of them serves.
type Endpoints struct {
	// Blocks are the addresses, each a range of its own. There is at least one: no peer at all would be everyone.
	Blocks []networkingv1.IPBlock
	// Ports are the ports. There is at least one: no port at all would be all of them.
	Ports []networkingv1.NetworkPolicyPort
}

// OfEndpointSlices is what is behind a Service, by its EndpointSlices: addresses that serve the same ports are together,
// all is sorted, and each is there once. Addresses count whether they are ready or not, since that changes from one
// moment to the next. What a policy cannot say is left out, and stays closed: names instead of addresses (address type
// FQDN), and ports without a number, which are all ports (KEP-752: a slice that is not of a Service may have them). So
// are numbers that are no port, which the API server takes in an EndpointSlice and not in a policy.
func OfEndpointSlices(all []discoveryv1.EndpointSlice) []Endpoints {
	var groups []group
	for i := range all {
		if t := all[i].AddressType; t != discoveryv1.AddressTypeIPv4 && t != discoveryv1.AddressTypeIPv6 {
			continue
		}
		ports, ranges := portsOf(all[i].Ports), rangesOf(all[i].Endpoints)
		if len(ports) == 0 || len(ranges) == 0 {
			continue
		}
		same := slices.IndexFunc(groups, func(g group) bool { return slices.Equal(g.ports, ports) })
		if same < 0 {
			same = len(groups)
			groups = append(groups, group{ports: ports})
		}
		groups[same].ranges = append(groups[same].ranges, ranges...)
	}
	slices.SortFunc(groups, func(a, b group) int { return slices.CompareFunc(a.ports, b.ports, port.compare) })
	out := make([]Endpoints, 0, len(groups))
	for _, g := range groups {
		out = append(out, g.endpoints())
	}
	return out
}

// group is ranges that serve the same ports.
type group struct {
	ports  []port
	ranges []netip.Prefix
}

func (g group) endpoints() Endpoints {
	var out Endpoints
	for _, p := range sorted(g.ranges) {
		out.Blocks = append(out.Blocks, networkingv1.IPBlock{CIDR: p.String()})
	}
	for _, p := range g.ports {
		out.Ports = append(out.Ports, networkingv1.NetworkPolicyPort{
			Protocol: new(p.protocol), Port: new(intstr.FromInt32(p.number)),
		})
	}
	return out
}

type port struct {
	protocol corev1.Protocol
	number   int32
}

func (p port) compare(other port) int {
	return cmp.Or(cmp.Compare(p.protocol, other.protocol), cmp.Compare(p.number, other.number))
}

// portsOf are the ports of a slice, sorted, each once.
func portsOf(declared []discoveryv1.EndpointPort) []port {
	var out []port
	for _, d := range declared {
		if d.Port == nil || *d.Port < 1 || *d.Port > 65535 {
			continue
		}
		p := port{protocol: corev1.ProtocolTCP, number: *d.Port}
		if d.Protocol != nil {
			p.protocol = *d.Protocol
		}
		out = append(out, p)
	}
	slices.SortFunc(out, port.compare)
	return slices.Compact(out)
}

func rangesOf(endpoints []discoveryv1.Endpoint) []netip.Prefix {
	var out []netip.Prefix
	for i := range endpoints {
		for _, text := range endpoints[i].Addresses {
			if p, ok := parseAddress(text); ok {
				out = append(out, p)
			}
		}
	}
	return out
}
