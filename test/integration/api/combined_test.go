package api

import (
	"pgregory.net/rapid"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// combined changes a profile by what has several fields that exclude each other or need each other. Each field is given
// or not, so that all combinations come up.
var combined = map[string]func(*rapid.T, *segv1alpha1.SegmentationProfile){
	"who calls": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		profile.Spec.Dependencies[0].From = endpoint(t)
	},
	"who is called": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		profile.Spec.Dependencies[0].To = endpoint(t)
	},
	"both, with ports and access": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		given := rapid.Bool()
		d := &profile.Spec.Dependencies[0]
		if given.Draw(t, "who calls") {
			d.From = party(t)
		}
		if given.Draw(t, "who is called") {
			d.To = party(t)
		}
		d.Ports = nil
		switch rapid.IntRange(0, 2).Draw(t, "ports") {
		case 1:
			d.Ports = builders.MakeDependency("").Port(80).Obj().Ports
		case 2:
			d.Ports = builders.MakeDependency("").NamedPort("http").Obj().Ports
		}
		if given.Draw(t, "access") {
			d.Access = builders.MakeDependency("").Access("viewer").Obj().Access
		}
	},
	"a peer": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		some := rapid.SampledFrom([]bool{false, false, true})
		peer := segv1alpha1.Peer{Name: "metrics"}
		if rapid.Bool().Draw(t, "namespaces") {
			peer.Namespaces = builders.MakePeer("").Names("other").Obj().Namespaces
		}
		if some.Draw(t, "cidrs") {
			peer.CIDRs = builders.MakePeer("").CIDR("198.51.100.0/24").Obj().CIDRs
		}
		if some.Draw(t, "apiServer") {
			peer.APIServer = &segv1alpha1.APIServerPeer{}
		}
		if some.Draw(t, "internet") {
			kinds := rapid.SampledFrom([]segv1alpha1.PrivateRanges{"", "Excluded", "Included", "Some"})
			peer.Internet = &segv1alpha1.InternetPeer{PrivateRanges: kinds.Draw(t, "privateRanges")}
		}
		if some.Draw(t, "pods") {
			peer.Pods = builders.LabelSelector(map[string]string{"app": "a"})
		}
		if some.Draw(t, "service") {
			peer.Service = "prometheus"
		}
		profile.Spec.Peers[5] = peer
	},
	"DNS": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		dns := segv1alpha1.DNS{Mode: segv1alpha1.DNSModeClusterDNS}
		some := rapid.Bool()
		if some.Draw(t, "namespace") {
			dns.Namespace = "dns"
		}
		if some.Draw(t, "service") {
			dns.Service = "dns-default"
		}
		if some.Draw(t, "pods") {
			dns.Pods = builders.LabelSelector(map[string]string{"app": "dns"})
		}
		dns.Port = rapid.SampledFrom([]int32{0, 0, 0, 53, 65535, 65536, -1}).Draw(t, "port")
		dns.NodeLocal = rapid.SliceOfNDistinct(nodeLocal, 0, 2, rapid.ID).Draw(t, "nodeLocal")
		profile.Spec.DNS = dns
	},
}

// endpoint draws one side of a dependency from all of its fields.
func endpoint(t *rapid.T) segv1alpha1.Endpoint {
	some := rapid.SampledFrom([]bool{false, false, true})
	var e segv1alpha1.Endpoint
	if rapid.Bool().Draw(t, "tier") {
		e.Tier = "web"
	}
	e.AllTiers = some.Draw(t, "allTiers")
	if some.Draw(t, "profile") {
		e.Profile = rapid.SampledFrom([]segv1alpha1.Name{"other", "other", "ordinary"}).Draw(t, "name of the profile")
	}
	if some.Draw(t, "service") {
		e.Service = "front"
	}
	if some.Draw(t, "peer") {
		peers := []segv1alpha1.Name{"outside", "payments", "api-server", "internet", "metrics", "nobody"}
		e.Peer = rapid.SampledFrom(peers).Draw(t, "name of the peer")
	}
	if some.Draw(t, "pods") {
		e.Pods = builders.LabelSelector(map[string]string{"app": "a"})
	}
	return e
}

// party draws one side of a dependency that is good by itself.
func party(t *rapid.T) segv1alpha1.Endpoint {
	return rapid.SampledFrom([]segv1alpha1.Endpoint{
		{Tier: "web"},
		{Tier: "web", Service: "front"},
		{Tier: "web", Pods: builders.LabelSelector(map[string]string{"app": "a"})},
		{AllTiers: true},
		{AllTiers: true, Pods: builders.LabelSelector(map[string]string{"app": "a"})},
		{Profile: "other", Tier: "web"},
		{Profile: "other", Tier: "web", Pods: builders.LabelSelector(map[string]string{"app": "a"})},
		{Peer: "outside"},
		{Peer: "payments"},
		{Peer: "api-server"},
		{Peer: "internet"},
		{Peer: "metrics"},
	}).Draw(t, "party")
}

// nodeLocal draws addresses that are good, and others that nearly are. Those that are only written in another way are not
// drawn: the compiler brings them into the canonical form, and the CRD refuses them.
var nodeLocal = rapid.SampledFrom([]segv1alpha1.IPAddress{
	"169.254.20.10", "10.0.0.10", "fd00::10", "::1", "2001:db8::1:0:0:1", "::",
	"169.254.20.10/32", "169.254.020.10", "fe80::1%eth0", "::ffff:10.0.0.10", "localhost", "10.0.0", "",
})
