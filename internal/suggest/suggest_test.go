package suggest_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/observed"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/suggest"
)

// shop is a cluster with a shop of three layers, and an ingress controller and monitoring beside it.
func shop() *offline.World {
	w := &offline.World{Protected: claim.Protected{"kube-*"}, Namespaces: []corev1.Namespace{
		namespace("shop-web", map[string]string{"team": "shop", "layer": "web"}),
		namespace("shop-web-2", map[string]string{"team": "shop", "layer": "web"}),
		namespace("shop-api", map[string]string{"team": "shop", "layer": "api"}),
		namespace("shop-data", map[string]string{"team": "shop", "layer": "data"}),
		namespace("ingress", nil), namespace("monitoring", nil), namespace("kube-system", nil),
	}}
	w.Pods = []corev1.Pod{
		pod("shop-web", "front", map[string]string{"app": "front"}, "10.1.0.1"),
		pod("shop-api", "orders", map[string]string{"app": "orders"}, "10.1.0.2"),
		pod("shop-data", "postgres", map[string]string{"app": "postgres"}, "10.1.0.3"),
		pod("ingress", "nginx", map[string]string{"app.kubernetes.io/name": "nginx"}, "10.1.0.4"),
		pod("monitoring", "prometheus-0", map[string]string{"app": "prometheus"}, "10.1.0.5"),
	}
	w.Services = []corev1.Service{dnsService(), service("shop-api", "orders", "10.96.0.10", map[string]string{"app": "orders"}, intstr.FromString("http"))}
	return w
}

// lines is a suggestion in a few words.
func lines(s *suggest.Suggestion) []string {
	out := make([]string, 0, len(s.Profile.Spec.Tiers)+len(s.Profile.Spec.Peers)+len(s.Profile.Spec.Dependencies))
	text := func(v any) string {
		raw, _ := json.Marshal(v) //nolint:errchkjson // Of types that can be marshalled.
		return strings.ReplaceAll(string(raw), `"`, "")
	}
	for _, t := range s.Profile.Spec.Tiers {
		out = append(out, fmt.Sprintf("tier %s %s", t.Name, text(t.Namespaces)))
	}
	for _, p := range s.Profile.Spec.Peers {
		name := p.Name
		p.Name = ""
		out = append(out, fmt.Sprintf("peer %s %s", name, text(p)))
	}
	for _, d := range s.Profile.Spec.Dependencies {
		out = append(out, fmt.Sprintf("%s: %s to %s %s", d.Name, text(d.From), text(d.To), text(d.Ports)))
	}
	return out
}

func calls(from, to observed.Party, port int32) observed.Flow {
	return observed.Flow{From: from, To: to, Protocol: corev1.ProtocolTCP, Port: port}
}

func at(namespace, name string) observed.Party {
	return observed.Party{Namespace: namespace, Pod: name}
}

func ip(text string) observed.Party {
	return observed.Party{IP: netip.MustParseAddr(text)}
}

func selecting(t *testing.T, text string) labels.Selector {
	t.Helper()
	out, err := labels.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var shopTiers = []string{
	"tier api {selector:{matchLabels:{layer:api,team:shop}}}",
	"tier data {selector:{matchLabels:{layer:data,team:shop}}}",
	"tier web {selector:{matchLabels:{layer:web,team:shop}}}",
}

func TestDependencies(t *testing.T) {
	cases := map[string]struct {
		change func(w *offline.World)
		flows  []observed.Flow
		want   []string
	}{
		"a flow from tier to tier": {
			flows: []observed.Flow{calls(at("shop-web", "front"), at("shop-data", "postgres"), 5432)},
			want:  []string{"web-data: {tier:web} to {tier:data} [{protocol:TCP,port:5432}]"},
		},
		"a Service that selects who is called is named, with its own port": {
			flows: []observed.Flow{calls(at("shop-web", "front"), at("shop-api", "orders"), 8080)},
			want:  []string{"web-api-orders: {tier:web} to {tier:api,service:orders} [{protocol:TCP,port:80}]"},
		},
		"the cluster IP of a Service stands for its pods": {
			flows: []observed.Flow{calls(at("shop-web", "front"), ip("10.96.0.10"), 80)},
			want:  []string{"web-api-orders: {tier:web} to {tier:api,service:orders} [{protocol:TCP,port:80}]"},
		},
		"a Service is not named if a namespace of the tier lacks it": {
			change: func(w *offline.World) {
				w.Namespaces = append(w.Namespaces, namespace("shop-api-2", map[string]string{"team": "shop", "layer": "api"}))
			},
			flows: []observed.Flow{calls(at("shop-web", "front"), at("shop-api", "orders"), 8080)},
			want:  []string{"web-api: {tier:web} to {tier:api} [{protocol:TCP,port:8080}]"},
		},
		"the address of a pod stands for the pod": {
			flows: []observed.Flow{calls(ip("10.1.0.1"), ip("10.1.0.3"), 5432)},
			want:  []string{"web-data: {tier:web} to {tier:data} [{protocol:TCP,port:5432}]"},
		},
		"names, and what is inside of a namespace, need nothing": {
			flows: []observed.Flow{
				{From: at("shop-web", "front"), To: observed.Party{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}}, Protocol: "UDP", Port: 53},
				calls(at("shop-web", "front"), observed.Party{Namespace: "shop-web"}, 8080),
			},
		},
		"from one namespace of a tier to another": {
			flows: []observed.Flow{calls(at("shop-web", "front"), observed.Party{Namespace: "shop-web-2"}, 8080)},
			want:  []string{"web-web: {tier:web} to {tier:web} [{protocol:TCP,port:8080}]"},
		},
		"a namespace that is no tier is a peer, narrowed to the pods by their name": {
			flows: []observed.Flow{calls(at("ingress", "nginx"), at("shop-web", "front"), 8080)},
			want: []string{
				"peer ingress-nginx {namespaces:{names:[ingress]},pods:{matchLabels:{app.kubernetes.io/name:nginx}}}",
				"ingress-nginx-web: {peer:ingress-nginx} to {tier:web} [{protocol:TCP,port:8080}]",
			},
		},
		"who calls all tiers alike calls all tiers": {
			flows: []observed.Flow{
				calls(at("monitoring", "prometheus-0"), at("shop-web", "front"), 9000),
				calls(at("monitoring", "prometheus-0"), at("shop-api", "orders"), 9000),
				calls(at("monitoring", "prometheus-0"), at("shop-data", "postgres"), 9000),
			},
			want: []string{
				"peer monitoring-prometheus {namespaces:{names:[monitoring]},pods:{matchLabels:{app:prometheus}}}",
				"monitoring-prometheus-all: {peer:monitoring-prometheus} to {allTiers:true} [{protocol:TCP,port:9000}]",
			},
		},
		"addresses that are called on the same ports are one peer, others another": {
			flows: []observed.Flow{
				calls(at("shop-api", "orders"), ip("203.0.113.9"), 443), calls(at("shop-api", "orders"), ip("203.0.113.8"), 443),
				calls(at("shop-api", "orders"), ip("172.16.0.7"), 5432),
			},
			want: []string{
				"peer api-outside {cidrs:[{cidr:172.16.0.7/32}]}",
				"peer api-outside-2 {cidrs:[{cidr:203.0.113.8/32},{cidr:203.0.113.9/32}]}",
				"api-outside: {tier:api} to {peer:api-outside} [{protocol:TCP,port:5432}]",
				"api-outside-2: {tier:api} to {peer:api-outside-2} [{protocol:TCP,port:443}]",
			},
		},
		"many public addresses are the internet": {
			flows: func() (out []observed.Flow) {
				for i := range 17 {
					out = append(out, calls(at("shop-api", "orders"), ip(fmt.Sprintf("8.8.%d.8", i)), 443))
				}
				return out
			}(),
			want: []string{
				"peer internet {internet:{privateRanges:Excluded}}",
				"api-internet: {tier:api} to {peer:internet} [{protocol:TCP,port:443}]",
			},
		},
		"the API server, by its address or its Service; what else is on its machine is an address": {
			change: func(w *offline.World) {
				w.EndpointSlices = append(w.EndpointSlices, apiServer("192.0.2.20"))
				s := service("default", "kubernetes", "10.96.0.1", nil, intstr.FromInt32(6443))
				s.Spec.Ports[0].Port = 443
				w.Services = append(w.Services, s)
			},
			flows: []observed.Flow{
				calls(at("shop-api", "orders"), ip("192.0.2.20"), 6443), calls(at("shop-web", "front"), ip("10.96.0.1"), 443),
				calls(at("shop-web", "front"), ip("192.0.2.20"), 9100), calls(ip("192.0.2.20"), at("shop-api", "orders"), 9443),
			},
			want: []string{
				"peer kube-apiserver {apiServer:{}}", "peer web-outside {cidrs:[{cidr:192.0.2.20/32}]}",
				"kube-apiserver-api: {peer:kube-apiserver} to {tier:api} [{protocol:TCP,port:9443}]",
				"api-kube-apiserver: {tier:api} to {peer:kube-apiserver} null",
				"web-kube-apiserver: {tier:web} to {peer:kube-apiserver} null",
				"web-outside: {tier:web} to {peer:web-outside} [{protocol:TCP,port:9100}]",
			},
		},
		"many ports are ranges where they are neighbours": {
			flows: func() (out []observed.Flow) {
				for i := range int32(40) {
					out = append(out, calls(at("shop-web", "front"), at("shop-data", "postgres"), 9000+i))
				}
				return append(out, calls(at("shop-web", "front"), at("shop-data", "postgres"), 10000))
			}(),
			want: []string{"web-data: {tier:web} to {tier:data} [{protocol:TCP,port:9000,endPort:9039},{protocol:TCP,port:10000}]"},
		},
		"a policy that lets in a tier, and names its pods": {
			change: func(w *offline.World) {
				w.Policies = []networkingv1.NetworkPolicy{ingressPolicy("shop-data", networkingv1.NetworkPolicyPeer{
					NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"layer": "api"}},
					PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"app": "orders"}},
				}, 5432)}
			},
			want: []string{"api-data: {tier:api,pods:{matchLabels:{app:orders}}} to {tier:data,pods:{matchLabels:{app:postgres}}} [{protocol:TCP,port:5432}]"},
		},
		"a policy that lets in all namespaces is not taken over": {
			change: func(w *offline.World) {
				w.Policies = []networkingv1.NetworkPolicy{ingressPolicy("shop-data", networkingv1.NetworkPolicyPeer{
					NamespaceSelector: &metav1.LabelSelector{},
				}, 5432)}
			},
		},
		"what flows show is not guessed from policies as well": {
			change: func(w *offline.World) {
				w.Policies = []networkingv1.NetworkPolicy{ingressPolicy("shop-data", networkingv1.NetworkPolicyPeer{
					NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"layer": "api"}},
				}, 5432)}
			},
			flows: []observed.Flow{calls(at("shop-api", "orders"), at("shop-data", "postgres"), 5432)},
			want:  []string{"api-data: {tier:api} to {tier:data} [{protocol:TCP,port:5432}]"},
		},
		"a Service of type LoadBalancer is called from outside, from where it lets in": {
			change: func(w *offline.World) {
				w.Services[1].Spec.Type = corev1.ServiceTypeLoadBalancer
				w.Services[1].Spec.LoadBalancerSourceRanges = []string{"198.51.100.0/24"}
			},
			want: []string{
				"peer callers-orders {cidrs:[{cidr:198.51.100.0/24}]}",
				"callers-orders-api-orders: {peer:callers-orders} to {tier:api,service:orders} null",
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := shop()
			if c.change != nil {
				c.change(w)
			}
			got, err := suggest.From(w, suggest.Options{Name: "shop", Select: selecting(t, "team=shop"), Flows: c.flows})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Unmet) > 0 {
				t.Errorf("not allowed: %v", got.Unmet)
			}
			said := lines(got)
			if diff := cmp.Diff(slices.Concat(shopTiers, c.want), said); diff != "" {
				t.Errorf("-want +got:\n%s", strings.ReplaceAll(diff, "\u00a0", " "))
			}
		})
	}
}

func ingressPolicy(namespace string, from networkingv1.NetworkPolicyPeer, port int32) networkingv1.NetworkPolicy {
	return networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "allow"},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "postgres"}},
			Ingress: []networkingv1.NetworkPolicyIngressRule{{
				From: []networkingv1.NetworkPolicyPeer{from}, Ports: []networkingv1.NetworkPolicyPort{{Port: new(intstr.FromInt32(port))}},
			}},
		},
	}
}
