package suggest_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/crdcheck"
	"github.com/segmentation-dev/segmentation-operator/internal/observed"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/internal/suggest"
)

// drawnWorld is a cluster in which people label what they like.
func drawnWorld(t *rapid.T) *offline.World {
	w := &offline.World{Protected: claim.Protected{"kube-*"}}
	for i := range rapid.IntRange(1, 8).Draw(t, "namespaces") {
		of := rapid.MapOf(rapid.SampledFrom([]string{"team", "layer", "example.com/zone", "kubernetes.io/x"}),
			rapid.SampledFrom([]string{"a", "b", "c"})).Draw(t, "labels")
		w.Namespaces = append(w.Namespaces, namespace(fmt.Sprintf("ns-%d", i), of))
	}
	w.Namespaces = append(w.Namespaces, namespace("kube-system", nil))
	for i := range rapid.IntRange(0, 12).Draw(t, "pods") {
		in := rapid.SampledFrom(w.Namespaces).Draw(t, "pod in").Name
		p := pod(in, fmt.Sprintf("pod-%d", i), map[string]string{"app": rapid.SampledFrom([]string{"x", "y"}).Draw(t, "app")}, fmt.Sprintf("10.1.0.%d", i+1))
		p.Spec.HostNetwork = rapid.IntRange(0, 9).Draw(t, "host") == 0
		w.Pods = append(w.Pods, p)
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "services") {
		in := rapid.SampledFrom(w.Namespaces).Draw(t, "service in").Name
		s := service(in, rapid.SampledFrom([]string{"front", "back"}).Draw(t, "service"), fmt.Sprintf("10.96.0.%d", i+10),
			map[string]string{"app": rapid.SampledFrom([]string{"x", "y"}).Draw(t, "selects")},
			rapid.SampledFrom([]intstr.IntOrString{intstr.FromInt32(8080), intstr.FromString("http"), {}}).Draw(t, "target"))
		s.Spec.Type = rapid.SampledFrom([]corev1.ServiceType{"", corev1.ServiceTypeLoadBalancer}).Draw(t, "type")
		w.Services = append(w.Services, s)
	}
	w.Services = append(w.Services, dnsService())
	w.Nodes = []corev1.Node{{
		Spec:   corev1.NodeSpec{PodCIDR: "10.1.0.0/24"},
		Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "192.0.2.10"}}},
	}}
	w.EndpointSlices = []discoveryv1.EndpointSlice{apiServer("192.0.2.20")}
	for range rapid.IntRange(0, 3).Draw(t, "policies") {
		w.Policies = append(w.Policies, drawnPolicy(t, w))
	}
	if rapid.Bool().Draw(t, "another profile") {
		w.Profiles = append(w.Profiles, v1alpha1.SegmentationProfile{
			ObjectMeta: metav1.ObjectMeta{Name: "older"},
			Spec: v1alpha1.SegmentationProfileSpec{Tiers: []v1alpha1.Tier{
				{Name: "theirs", Namespaces: v1alpha1.NamespaceSet{Names: []v1alpha1.NamespaceName{"ns-0"}}},
			}},
		})
		// One is left for tiers.
		w.Namespaces = append(w.Namespaces, namespace("ns-free", map[string]string{"team": "a"}))
	}
	return w
}

func drawnPolicy(t *rapid.T, w *offline.World) networkingv1.NetworkPolicy {
	selector := func(name string) *metav1.LabelSelector {
		return rapid.SampledFrom([]*metav1.LabelSelector{
			{}, {MatchLabels: map[string]string{"team": "a"}}, {MatchLabels: map[string]string{"app": "x"}},
		}).Draw(t, name)
	}
	peer := networkingv1.NetworkPolicyPeer{NamespaceSelector: selector("peer"), PodSelector: selector("peer's pods")}
	if rapid.Bool().Draw(t, "block") {
		peer = networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{
			CIDR: rapid.SampledFrom([]string{"0.0.0.0/0", "203.0.113.0/24"}).Draw(t, "range"),
		}}
	}
	peers := rapid.SampledFrom([][]networkingv1.NetworkPolicyPeer{nil, {peer}}).Draw(t, "peers")
	ports := rapid.SampledFrom([][]networkingv1.NetworkPolicyPort{
		nil, {{Port: new(intstr.FromInt32(8080))}, {Port: new(intstr.FromString("http"))}}, {{Port: new(intstr.FromInt32(100)), EndPort: new(int32(200))}},
	}).Draw(t, "ports")
	return networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: rapid.SampledFrom(w.Namespaces).Draw(t, "policy in").Name, Name: "theirs"},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: *selector("selects"),
			Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: peers, Ports: ports}},
			Egress:      []networkingv1.NetworkPolicyEgressRule{{To: peers, Ports: ports}},
		},
	}
}

func drawnParty(t *rapid.T, w *offline.World, name string) observed.Party {
	kinds := []string{"pod", "labels", "address"}
	switch kind := rapid.SampledFrom(kinds).Draw(t, name); {
	case kind == "pod" && len(w.Pods) > 0:
		p := rapid.SampledFrom(w.Pods).Draw(t, name+" pod")
		return observed.Party{Namespace: p.Namespace, Pod: p.Name}
	case kind == "address":
		return observed.Party{IP: netip.MustParseAddr(rapid.SampledFrom([]string{
			"203.0.113.9", "198.51.100.7", "10.1.0.1", "10.1.0.2", "10.96.0.10", "10.96.0.11", "192.0.2.10", "192.0.2.20", "172.16.5.5", "2606:4700::1", "10.96.0.1",
		}).Draw(t, name+" address"))}
	default:
		return observed.Party{
			Namespace: rapid.SampledFrom(w.Namespaces).Draw(t, name+" namespace").Name,
			Labels:    rapid.SampledFrom([]map[string]string{nil, {"app": "x"}, {"k8s-app": "kube-dns"}}).Draw(t, name+" labels"),
		}
	}
}

func drawnFlows(t *rapid.T, w *offline.World) []observed.Flow {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) observed.Flow {
		return observed.Flow{
			From: drawnParty(t, w, "from"), To: drawnParty(t, w, "to"),
			Protocol: rapid.SampledFrom([]corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP}).Draw(t, "protocol"),
			Port:     rapid.SampledFrom([]int32{53, 80, 443, 6443, 8080, 8443}).Draw(t, "port"),
		}
	}), 0, 30).Draw(t, "flows")
}

// suggested is a suggestion. Clusters in which no namespace is left for tiers are passed over; no other mistake is made.
func suggested(t *rapid.T, w *offline.World, o suggest.Options) *suggest.Suggestion {
	got, err := suggest.From(w, o)
	if err != nil {
		if strings.Contains(err.Error(), "no namespace is left") {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	return got
}

// TestEveryObservedFlowIsAllowed judges the flows once more, from outside: as the operator would write the suggestion.
func TestEveryObservedFlowIsAllowed(t *testing.T) {
	checker, err := crdcheck.New()
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		w := drawnWorld(t)
		flows := drawnFlows(t, w)
		got := suggested(t, w, suggest.Options{Name: "shop", Flows: flows})
		isAccepted(ctx, t, checker, got.Profile)
		cluster, ours := enforced(t, w, got.Profile)
		unmet := map[string]bool{}
		for _, u := range got.Unmet {
			unmet[u.Flow.String()] = true
			if u.Why == "" || !isExcused(u.Why) {
				t.Fatalf("%s is not allowed: %s", u.Flow, u.Why)
			}
		}
		for _, f := range flows {
			judged, ok := asSeen(w, f)
			if !ours[f.From.Namespace] && !ours[f.To.Namespace] {
				continue // It is nothing to the profile.
			}
			if ok && !unmet[f.String()] && !cluster.Allowed(judged).Allowed() {
				t.Fatalf("%s is not allowed, and nothing is said of it\n%+v", f, got.Profile.Spec)
			}
		}
	})
}

// isExcused tells whether no profile could allow the flow, as far as the cluster is known.
func isExcused(why string) bool {
	for _, excuse := range []string{
		"which has to declare the path from its side", "is in a range of pods, and no pod has it", "has no port", "has a name, and no pod is known",
	} {
		if strings.Contains(why, excuse) {
			return true
		}
	}
	return false
}

// asSeen is an observed flow between pods that are told of by name, or by namespace and labels, and addresses outside.
func asSeen(w *offline.World, f observed.Flow) (reach.Flow, bool) {
	end := func(p observed.Party) (reach.Endpoint, bool) {
		for i := range w.Pods {
			if d := &w.Pods[i]; d.Namespace == p.Namespace && d.Name == p.Pod {
				of := offline.PodOf(d)
				return reach.Endpoint{Pod: &of}, !d.Spec.HostNetwork
			}
		}
		if p.Namespace != "" {
			return reach.Endpoint{Pod: &reach.Pod{Namespace: p.Namespace, Labels: p.Labels}}, true
		}
		return reach.Endpoint{IP: p.IP}, !strings.HasPrefix(p.IP.String(), "10.")
	}
	from, ok := end(f.From)
	to, okToo := end(f.To)
	return reach.Flow{From: from, To: to, Protocol: f.Protocol, Port: f.Port}, ok && okToo
}

// enforced is what decides once the profile is enforced, and which namespaces are then its own.
func enforced(t *rapid.T, w *offline.World, p *v1alpha1.SegmentationProfile) (cluster *reach.Cluster, ours map[string]bool) {
	world := *w
	p = p.DeepCopy()
	p.Spec.Mode = v1alpha1.ModeEnforce
	p.CreationTimestamp = metav1.Now()
	world.Profiles = append([]v1alpha1.SegmentationProfile{*p}, w.Profiles...)
	rendered := offline.Render(&world)
	if invalid := rendered.Profiles[p.Name].Invalid; len(invalid) > 0 {
		t.Fatal(invalid)
	}
	cluster, err := rendered.Cluster(nil)
	if err != nil {
		t.Fatal(err)
	}
	ours = map[string]bool{}
	for i := range rendered.Namespaces {
		ours[rendered.Namespaces[i].Name] = rendered.Namespaces[i].Decision.Profile == p.Name
	}
	return cluster, ours
}

// isAccepted fails if the API server would refuse the profile.
func isAccepted(ctx context.Context, t *rapid.T, checker *crdcheck.Checker, p *v1alpha1.SegmentationProfile) {
	raw, err := runtime.DefaultUnstructuredConverter.ToUnstructured(p)
	if err != nil {
		t.Fatal(err)
	}
	delete(raw, "status")
	if _, err := checker.Read(ctx, &unstructured.Unstructured{Object: raw}); err != nil {
		t.Fatalf("%v\n%+v", err, p.Spec)
	}
}

// TestNothingIsOpenedThatWasNotObserved between tiers, if only what was observed is asked for.
func TestNothingIsOpenedThatWasNotObserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawnWorld(t)
		flows := drawnFlows(t, w)
		got := suggested(t, w, suggest.Options{Name: "shop", Flows: flows, ObservedOnly: true})
		cluster, ours := enforced(t, w, got.Profile)
		for range 50 {
			from, to := rapid.SampledFrom(w.Namespaces).Draw(t, "x"), rapid.SampledFrom(w.Namespaces).Draw(t, "y")
			judged := reach.Flow{
				From: reach.Endpoint{Pod: &reach.Pod{Namespace: from.Name}}, To: reach.Endpoint{Pod: &reach.Pod{Namespace: to.Name, Labels: map[string]string{"app": "z"}}},
				Port: 9999, Protocol: corev1.ProtocolTCP,
			}
			if from.Name != to.Name && (ours[from.Name] || ours[to.Name]) && cluster.Allowed(judged).Allowed() {
				t.Fatalf("%s reaches %s on a port that nobody was seen to use\n%+v", from.Name, to.Name, got.Profile.Spec)
			}
		}
	})
}
