package addresses_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
)

func serves(protocol corev1.Protocol, number int32) discoveryv1.EndpointPort {
	return discoveryv1.EndpointPort{Protocol: &protocol, Port: &number}
}

func at(texts ...string) []discoveryv1.Endpoint {
	out := make([]discoveryv1.Endpoint, 0, len(texts))
	for _, text := range texts {
		out = append(out, discoveryv1.Endpoint{Addresses: []string{text}})
	}
	return out
}

func slice(kind discoveryv1.AddressType, endpoints []discoveryv1.Endpoint, ports ...discoveryv1.EndpointPort) discoveryv1.EndpointSlice {
	return discoveryv1.EndpointSlice{AddressType: kind, Endpoints: endpoints, Ports: ports}
}

func opens(protocol corev1.Protocol, number int32) networkingv1.NetworkPolicyPort {
	return networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: new(intstr.FromInt32(number))}
}

func blocksOf(cidrs ...string) []networkingv1.IPBlock {
	out := make([]networkingv1.IPBlock, 0, len(cidrs))
	for _, cidr := range cidrs {
		out = append(out, networkingv1.IPBlock{CIDR: cidr})
	}
	return out
}

func TestOfEndpointSlices(t *testing.T) {
	const v4, v6, names = discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6, discoveryv1.AddressTypeFQDN
	const tcp, udp = corev1.ProtocolTCP, corev1.ProtocolUDP
	unready := at("203.0.113.1")
	unready[0].Conditions = discoveryv1.EndpointConditions{Ready: new(false), Serving: new(false), Terminating: new(true)}
	cases := map[string]struct {
		slices []discoveryv1.EndpointSlice
		want   []addresses.Endpoints
	}{
		"none": {want: []addresses.Endpoints{}},
		"the API servers, of both families": {
			slices: []discoveryv1.EndpointSlice{
				slice(v6, at("2001:db8::1"), serves(tcp, 6443)), slice(v4, at("203.0.113.2", "203.0.113.1"), serves(tcp, 6443)),
			},
			want: []addresses.Endpoints{{
				Blocks: blocksOf("203.0.113.1/32", "203.0.113.2/32", "2001:db8::1/128"),
				Ports:  []networkingv1.NetworkPolicyPort{opens(tcp, 6443)},
			}},
		},
		"an address that is not ready": {
			slices: []discoveryv1.EndpointSlice{slice(v4, unready, serves(tcp, 6443))},
			want:   []addresses.Endpoints{{Blocks: blocksOf("203.0.113.1/32"), Ports: []networkingv1.NetworkPolicyPort{opens(tcp, 6443)}}},
		},
		"other ports elsewhere": {
			slices: []discoveryv1.EndpointSlice{
				slice(v4, at("203.0.113.2"), serves(tcp, 443)), slice(v4, at("203.0.113.1"), serves(tcp, 6443)),
				slice(v4, at("203.0.113.3"), serves(tcp, 443)),
			},
			want: []addresses.Endpoints{
				{Blocks: blocksOf("203.0.113.2/32", "203.0.113.3/32"), Ports: []networkingv1.NetworkPolicyPort{opens(tcp, 443)}},
				{Blocks: blocksOf("203.0.113.1/32"), Ports: []networkingv1.NetworkPolicyPort{opens(tcp, 6443)}},
			},
		},
		"ports in another order and under other names are the same": {
			slices: []discoveryv1.EndpointSlice{
				slice(v4, at("203.0.113.1"), serves(udp, 53), serves(tcp, 53), serves(tcp, 9153)),
				slice(v4, at("203.0.113.1"), serves(tcp, 9153), serves(tcp, 53), serves(tcp, 53), serves(udp, 53)),
			},
			want: []addresses.Endpoints{{
				Blocks: blocksOf("203.0.113.1/32"),
				Ports:  []networkingv1.NetworkPolicyPort{opens(tcp, 53), opens(tcp, 9153), opens(udp, 53)},
			}},
		},
		"no protocol is TCP": {
			slices: []discoveryv1.EndpointSlice{slice(v4, at("203.0.113.1"), discoveryv1.EndpointPort{Port: new(int32(443))})},
			want:   []addresses.Endpoints{{Blocks: blocksOf("203.0.113.1/32"), Ports: []networkingv1.NetworkPolicyPort{opens(tcp, 443)}}},
		},
		"a port without a number is closed, not everything open": {
			slices: []discoveryv1.EndpointSlice{
				slice(v4, at("203.0.113.1"), discoveryv1.EndpointPort{}), slice(v4, at("203.0.113.2")),
				slice(v4, at("203.0.113.3"), discoveryv1.EndpointPort{}, serves(tcp, 443)),
			},
			want: []addresses.Endpoints{{Blocks: blocksOf("203.0.113.3/32"), Ports: []networkingv1.NetworkPolicyPort{opens(tcp, 443)}}},
		},
		"numbers that are no port": {
			slices: []discoveryv1.EndpointSlice{
				slice(v4, at("203.0.113.1"), serves(tcp, 0), serves(tcp, 65536), serves(tcp, 1), serves(tcp, 65535)),
			},
			want: []addresses.Endpoints{{
				Blocks: blocksOf("203.0.113.1/32"), Ports: []networkingv1.NetworkPolicyPort{opens(tcp, 1), opens(tcp, 65535)},
			}},
		},
		"names have no address": {
			slices: []discoveryv1.EndpointSlice{slice(names, at("203.0.113.1", "api.example.org"), serves(tcp, 443))},
			want:   []addresses.Endpoints{},
		},
		"no address is nobody, not everyone": {
			slices: []discoveryv1.EndpointSlice{slice(v4, nil, serves(tcp, 443)), slice(v4, at("x"), serves(tcp, 443))},
			want:   []addresses.Endpoints{},
		},
		"all addresses of an endpoint": {
			slices: []discoveryv1.EndpointSlice{
				slice(v4, []discoveryv1.Endpoint{{Addresses: []string{"203.0.113.2", "203.0.113.1"}}}, serves(tcp, 443)),
			},
			want: []addresses.Endpoints{{
				Blocks: blocksOf("203.0.113.1/32", "203.0.113.2/32"), Ports: []networkingv1.NetworkPolicyPort{opens(tcp, 443)},
			}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := addresses.OfEndpointSlices(c.slices)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, e := range got {
				accepted(t, e.Blocks)
			}
		})
	}
}

// TestEndpointsOpenWhatSlicesServe draws slices and asks for every address and port that there is.
func TestEndpointsOpenWhatSlicesServe(t *testing.T) {
	t.Parallel()
	type flow struct {
		cidr string
		port int32
	}
	hosts := []string{"203.0.113.1", "203.0.113.2", "203.0.113.3"}
	drawn := rapid.Custom(func(t *rapid.T) discoveryv1.EndpointSlice {
		out := slice(discoveryv1.AddressTypeIPv4, at(rapid.SliceOfN(rapid.SampledFrom(hosts), 0, 3).Draw(t, "hosts")...))
		for _, number := range rapid.SliceOfN(rapid.Int32Range(1, 3), 0, 3).Draw(t, "ports") {
			out.Ports = append(out.Ports, serves(corev1.ProtocolTCP, number))
		}
		return out
	})
	rapid.Check(t, func(t *rapid.T) {
		slices := rapid.SliceOfN(drawn, 0, 4).Draw(t, "slices")
		want, got := map[flow]bool{}, map[flow]bool{}
		for _, s := range slices {
			for _, e := range s.Endpoints {
				for _, p := range s.Ports {
					want[flow{e.Addresses[0] + "/32", *p.Port}] = true
				}
			}
		}
		endpoints := addresses.OfEndpointSlices(slices)
		for _, e := range endpoints {
			if len(e.Blocks) == 0 || len(e.Ports) == 0 {
				t.Fatalf("everything is open: %+v", e)
			}
			for _, b := range e.Blocks {
				for _, p := range e.Ports {
					got[flow{b.CIDR, p.Port.IntVal}] = true
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		again := addresses.OfEndpointSlices(rapid.Permutation(slices).Draw(t, "in another order"))
		if diff := cmp.Diff(endpoints, again); diff != "" {
			t.Fatalf("(-as drawn +in another order):\n%s", diff)
		}
	})
}
