package api

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// factsFor are those of a cluster that has whatever a profile asks for.
func factsFor(p *plan.Plan) *plan.Facts {
	facts := &plan.Facts{
		DNS: map[types.NamespacedName]plan.Service{},
		APIServer: []addresses.Endpoints{{
			Blocks: []networkingv1.IPBlock{{CIDR: "192.0.2.10/32"}, {CIDR: "2001:db8::10/128"}},
			Ports:  []networkingv1.NetworkPolicyPort{{Protocol: new(corev1.ProtocolTCP), Port: new(intstr.FromInt32(6443))}},
		}},
		APIServerService: service(),
		Addresses: addresses.Cluster{
			Pods:     []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16"), netip.MustParsePrefix("fd00:244::/56")},
			Services: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/12")},
			Nodes:    []netip.Prefix{netip.MustParsePrefix("192.0.2.10/32")},
		},
		Called:               map[plan.Called][]plan.Variant{},
		Others:               map[string]*plan.Plan{},
		GoByServiceAddresses: true,
	}
	if p.DNS != nil && p.DNS.Service != "" {
		facts.DNS[types.NamespacedName{Namespace: p.DNS.Namespace, Name: p.DNS.Service}] = service()
	}
	for _, called := range p.Calls() {
		facts.Called[called] = []plan.Variant{{Service: service(), Namespaces: []string{"default", "other"}}}
	}
	for i := range p.Tiers {
		for j := range p.Tiers[i].Declared {
			if other := p.Tiers[i].Declared[j].Remote.Profile; other != "" {
				facts.Others[other] = nil // It cannot be read: then paths to it stay as they were.
			}
		}
	}
	return facts
}

// own are the Services of a namespace that has whatever a profile asks for.
func own(p *plan.Plan) map[string]plan.Service {
	services := map[string]plan.Service{}
	for _, called := range p.Calls() {
		services[called.Service] = service()
	}
	return services
}

// service has all kinds of ports, of both families, and the one of DNS.
func service() plan.Service {
	return plan.Service{
		Pods: map[string]string{"app": "front"},
		Ports: []plan.ServicePort{
			{Name: "dns", Protocol: corev1.ProtocolUDP, Port: 53, Target: intstr.FromInt32(5353)},
			{Name: "dns-tcp", Protocol: corev1.ProtocolTCP, Port: 53, Target: intstr.FromString("dns-tcp")},
			{Name: "http", Protocol: corev1.ProtocolTCP, Port: 80, Target: intstr.FromInt32(8080)},
			{Name: "sig", Protocol: corev1.ProtocolSCTP, Port: 9999, Target: intstr.FromInt32(9999)},
		},
		Addresses: []netip.Addr{netip.MustParseAddr("10.96.0.10"), netip.MustParseAddr("fd00:96::10")},
	}
}

// leftOut are the findings about what a plan could not open.
func leftOut(findings []plan.Finding) []plan.Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f plan.Finding) bool {
		// Ports may be drawn that the Service does not have.
		return f.Reason == segv1alpha1.ReasonCoversCluster || f.Reason == segv1alpha1.ReasonServicePortMissing
	})
}
