package plan_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

var byAddressText = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func manyLabels(n int) map[string]string {
	out := map[string]string{}
	for i := range n {
		out[strings.Repeat("a", i+1)] = "a"
	}
	return out
}

func TestServiceOf(t *testing.T) {
	t.Parallel()
	http := corev1.ServicePort{Port: 80}
	tests := map[string]struct {
		spec corev1.ServiceSpec
		want plan.Service
	}{
		"protocol and target port have their defaults": {
			corev1.ServiceSpec{Selector: map[string]string{"app": "a"}, Ports: []corev1.ServicePort{http}},
			plan.Service{Pods: map[string]string{"app": "a"}, Ports: []plan.ServicePort{
				{Protocol: corev1.ProtocolTCP, Port: 80, Target: intstr.FromInt32(80)},
			}},
		},
		"an empty name is no target port": {
			corev1.ServiceSpec{Selector: map[string]string{"app": "a"}, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromString("")}}},
			plan.Service{Pods: map[string]string{"app": "a"}, Ports: []plan.ServicePort{
				{Protocol: corev1.ProtocolTCP, Port: 80, Target: intstr.FromInt32(80)},
			}},
		},
		"ports in order, with target ports by number and by name": {
			corev1.ServiceSpec{Selector: map[string]string{"app": "a"}, Ports: []corev1.ServicePort{
				{Name: "web", Port: 443, TargetPort: intstr.FromString("https")},
				{Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP, TargetPort: intstr.FromInt32(5353)},
				{Name: "dns-tcp", Port: 53, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(5353)},
			}},
			plan.Service{Pods: map[string]string{"app": "a"}, Ports: []plan.ServicePort{
				{Name: "dns-tcp", Protocol: corev1.ProtocolTCP, Port: 53, Target: intstr.FromInt32(5353)},
				{Name: "dns", Protocol: corev1.ProtocolUDP, Port: 53, Target: intstr.FromInt32(5353)},
				{Name: "web", Protocol: corev1.ProtocolTCP, Port: 443, Target: intstr.FromString("https")},
			}},
		},
		"addresses of both families": {
			corev1.ServiceSpec{Selector: map[string]string{"app": "a"}, ClusterIPs: []string{"fd00::1", "10.96.0.7"}},
			plan.Service{Pods: map[string]string{"app": "a"}, Addresses: []netip.Addr{netip.MustParseAddr("fd00::1"), netip.MustParseAddr("10.96.0.7")}},
		},
		"a headless Service has no address": {
			corev1.ServiceSpec{Selector: map[string]string{"app": "a"}, ClusterIPs: []string{"None"}},
			plan.Service{Pods: map[string]string{"app": "a"}},
		},
		"another name for a host stands for no pods, whatever it selects": {
			corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, Selector: map[string]string{"app": "a"}, Ports: []corev1.ServicePort{http}},
			plan.Service{Problem: plan.ExternalName},
		},
		"one of very many ports stands for none, whatever it selects": {
			corev1.ServiceSpec{Selector: map[string]string{"app": "a"}, Ports: make([]corev1.ServicePort, plan.MaxServicePorts+1)},
			plan.Service{Problem: plan.TooLarge},
		},
		"one of very many labels stands for none, too": {
			corev1.ServiceSpec{Selector: manyLabels(plan.MaxServiceLabels + 1), Ports: []corev1.ServicePort{http}},
			plan.Service{Problem: plan.TooLarge},
		},
		"one without selector does not stand for every pod": {
			corev1.ServiceSpec{Selector: map[string]string{}, ClusterIPs: []string{"10.96.0.1"}, Ports: []corev1.ServicePort{http}},
			plan.Service{
				Problem: plan.NoSelector, Addresses: []netip.Addr{netip.MustParseAddr("10.96.0.1")},
				Ports: []plan.ServicePort{{Protocol: corev1.ProtocolTCP, Port: 80, Target: intstr.FromInt32(80)}},
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := &corev1.Service{Spec: tc.spec}
			got := plan.ServiceOf(service)
			if diff := cmp.Diff(tc.want, got, byAddressText); diff != "" {
				t.Errorf("service (-want +got):\n%s", diff)
			}
			clear(service.Spec.Selector)
			if diff := cmp.Diff(tc.want, got, byAddressText); diff != "" {
				t.Errorf("it has the selector of the object (-want +got):\n%s", diff)
			}
		})
	}
}

func TestServicesWithOneKeyBecomeTheSameRules(t *testing.T) {
	t.Parallel()
	front := serviceAt("10.96.0.7", "front", 8080)
	another := serviceAt("10.96.0.8", "front", 8080)
	if front.Key() != another.Key() {
		t.Error("an address makes another key")
	}
	for name, other := range map[string]plan.Service{
		"other pods":     serviceAt("10.96.0.7", "back", 8080),
		"another port":   serviceAt("10.96.0.7", "front", 8081),
		"no pods at all": {Problem: plan.NoSelector, Ports: front.Ports},
	} {
		if front.Key() == other.Key() {
			t.Errorf("%s: the key is the same", name)
		}
	}
	one, other := plan.Service{Problem: plan.NoSelector, Ports: front.Ports}, plan.Service{Problem: plan.NoSelector}
	if one.Key() != other.Key() {
		t.Error("ports of a Service that stands for nothing make another key")
	}
}

// serviceAt is a Service of the pods of an app, whose port 80 is another one of the pods.
func serviceAt(address, app string, target int32) plan.Service {
	return plan.ServiceOf(&corev1.Service{Spec: corev1.ServiceSpec{
		Selector: map[string]string{"app": app}, ClusterIPs: []string{address},
		Ports: []corev1.ServicePort{{Name: "web", Port: 80, TargetPort: intstr.FromInt32(target)}},
	}})
}

// manyPorts is a Service whose target ports say by which of its ports they are reached.
func manyPorts() plan.Service {
	port := func(name string, protocol corev1.Protocol, number int32) corev1.ServicePort {
		return corev1.ServicePort{Name: name, Protocol: protocol, Port: number, TargetPort: intstr.FromInt32(number + 8000)}
	}
	return plan.ServiceOf(&corev1.Service{Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "a"}, Ports: []corev1.ServicePort{
		port("web", corev1.ProtocolTCP, 80), port("tls", corev1.ProtocolTCP, 443), port("quic", corev1.ProtocolUDP, 443),
		port("admin", corev1.ProtocolTCP, 90),
	}}})
}

func TestPortsNarrowAService(t *testing.T) {
	t.Parallel()
	port := func(port intstr.IntOrString) v1alpha1.Port { return v1alpha1.Port{Port: &port} }
	tests := map[string]struct {
		declared []v1alpha1.Port
		want     []string
	}{
		"none are all":                  {nil, []string{"TCP 8080", "TCP 8090", "TCP 8443", "UDP 8443"}},
		"by number, of TCP":             {[]v1alpha1.Port{port(intstr.FromInt32(443))}, []string{"TCP 8443"}},
		"by name":                       {[]v1alpha1.Port{port(intstr.FromString("admin"))}, []string{"TCP 8090"}},
		"by a name of another protocol": {[]v1alpha1.Port{port(intstr.FromString("quic"))}, nil},
		"by a range, with both ends":    {[]v1alpha1.Port{{Port: new(intstr.FromInt32(80)), EndPort: 90}}, []string{"TCP 8080", "TCP 8090"}},
		"by protocol alone":             {[]v1alpha1.Port{{Protocol: corev1.ProtocolUDP}}, []string{"UDP 8443"}},
		"by several": {
			[]v1alpha1.Port{port(intstr.FromInt32(80)), {Protocol: corev1.ProtocolUDP}}, []string{"TCP 8080", "UDP 8443"},
		},
		"a port of the pods is none of the Service": {[]v1alpha1.Port{port(intstr.FromInt32(8080))}, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := compiled(t, shop().Dependency(builders.MakeDependency("d").FromTier("web").ToService("api", "front").Ports(tc.declared...).Obj()))
			var got []string
			for _, rule := range p.Tier("api").With(map[string]plan.Service{"front": manyPorts()}).Rules {
				for _, p := range rule.Ports {
					got = append(got, string(*p.Protocol)+" "+p.Port.String())
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("ports of the pods (-want +got):\n%s", diff)
			}
		})
	}
}

func TestATierIsSuitedToTheServicesOfANamespace(t *testing.T) {
	t.Parallel()
	p := compiled(t, shop().Dependency(
		builders.MakeDependency("plain").FromTier("web").ToTier("api").Obj(),
		builders.MakeDependency("d").FromTier("web").ToService("api", "front").Port(80).Obj()))
	web := plan.Party{Tier: "web"}
	plain := plan.Rule{Dependency: "plain", Direction: networkingv1.PolicyTypeIngress, Remote: web}
	front := plan.Rule{
		Dependency: "d", Direction: networkingv1.PolicyTypeIngress, Remote: web, Ports: on(8080, corev1.ProtocolTCP),
		Pods: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "front"}},
	}
	elsewhere := serviceAt("10.96.0.7", "front", 8080)
	elsewhere.Ports[0].Port = 81
	tests := map[string]struct {
		services map[string]plan.Service
		want     []plan.Rule
	}{
		"it has none":                    {nil, []plan.Rule{plain}},
		"it has it":                      {map[string]plan.Service{"front": serviceAt("10.96.0.7", "front", 8080)}, []plan.Rule{plain, front}},
		"it has another":                 {map[string]plan.Service{"back": serviceAt("10.96.0.7", "front", 8080)}, []plan.Rule{plain}},
		"it has one without selector":    {map[string]plan.Service{"front": {Problem: plan.NoSelector, Ports: manyPorts().Ports}}, []plan.Rule{plain}},
		"it has one that is only a name": {map[string]plan.Service{"front": {Problem: plan.ExternalName}}, []plan.Rule{plain}},
		"it has one without such a port": {map[string]plan.Service{"front": elsewhere}, []plan.Rule{plain}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := len(p.Tier("api").Rules)
			if diff := cmp.Diff(tc.want, p.Tier("api").With(tc.services).Rules); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
			if len(p.Tier("api").Rules) != before || p.Tier("api").Rules[1].Service != "front" {
				t.Error("the tier itself was changed")
			}
		})
	}
}

func TestWhichServicesAPlanNames(t *testing.T) {
	t.Parallel()
	p := compiled(t, shop().
		Peer(builders.MakePeer("ops").Names("ops").Service("gateway").Obj(), builders.MakePeer("logs").Selector(nil).Obj(),
			builders.MakePeer("world").CIDR("192.0.2.0/24").Obj(), builders.MakePeer("nobody").Names("n").Service("unused").Obj()).
		Dependency(
			builders.MakeDependency("a").FromTier("web").ToService("api", "front").Obj(),
			builders.MakeDependency("b").FromPeer("ops").ToService("api", "front").Obj(),
			builders.MakeDependency("c").FromTier("web").ToPeer("ops").Obj(),
			builders.MakeDependency("e").FromTier("web").ToPeer("logs").Obj(),
			builders.MakeDependency("f").FromTier("web").ToPeer("world").Obj()))
	want := []plan.Called{{Profile: "shop", Tier: "api", Service: "front"}, {Profile: "shop", Peer: "ops", Service: "gateway"}}
	if diff := cmp.Diff(want, p.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	peers := make([]string, 0, 2)
	for _, peer := range p.Peers() {
		peers = append(peers, peer.Name)
	}
	if diff := cmp.Diff([]string{"ops", "logs"}, peers); diff != "" {
		t.Errorf("peers with namespaces (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"front"}, p.Tier("api").Services()); diff != "" {
		t.Errorf("Services of the tier's own (-want +got):\n%s", diff)
	}
}
