package reach_test

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// drawnCluster is a cluster whose policies have all that policies may have: blocks of both
// families, and named ports.
type drawnCluster struct {
	spaces   []reach.Namespace
	policies []*networkingv1.NetworkPolicy
}

func (d drawnCluster) make(t *rapid.T) *reach.Cluster {
	out, err := reach.New(d.spaces, d.policies)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func drawCluster(t *rapid.T) drawnCluster {
	out := drawnCluster{
		spaces: []reach.Namespace{
			member("web-1", rapid.SampledFrom([]string{"web", "api"}).Draw(t, "tier")), member("web-2", "web"), member("api-1", "api"),
			{Name: "other", Labels: map[string]string{"team": rapid.SampledFrom([]string{"x", "y"}).Draw(t, "team")}},
		},
		policies: rapid.SliceOfN(rapid.Custom(drawPolicy), 0, 5).Draw(t, "policies"),
	}
	for _, p := range out.policies {
		for i := range p.Spec.Ingress {
			p.Spec.Ingress[i].From = drawBlock(t, p.Spec.Ingress[i].From)
			p.Spec.Ingress[i].Ports = drawNames(t, p.Spec.Ingress[i].Ports)
		}
		for i := range p.Spec.Egress {
			p.Spec.Egress[i].To = drawBlock(t, p.Spec.Egress[i].To)
			p.Spec.Egress[i].Ports = drawNames(t, p.Spec.Egress[i].Ports)
		}
	}
	return out
}

func drawBlock(t *rapid.T, peers []networkingv1.NetworkPolicyPeer) []networkingv1.NetworkPolicyPeer {
	block := rapid.SampledFrom([]*networkingv1.IPBlock{
		nil,
		{CIDR: "10.0.0.0/8"},
		{CIDR: "10.1.0.0/16", Except: []string{"10.1.1.0/24"}},
		{CIDR: "0.0.0.0/0"},
		{CIDR: "fd00::/8", Except: []string{"fd00:1::/32"}},
		{CIDR: "::ffff:10.0.0.0/104"},
	}).Draw(t, "block")
	if block == nil {
		return peers
	}
	return append(peers, networkingv1.NetworkPolicyPeer{IPBlock: block})
}

func drawNames(t *rapid.T, ports []networkingv1.NetworkPolicyPort) []networkingv1.NetworkPolicyPort {
	return append(ports, rapid.SliceOfN(rapid.SampledFrom([]networkingv1.NetworkPolicyPort{
		{Port: new(intstr.FromString("http"))},
		{Port: new(intstr.FromString("admin"))},
		{Port: new(intstr.FromString("admin")), Protocol: new(corev1.ProtocolUDP)},
		{Protocol: new(corev1.ProtocolSCTP), Port: new(intstr.FromInt32(80))},
	}), 0, 2).Draw(t, "names")...)
}

// enumerated are pods of every combination of a few labels, with addresses in and around the
// blocks, and addresses outside.
func enumerated() []reach.Endpoint {
	var out []reach.Endpoint
	for i, group := range []string{"web-1", "web-2", "api-1", "other"} {
		for _, p := range everyPod(reach.Group{Namespaces: []string{group}}) {
			ip := []string{"10.0.0.1", "10.1.0.1", "10.1.1.1", "fd00:2::1", "fd00:1::1", "192.0.2.1", "2001:db8::1"}[(i*5+len(out))%7]
			p.IPs = addresses(ip)
			out = append(out, reach.Endpoint{Pod: p})
		}
	}
	for _, ip := range []string{"9.255.255.255", "10.0.0.0", "10.1.0.0", "10.1.1.0", "10.1.1.255", "10.1.2.0", "11.0.0.0", "fc00::", "fd00:1::", "fd00:2::"} {
		out = append(out, outside(ip))
	}
	return out
}

// namings are the ways in which a called pod names a port.
func namings(protocol corev1.Protocol, number int32) [][]reach.NamedPort {
	http := reach.NamedPort{Name: "http", Protocol: protocol, Number: number}
	admin := reach.NamedPort{Name: "admin", Protocol: protocol, Number: number}
	return [][]reach.NamedPort{
		nil,
		{http},
		{admin},
		{http, admin},
		{{Name: "unheard-of", Protocol: protocol, Number: number}, admin},
		{{Name: "http", Protocol: protocol, Number: number + 1}},
	}
}

// withPorts is an end whose pod has named ports.
func withPorts(e reach.Endpoint, ports []reach.NamedPort) reach.Endpoint {
	if e.Pod == nil {
		return e
	}
	named := *e.Pod
	named.Ports = ports
	return reach.Endpoint{Pod: &named, IP: e.IP}
}
