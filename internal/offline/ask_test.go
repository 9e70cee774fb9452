package offline

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// asking is a world of two tiers, a node's exporter beside them, and a profile that has the names that come to mind.
func asking() *World {
	p := v1alpha1.SegmentationProfile{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	long := strings.Repeat("x", 60)
	err := yaml.Unmarshal([]byte(`
tiers:
- {name: web, namespaces: {names: [web]}}
- {name: api, namespaces: {names: [api]}}
- {name: `+long+`, namespaces: {names: [long]}}
peers:
- {name: ingress, cidrs: [{cidr: 203.0.113.0/24}]}
dependencies:
- {name: web-api, from: {tier: web}, to: {tier: api}, ports: [{protocol: TCP, port: 9090}]}
- {name: ingress-api, from: {peer: ingress}, to: {tier: api}, ports: [{protocol: TCP, port: 9090}]}
`), &p.Spec)
	if err != nil {
		panic(err)
	}
	w := &World{Profiles: []v1alpha1.SegmentationProfile{p}}
	for _, name := range []string{"web", "api", "long", "ingress"} {
		w.Namespaces = append(w.Namespaces, corev1.Namespace{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelMetadataName: name}},
		})
	}
	pod := func(namespace, name, ip string) corev1.Pod {
		return corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Status: corev1.PodStatus{PodIPs: []corev1.PodIP{{IP: ip}}},
		}
	}
	ended := pod("api", "ended", "198.51.100.9")
	ended.Status.Phase = corev1.PodSucceeded
	w.Pods = []corev1.Pod{ended, pod("api", "orders", "10.1.0.1"), pod("ingress", "exporter", "192.0.2.7"), pod("web", "agent", "192.0.2.8")}
	w.Pods[2].Spec.HostNetwork, w.Pods[3].Spec.HostNetwork = true, true
	w.Services = []corev1.Service{{
		ObjectMeta: metav1.ObjectMeta{Namespace: "api", Name: "orders"},
		Spec:       corev1.ServiceSpec{ClusterIPs: []string{"10.96.0.7"}, Selector: map[string]string{"app": "orders"}},
	}}
	return w
}

// TestAddressesOfPods are judged as the pods that they are of: to policies these are nothing outside.
func TestAddressesOfPods(t *testing.T) {
	for to, want := range map[string]bool{"10.1.0.1:9090": true, "10.1.0.1:80": false, "198.51.100.9:9090": false} {
		got, err := Ask(asking(), Question{From: "ns/web", To: to, AsDeclared: true})
		if err != nil {
			t.Fatal(err)
		}
		if got.Allowed != want {
			t.Errorf("%s: %v, want %v: %v", to, got.Allowed, want, got.Why)
		}
	}
	// Nobody's policies isolate who calls, but those of who is called do.
	got, err := Ask(asking(), Question{From: "ns/ingress", To: "10.1.0.1:80", AsDeclared: true})
	if err != nil {
		t.Fatal(err)
	}
	if got.Allowed || got.To != "10.1.0.1, which is pod api/orders" {
		t.Errorf("%+v", got)
	}
	_, err = Ask(asking(), Question{From: "pod/api/orders", To: "ns/web:80", FromLabels: map[string]string{"app": "x"}, AsDeclared: true})
	if err == nil || !strings.Contains(err.Error(), "labels are for a pod that does not exist") {
		t.Errorf("labels of a pod that exists: %v", err)
	}
	_, err = Ask(asking(), Question{From: "ns/ingress", To: "10.96.0.7:80", AsDeclared: true})
	if err == nil || !strings.Contains(err.Error(), "is the address of Service api/orders") {
		t.Errorf("the address of a Service: %v", err)
	}
}

// TestPeers are asked for by their names.
func TestPeers(t *testing.T) {
	w := asking()
	spec := &w.Profiles[0].Spec
	err := yaml.Unmarshal([]byte(`
peers:
- {name: ingress, cidrs: [{cidr: 203.0.113.0/24, except: [203.0.113.0/25, 203.0.113.128/32]}]}
- {name: exporters, namespaces: {names: [api, ingress]}, pods: {matchLabels: {app: exporter}}}
- {name: idle, cidrs: [{cidr: 198.51.100.0/24}]}
`), spec)
	if err != nil {
		t.Fatal(err)
	}
	spec.Dependencies = append(spec.Dependencies, v1alpha1.Dependency{
		Name: "exporters", From: v1alpha1.Endpoint{Tier: "api"}, To: v1alpha1.Endpoint{Peer: "exporters"},
	})
	for name, c := range map[string]struct {
		from, to, want string
		isAllowed      bool
	}{
		"an address":                     {"peer/ingress", "tier/api:9090", "peer ingress (203.0.113.129)", true},
		"an address that is not allowed": {"peer/ingress", "tier/web:9090", "peer ingress (203.0.113.129)", false},
		"a pod with its labels":          {"tier/api", "peer/shop/exporters:9100", "peer exporters (a pod of namespace ingress with app=exporter)", true},
		"a tier that does not call it":   {"tier/web", "peer/exporters:9100", "peer exporters (a pod of namespace ingress with app=exporter)", false},
	} {
		got, err := Ask(w, Question{From: c.from, To: c.to, AsDeclared: true})
		if err != nil {
			t.Fatal(name, err)
		}
		if got.Allowed != c.isAllowed || got.From != c.want && got.To != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, err := Ask(w, Question{From: "peer/idle", To: "tier/api:1", AsDeclared: true}); err == nil {
		t.Error("a peer that no dependency names is asked for")
	}
}

// TestTheLineToAddAllows adds what an answer says is missing, and asks again.
func TestTheLineToAddAllows(t *testing.T) {
	for name, q := range map[string]Question{
		"a name that is taken":                       {From: "tier/web", To: "tier/api:80"},
		"a peer by a name that is taken":             {From: "ns/ingress", To: "tier/api:80"},
		"a peer":                                     {From: "peer/ingress", To: "tier/api:80"},
		"a peer to a tier that it does not call":     {From: "peer/ingress", To: "tier/web:80"},
		"from a tier with a long name":               {From: "ns/long", To: "ns/api:80"},
		"an address":                                 {From: "tier/web", To: "[2001:db8::1]:443"},
		"from the host network":                      {From: "pod/ingress/exporter", To: "tier/api:80"},
		"to the host network":                        {From: "tier/api", To: "pod/ingress/exporter:9100"},
		"from the host network, a namespace of ours": {From: "pod/web/agent", To: "tier/api:80"},
	} {
		t.Run(name, func(t *testing.T) {
			w := asking()
			q.AsDeclared = true
			got, err := Ask(w, q)
			if err != nil {
				t.Fatal(err)
			}
			if got.Allowed {
				return
			}
			var add v1alpha1.SegmentationProfileSpec
			if err := yaml.UnmarshalStrict([]byte(got.Add), &add); err != nil {
				t.Fatal(err)
			}
			for i := range add.Dependencies {
				for j := range add.Dependencies[i].Ports {
					add.Dependencies[i].Ports[j].Protocol = corev1.ProtocolTCP // As the API server fills in.
				}
			}
			spec := &w.Profiles[0].Spec
			spec.Peers, spec.Dependencies = append(spec.Peers, add.Peers...), append(spec.Dependencies, add.Dependencies...)
			if invalid := Render(w).Profiles["shop"].Invalid; len(invalid) > 0 {
				t.Fatalf("%v\n%s", invalid, got.Add)
			}
			again, err := Ask(w, q)
			if err != nil {
				t.Fatal(err)
			}
			if !again.Allowed {
				t.Errorf("%v\n%s", again.Why, got.Add)
			}
		})
	}
}
