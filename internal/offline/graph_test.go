package offline_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestGraph(t *testing.T) {
	t.Parallel()
	shop := builders.MakeProfile("shop").
		Tier(builders.MakeTier("web").Names("shop-web", "shop-new").Obj(), builders.MakeTier("api").Names("shop-api").Obj()).
		Peer(builders.MakePeer("world").CIDR("198.51.100.0/24", "198.51.100.7/32").Obj(), builders.MakePeer("server").APIServer().Obj()).
		Dependency(
			builders.MakeDependency("web-api").FromTier("web").ToService("api", "front").NamedPort("http").Obj(),
			builders.MakeDependency("web-bank").FromTier("web").ToProfile("bank", "tills").UDPPort(7000).Obj(),
			builders.MakeDependency("api-world").FromTier("api").ToPeer("world").PortRange(443, 445).Obj(),
			builders.MakeDependency("api-server").FromTier("api").ToPeer("server").Obj(),
			builders.MakeDependency("api-web").FromTier("api").ToTier("web").ClusterRoleAccess("view").Obj(),
		).Obj()
	w := &offline.World{
		Profiles:   []v1alpha1.SegmentationProfile{*shop},
		Namespaces: []corev1.Namespace{*builders.MakeNamespace("shop-api").Obj(), *builders.MakeNamespace("shop-web").Obj()},
	}
	got := offline.Render(w, "shop").Graph([]string{"shop"})

	inside := "open inside a namespace"
	unknown := "APIServerUnknown: no addresses are known behind the Service kubernetes in namespace default; dependencies with it open nothing"
	wantNodes := []offline.Node{
		{ID: "tier/bank/tills", Kind: offline.RemoteNode, Profile: "bank", Name: "tills"},
		{ID: "tier/shop/api", Kind: offline.TierNode, Profile: "shop", Name: "api", About: []string{"1 namespace", inside}, Namespaces: []string{"shop-api"}},
		{ID: "tier/shop/web", Kind: offline.TierNode, Profile: "shop", Name: "web", About: []string{"1 namespace", inside}, Namespaces: []string{"shop-web"}},
		{ID: "peer/shop/server", Kind: offline.PeerNode, Profile: "shop", Name: "server", About: []string{"the API server"}, Findings: []string{unknown}},
		{ID: "peer/shop/world", Kind: offline.PeerNode, Profile: "shop", Name: "world", About: []string{"198.51.100.0/24 except 198.51.100.7/32"}},
	}
	if diff := cmp.Diff(wantNodes, got.Nodes); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	edges := map[string]offline.Edge{}
	for _, e := range got.Edges {
		edges[e.Name] = e
	}
	want := map[string]offline.Edge{
		"web-api": {
			From: "tier/shop/web", To: "tier/shop/api", Ports: "http", Service: "front", Closed: true,
			Findings: []string{"ServiceMissing: no namespace of tier api has a Service front; it opens nothing"},
		},
		"web-bank": {
			From: "tier/shop/web", To: "tier/bank/tills", Ports: "7000/UDP", Closed: true,
			Findings: []string{"PendingConsent: profile bank is not there, or declares nothing as long as it is in Preview; it opens nothing " +
				"until its owner adds {name: web-bank, from: {profile: shop, tier: web}, to: {tier: tills}, ports: [{protocol: UDP, port: 7000}]}"},
		},
		"api-world":  {From: "tier/shop/api", To: "peer/shop/world", Ports: "443-445"},
		"api-server": {From: "tier/shop/api", To: "peer/shop/server", Ports: "its ports", Closed: true, Findings: []string{unknown}},
		"api-web":    {From: "tier/shop/api", To: "tier/shop/web", Access: []string{"ClusterRole view"}},
	}
	for name, e := range want {
		e.Profile, e.Name = "shop", name
		if diff := cmp.Diff(e, edges[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A profile in Preview that is not asked about as if it were enforced is drawn, and it is said that nothing is written.
func TestGraphOfAPreview(t *testing.T) {
	t.Parallel()
	w := &offline.World{
		Profiles:   []v1alpha1.SegmentationProfile{*builders.MakeProfile("shop").Tier(builders.MakeTier("web").Names("shop-web").Obj()).Preview().Obj()},
		Namespaces: []corev1.Namespace{*builders.MakeNamespace("shop-web").Obj()},
	}
	got := offline.Render(w).Graph([]string{"shop"})
	if len(got.Findings) != 1 || got.Findings[0].Reason != v1alpha1.ReasonPreview || len(got.Nodes[0].Namespaces) > 0 {
		t.Errorf("it has findings %v and nodes %v", got.Findings, got.Nodes)
	}
	if got = offline.Render(w, "shop").Graph([]string{"shop"}); len(got.Findings) > 0 || len(got.Nodes[0].Namespaces) != 1 {
		t.Errorf("as if it were enforced it has findings %v and nodes %v", got.Findings, got.Nodes)
	}
}

// What does not compile is drawn as well: a picture is what helps to see why.
func TestGraphOfWhatDoesNotCompile(t *testing.T) {
	t.Parallel()
	w := &offline.World{Profiles: []v1alpha1.SegmentationProfile{*builders.MakeProfile("shop").
		Tier(builders.MakeTier("web").Names("shop-web").Obj(), builders.MakeTier("web").Names("shop-api").Obj()).
		Dependency(builders.MakeDependency("web-web").FromTier("web").ToTier("web").Port(80).Obj()).Obj()}}
	got := offline.Render(w, "shop").Graph([]string{"shop"})
	if len(got.Findings) == 0 || got.Findings[0].Reason != v1alpha1.ReasonInvalid || len(got.Edges) != 1 || !got.Edges[0].Closed {
		t.Errorf("it has findings %v and edges %v", got.Findings, got.Edges)
	}
}
