package invariant_test

import (
	"fmt"
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/invariant"
)

func smallWorld() *invariant.World {
	return &invariant.World{
		Namespaces: []string{"one", "two", "three"},
		Classes: []invariant.Class{
			{Name: "a", Labels: map[string]string{"app": "a"}},
			{Name: "b", Labels: map[string]string{"app": "b"}},
			{Name: "none"},
		},
		Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("2001:db8::1")},
		Ports:     append(invariant.TCP(80, 8080, 9090), invariant.UDP(53, 8080)...),
		Named:     []reach.NamedPort{{Name: "http", Protocol: corev1.ProtocolTCP, Number: 8080}},
	}
}

// A tracker asks about single policies and remembers; internal/reach is asked about each flow
// of the cluster as it is after each change.
func TestATrackerAgreesWithReachAfterEveryChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := smallWorld()
		tracker, err := invariant.NewTracker(w)
		noError(t, err)
		labels := map[string]map[string]string{}
		policies := map[string][]*networkingv1.NetworkPolicy{}
		for range rapid.IntRange(1, 8).Draw(t, "changes") {
			ns := rapid.SampledFrom(w.Namespaces).Draw(t, "namespace")
			if rapid.Bool().Draw(t, "labels") {
				labels[ns] = drawLabels(t)
				noError(t, tracker.SetLabels(ns, labels[ns]))
			} else {
				policies[ns] = rapid.SliceOfN(rapid.Custom(drawPolicy(ns)), 0, 3).Draw(t, "policies")
				noError(t, tracker.SetPolicies(ns, policies[ns]))
			}
			agree(t, w, tracker, labels, policies)
		}
	})
}

func agree(
	t *rapid.T, w *invariant.World, tracker *invariant.Tracker,
	labels map[string]map[string]string, policies map[string][]*networkingv1.NetworkPolicy,
) {
	var namespaces []reach.Namespace
	var all []*networkingv1.NetworkPolicy
	for _, name := range w.Namespaces {
		namespaces = append(namespaces, reach.Namespace{Name: name, Labels: labels[name]})
		all = append(all, policies[name]...)
	}
	cluster, err := reach.New(namespaces, all)
	noError(t, err)
	whole, err := w.Flows(namespaces, all)
	noError(t, err)
	got := tracker.Flows()
	if !whole.Equal(got) {
		t.Fatal("followed change by change, the cluster has other flows than judged as a whole")
	}
	flows, allowed := 0, 0
	got.Each(func(from, to reach.Endpoint, port invariant.Port, verdict reach.Verdict) {
		want := cluster.Allowed(reach.Flow{From: from, To: to, Protocol: port.Protocol, Port: port.Number})
		if verdict.Egress != want.Egress || verdict.Ingress != want.Ingress {
			t.Fatalf("from %+v to %+v on %s: got %+v, want %+v", from.Pod, to.Pod, port, verdict, want)
		}
		flows++
		if want.Allowed() {
			allowed++
		}
	})
	if flows != w.Size() || allowed != got.Allowed() {
		t.Fatalf("%d flows of which %d pass, want %d and %d", flows, allowed, w.Size(), got.Allowed())
	}
}

func drawLabels(t *rapid.T) map[string]string {
	return rapid.SampledFrom([]map[string]string{
		nil, {"tier": "web"}, {"tier": "api"}, {"tier": "api", "team": "x"}, {"team": "x"},
	}).Draw(t, "labels")
}

func drawSelector(t *rapid.T) metav1.LabelSelector {
	return rapid.SampledFrom([]metav1.LabelSelector{
		{},
		{MatchLabels: map[string]string{"app": "a"}},
		{MatchLabels: map[string]string{"app": "c"}},
		{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"a"}}}},
		{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpExists}}},
	}).Draw(t, "selector")
}

func drawPeer(t *rapid.T) networkingv1.NetworkPolicyPeer {
	pods := drawSelector(t)
	return rapid.SampledFrom([]networkingv1.NetworkPolicyPeer{
		{PodSelector: &pods},
		{NamespaceSelector: &metav1.LabelSelector{}},
		{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "api"}}, PodSelector: &pods},
		{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "two"}}},
		{IPBlock: &networkingv1.IPBlock{CIDR: "198.51.100.0/24"}},
		{IPBlock: &networkingv1.IPBlock{CIDR: "2001:db8::/64", Except: []string{"2001:db8::1/128"}}},
	}).Draw(t, "peer")
}

func drawPort(t *rapid.T) networkingv1.NetworkPolicyPort {
	protocol := rapid.SampledFrom([]*corev1.Protocol{nil, new(corev1.ProtocolTCP), new(corev1.ProtocolUDP)}).Draw(t, "protocol")
	return rapid.SampledFrom([]networkingv1.NetworkPolicyPort{
		{Protocol: protocol},
		{Protocol: protocol, Port: new(intstr.FromInt32(8080))},
		{Protocol: protocol, Port: new(intstr.FromString("http"))},
		{Protocol: protocol, Port: new(intstr.FromInt32(53)), EndPort: new(int32(8079))},
	}).Draw(t, "port")
}

func drawPolicy(namespace string) func(*rapid.T) *networkingv1.NetworkPolicy {
	return func(t *rapid.T) *networkingv1.NetworkPolicy {
		p := builders.MakeNetworkPolicy(namespace, fmt.Sprint("p", rapid.IntRange(0, 99).Draw(t, "name"))).Obj()
		p.Spec.PodSelector = drawSelector(t)
		p.Spec.PolicyTypes = rapid.SampledFrom([][]networkingv1.PolicyType{
			nil, {networkingv1.PolicyTypeEgress}, {networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
		}).Draw(t, "types")
		peers, ports := rapid.SliceOfN(rapid.Custom(drawPeer), 0, 2), rapid.SliceOfN(rapid.Custom(drawPort), 0, 2)
		for range rapid.IntRange(0, 2).Draw(t, "ingress") {
			p.Spec.Ingress = append(p.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{From: peers.Draw(t, "from"), Ports: ports.Draw(t, "ports")})
		}
		for range rapid.IntRange(0, 2).Draw(t, "egress") {
			p.Spec.Egress = append(p.Spec.Egress, networkingv1.NetworkPolicyEgressRule{To: peers.Draw(t, "to"), Ports: ports.Draw(t, "ports")})
		}
		return p
	}
}

func TestWhatCannotBeFollowed(t *testing.T) {
	t.Parallel()
	tooMany := smallWorld()
	tooMany.Ports = nil
	for n := range int32(65) {
		tooMany.Ports = append(tooMany.Ports, invariant.TCP(n+1)...)
	}
	twice := smallWorld()
	twice.Namespaces = append(twice.Namespaces, "one")
	for name, w := range map[string]*invariant.World{"nothing": {}, "too many ports": tooMany, "a namespace twice": twice} {
		if _, err := invariant.NewTracker(w); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	tracker, err := invariant.NewTracker(smallWorld())
	noError(t, err)
	unreadable := builders.MakeNetworkPolicy("one", "bad").Obj()
	unreadable.Spec.PodSelector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Like"}}
	if err := tracker.SetPolicies("one", []*networkingv1.NetworkPolicy{unreadable}); err == nil {
		t.Error("no error on a policy that cannot be read")
	}
	if err := tracker.SetPolicies("elsewhere", nil); err == nil {
		t.Error("no error on policies of an unknown namespace")
	}
	if err := tracker.SetLabels("elsewhere", nil); err == nil {
		t.Error("no error on labels of an unknown namespace")
	}
}

type fataler interface {
	Helper()
	Fatal(args ...any)
}

func noError(t fataler, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
