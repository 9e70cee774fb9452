package plan_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// saying writes rules in short, such as "out d 192.0.2.0/24 TCP/80".
func saying(rules []plan.Rule) []string {
	out := make([]string, 0, len(rules))
	for i := range rules {
		r := &rules[i]
		words := []string{"in", r.Dependency}
		if r.Direction == networkingv1.PolicyTypeEgress {
			words[0] = "out"
		}
		words = append(words, partyWords(&r.Remote)...)
		for _, p := range r.Ports {
			port := string(*p.Protocol)
			if p.Port != nil {
				port += "/" + p.Port.String()
			}
			words = append(words, port)
		}
		if r.Service != "" {
			words = append(words, "of own Service", r.Service)
		}
		if r.Pods != nil {
			words = append(words, "of own pods", metav1.FormatLabelSelector(r.Pods))
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

func partyWords(p *plan.Party) []string {
	var words []string
	if p.Tier != "" {
		words = append(words, "tier", strings.TrimPrefix(p.Profile+"/", "/")+p.Tier)
	}
	if p.AllTiers {
		words = append(words, "all tiers")
	}
	if p.Namespaces != nil {
		words = append(words, "namespaces", strings.Join(p.Namespaces.Names, ","))
	}
	for _, block := range p.CIDRs {
		words = append(words, block.CIDR)
	}
	if p.Pods != nil {
		words = append(words, "pods", metav1.FormatLabelSelector(p.Pods))
	}
	return words
}

// found writes findings in short.
func found(findings []plan.Finding) []string {
	out := make([]string, 0, len(findings))
	for _, f := range findings {
		out = append(out, strings.TrimSpace(f.Reason+" "+f.Namespace)+": "+f.Message)
	}
	return out
}

// checkResolved resolves a profile, and looks at one tier and at what is found.
func checkResolved(t *testing.T, p *builders.ProfileBuilder, tier string, facts *plan.Facts, rules, findings []string) {
	t.Helper()
	got := compiled(t, p.NoDNS()).Resolve(facts)
	if diff := cmp.Diff(rules, saying(got.Plan.Tier(tier).Rules), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(findings, found(got.Findings), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestDNSIsLookedUp(t *testing.T) {
	t.Parallel()
	dns := plan.ServiceOf(&corev1.Service{Spec: corev1.ServiceSpec{
		Selector: map[string]string{"dns": "default"}, ClusterIPs: []string{"fd00::a", "10.96.0.10"},
		Ports: []corev1.ServicePort{
			{Name: "dns", Protocol: corev1.ProtocolUDP, Port: 53, TargetPort: intstr.FromString("dns")},
			{Name: "metrics", Port: 9154, TargetPort: intstr.FromInt32(9154)},
		},
	}})
	withoutPort := dns
	withoutPort.Ports = dns.Ports[1:]
	name := types.NamespacedName{Namespace: "kube-system", Name: "kube-dns"}
	at := func(s plan.Service) *plan.Facts {
		return &plan.Facts{DNS: map[types.NamespacedName]plan.Service{name: s}}
	}
	byAddress := at(dns)
	byAddress.GoByServiceAddresses = true
	local := v1alpha1.DNS{NodeLocal: []v1alpha1.IPAddress{"169.254.20.10", "10.96.0.10", "10.96.0.10"}}
	localBlocks := []networkingv1.IPBlock{{CIDR: "10.96.0.10/32"}, {CIDR: "169.254.20.10/32"}}
	open := plan.DNS{
		Namespace: "kube-system", Service: "kube-dns", Pods: metav1.LabelSelector{MatchLabels: map[string]string{"dns": "default"}},
		Ports: []networkingv1.NetworkPolicyPort{{Protocol: new(corev1.ProtocolUDP), Port: new(intstr.FromString("dns"))}},
	}
	shut := plan.DNS{Namespace: "kube-system", Service: "kube-dns"}
	with := func(d plan.DNS, nodeLocal, all []networkingv1.IPBlock) *plan.DNS {
		d.NodeLocal, d.Addresses = nodeLocal, all
		return &d
	}
	const advice = "; names cannot be resolved: give the Service or the pods of the cluster's DNS in spec.dns"
	tests := map[string]struct {
		declared v1alpha1.DNS
		facts    *plan.Facts
		want     *plan.DNS
		found    string
	}{
		"its pods, on the target ports of port 53 alone": {v1alpha1.DNS{}, at(dns), &open, ""},
		"beside a cache on the nodes":                    {local, at(dns), with(open, localBlocks, localBlocks), ""},
		"at its addresses too, where the network plugin goes by them": {
			local, byAddress,
			with(open, localBlocks, []networkingv1.IPBlock{{CIDR: "10.96.0.10/32"}, {CIDR: "169.254.20.10/32"}, {CIDR: "fd00::a/128"}}), "",
		},
		"it is not there, but the cache on the nodes is": {
			local, &plan.Facts{}, with(shut, localBlocks, localBlocks), "the DNS Service kube-system/kube-dns is not there" + advice,
		},
		"it stands for no pods": {
			v1alpha1.DNS{},
			at(plan.Service{Problem: plan.NoSelector, Ports: dns.Ports}), &shut,
			"the DNS Service kube-system/kube-dns has no selector, and stands for no pods" + advice,
		},
		"it is another name for a host": {
			v1alpha1.DNS{},
			at(plan.Service{Problem: plan.ExternalName}), &shut,
			"the DNS Service kube-system/kube-dns is of type ExternalName, and stands for no pods" + advice,
		},
		"it has no port 53": {v1alpha1.DNS{}, at(withoutPort), &shut, "the DNS Service kube-system/kube-dns has no port 53" + advice},
		"where a profile says which pods it is, nothing is looked up": {
			v1alpha1.DNS{Namespace: "dns", Pods: builders.LabelSelector(nil)}, &plan.Facts{}, &plan.DNS{Namespace: "dns", Ports: plan.DNSPorts()}, "",
		},
		"nor where there is none": {v1alpha1.DNS{Mode: v1alpha1.DNSModeNone}, &plan.Facts{}, nil, ""},
	}
	for title, tc := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			got := compiled(t, shop().DNS(tc.declared)).Resolve(tc.facts)
			if diff := cmp.Diff(tc.want, got.Plan.DNS); diff != "" {
				t.Errorf("DNS (-want +got):\n%s", diff)
			}
			var want []string
			if tc.found != "" {
				want = []string{"DNSMissing kube-system: " + tc.found}
			}
			if diff := cmp.Diff(want, found(got.Findings), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// apiServers are the facts of a cluster with two API servers and a Service in front of them.
func apiServers() *plan.Facts {
	return &plan.Facts{
		APIServer: []addresses.Endpoints{
			{Blocks: []networkingv1.IPBlock{{CIDR: "192.0.2.1/32"}, {CIDR: "192.0.2.2/32"}}, Ports: on(6443, corev1.ProtocolTCP)},
			{Blocks: []networkingv1.IPBlock{{CIDR: "2001:db8::1/128"}}, Ports: on(443, corev1.ProtocolTCP)},
		},
		APIServerService: plan.ServiceOf(&corev1.Service{Spec: corev1.ServiceSpec{
			ClusterIPs: []string{"10.96.0.1"}, Ports: []corev1.ServicePort{{Name: "https", Port: 443, TargetPort: intstr.FromInt32(6443)}},
		}}),
	}
}

func TestTheAPIServerIsLookedUp(t *testing.T) {
	t.Parallel()
	peer := builders.MakePeer("k8s").APIServer().Obj()
	called := func() *builders.ProfileBuilder {
		return shop().Peer(peer).Dependency(builders.MakeDependency("d").FromTier("web").ToPeer("k8s").Obj())
	}
	calls := shop().Peer(peer).Dependency(builders.MakeDependency("d").FromPeer("k8s").ToTier("web").Port(443).Obj())
	unknown := []string{"APIServerUnknown: peer k8s: no addresses are known behind the Service kubernetes in namespace default; " +
		"dependencies with it open nothing"}
	byAddress := apiServers()
	byAddress.GoByServiceAddresses = true
	tests := map[string]struct {
		profile      *builders.ProfileBuilder
		facts        *plan.Facts
		rules, found []string
	}{
		"called, it has its own ports": {
			called(), apiServers(), []string{"out d 192.0.2.1/32 192.0.2.2/32 TCP/6443", "out d 2001:db8::1/128 TCP/443"}, nil,
		},
		"called, where the network plugin goes by addresses of Services": {
			called(), byAddress, []string{
				"out d 192.0.2.1/32 192.0.2.2/32 TCP/6443", "out d 2001:db8::1/128 TCP/443", "out d 10.96.0.1/32 TCP/443",
			}, nil,
		},
		"calling, the ports are those of who is called": {
			calls, byAddress, []string{"in d 192.0.2.1/32 192.0.2.2/32 TCP/443", "in d 2001:db8::1/128 TCP/443"}, nil,
		},
		"called, and not known":  {called(), &plan.Facts{}, nil, unknown},
		"calling, and not known": {calls, &plan.Facts{}, nil, unknown},
		"of two dependencies it is found once": {
			called().Dependency(builders.MakeDependency("e").FromTier("api").ToPeer("k8s").Obj()), &plan.Facts{}, nil, unknown,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkResolved(t, tc.profile, "web", tc.facts, tc.rules, tc.found)
		})
	}
}

func TestTheInternetIsAllButTheCluster(t *testing.T) {
	t.Parallel()
	facts := &plan.Facts{Addresses: addresses.Cluster{
		Pods: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, Nodes: []netip.Prefix{netip.MustParsePrefix("203.0.112.7/32")},
	}}
	for name, private := range map[string]bool{"without private ranges": false, "with private ranges": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := builders.MakePeer("world").Internet(v1alpha1.PrivateRangesExcluded)
			if private {
				peer.Internet(v1alpha1.PrivateRangesIncluded)
			}
			got := compiled(t, shop().NoDNS().Peer(peer.Obj()).
				Dependency(builders.MakeDependency("d").FromTier("web").ToPeer("world").Port(443).Obj())).Resolve(facts)
			want := []plan.Rule{{
				Dependency: "d", Direction: networkingv1.PolicyTypeEgress, Ports: on(443, corev1.ProtocolTCP),
				Remote: plan.Party{Peer: "world", CIDRs: addresses.Internet(facts.Addresses, private)},
			}}
			if diff := cmp.Diff(want, got.Plan.Tier("web").Rules); diff != "" || len(got.Findings) > 0 {
				t.Errorf("found %v, rules (-want +got):\n%s", got.Findings, diff)
			}
		})
	}
}

// A list of no addresses would be everybody in a NetworkPolicy.
func TestNothingIsLeftOfTheInternetIfAllOfItIsTheCluster(t *testing.T) {
	t.Parallel()
	facts := &plan.Facts{Addresses: addresses.Cluster{Pods: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}}
	checkResolved(t, shop().Peer(builders.MakePeer("world").Internet("").Obj()).
		Dependency(builders.MakeDependency("d").FromPeer("world").ToTier("web").Obj()), "web", facts, nil, nil)
}

func TestAddressesOfTheClusterAreFound(t *testing.T) {
	t.Parallel()
	facts := &plan.Facts{Addresses: addresses.Cluster{
		Pods: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, Services: []netip.Prefix{netip.MustParsePrefix("10.2.0.0/16")},
	}}
	covers := func(peer, block, what string) string {
		return fmt.Sprintf("CoversCluster: peer %s: %s covers %s; most network plugins match them by address: "+
			"add it to except, or use a peer with namespaces, apiServer or internet", peer, block, what)
	}
	checkResolved(t, shop().
		Peer(builders.MakePeer("all").CIDR("10.0.0.0/8").Obj(), builders.MakePeer("some").CIDR("10.0.0.0/8", "10.1.0.0/16").Obj(),
			builders.MakePeer("none").CIDR("192.0.2.0/24").Obj()).
		Dependency(
			builders.MakeDependency("a").FromTier("web").ToPeer("all").Obj(), builders.MakeDependency("b").FromPeer("all").ToTier("web").Obj(),
			builders.MakeDependency("c").FromTier("web").ToPeer("some").Obj(), builders.MakeDependency("e").FromTier("web").ToPeer("none").Obj(),
		), "web", facts,
		[]string{"out a 10.0.0.0/8", "in b 10.0.0.0/8", "out c 10.0.0.0/8", "out e 192.0.2.0/24"},
		[]string{
			covers("all", "10.0.0.0/8", "10.1.0.0/16, addresses of pods"), covers("all", "10.0.0.0/8", "10.2.0.0/16, addresses of services"),
			covers("some", "10.0.0.0/8", "10.2.0.0/16, addresses of services"),
		})
}
