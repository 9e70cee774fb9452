package addresses_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
)

func node(podCIDRs []string, podCIDR string, of ...corev1.NodeAddress) corev1.Node {
	return corev1.Node{
		Spec:   corev1.NodeSpec{PodCIDRs: podCIDRs, PodCIDR: podCIDR},
		Status: corev1.NodeStatus{Addresses: of},
	}
}

func internal(text string) corev1.NodeAddress {
	return corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: text}
}

func external(text string) corev1.NodeAddress {
	return corev1.NodeAddress{Type: corev1.NodeExternalIP, Address: text}
}

func TestOfNodes(t *testing.T) {
	cases := map[string]struct {
		nodes           []corev1.Node
		pods, addresses []string
	}{
		"no node":                  {},
		"one that has nothing yet": {nodes: []corev1.Node{{}}},
		"both families, and both addresses": {
			nodes: []corev1.Node{node([]string{"10.1.0.0/24", "fd00:1::/64"}, "10.1.0.0/24",
				internal("192.168.0.1"), internal("fd00::1"), external("203.0.113.1"))},
			pods:      []string{"10.1.0.0/24", "fd00:1::/64"},
			addresses: []string{"192.168.0.1/32", "203.0.113.1/32", "fd00::1/128"},
		},
		"only the older field": {nodes: []corev1.Node{node(nil, "10.1.0.0/24")}, pods: []string{"10.1.0.0/24"}},
		"names are no addresses": {
			nodes: []corev1.Node{node(nil, "",
				corev1.NodeAddress{Type: corev1.NodeHostName, Address: "203.0.113.9"},
				corev1.NodeAddress{Type: corev1.NodeInternalDNS, Address: "203.0.113.9"},
				corev1.NodeAddress{Type: corev1.NodeExternalDNS, Address: "203.0.113.9"})},
		},
		"sorted, and each once": {
			nodes: []corev1.Node{
				node([]string{"fd00:1::/64", "10.2.0.0/24"}, "", internal("192.168.0.2")),
				node([]string{"10.1.0.0/24"}, "", internal("192.168.0.1"), external("192.168.0.2")),
			},
			pods:      []string{"10.1.0.0/24", "10.2.0.0/24", "fd00:1::/64"},
			addresses: []string{"192.168.0.1/32", "192.168.0.2/32"},
		},
		"as the API server once took them: host bits, leading zeros, IPv4 in IPv6": {
			nodes: []corev1.Node{node([]string{"10.1.0.7/24", "010.002.000.000/24", "::ffff:10.3.0.0/120"}, "",
				internal("192.168.000.001"), internal("::ffff:192.168.0.2"), internal("fe80::1%eth0"))},
			pods:      []string{"10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24"},
			addresses: []string{"192.168.0.1/32", "192.168.0.2/32", "fe80::1/128"},
		},
		"what cannot be parsed is left out, and nothing else": {
			nodes: []corev1.Node{node([]string{"", "10.1.0.0", "10.1.0.0/33", "x/8", "10.2.0.0/24"}, "10.3.0.0/x",
				internal(""), internal("node-1"), internal("192.168.0.1/32"), internal("192.168.0.2"))},
			pods:      []string{"10.2.0.0/24"},
			addresses: []string{"192.168.0.2/32"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			pods, nodes := addresses.OfNodes(c.nodes)
			if diff := cmp.Diff(c.pods, texts(pods), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("pods (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.addresses, texts(nodes), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOfServiceCIDRs(t *testing.T) {
	of := func(texts ...string) networkingv1.ServiceCIDR {
		return networkingv1.ServiceCIDR{Spec: networkingv1.ServiceCIDRSpec{CIDRs: texts}}
	}
	cases := map[string]struct {
		cidrs []networkingv1.ServiceCIDR
		want  []string
	}{
		"none": {},
		"sorted, and each once": {
			cidrs: []networkingv1.ServiceCIDR{of("fd00::/112", "10.97.0.0/16"), of("10.96.0.0/16"), of("10.97.0.0/16")},
			want:  []string{"10.96.0.0/16", "10.97.0.0/16", "fd00::/112"},
		},
		"what cannot be parsed is left out": {
			cidrs: []networkingv1.ServiceCIDR{of("x", "10.96.0.0/16")}, want: []string{"10.96.0.0/16"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, texts(addresses.OfServiceCIDRs(c.cidrs)), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
