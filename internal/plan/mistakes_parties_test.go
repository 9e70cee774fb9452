package plan_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// oneTier is a dependency between the tier web and something else.
func oneTier(set func(*v1alpha1.Dependency)) *builders.ProfileBuilder {
	d := builders.MakeDependency("d").FromTier("web").Obj()
	set(&d)
	return shop().Dependency(d)
}

func to(e v1alpha1.Endpoint) *builders.ProfileBuilder {
	return oneTier(func(d *v1alpha1.Dependency) { d.To = e })
}

func toPeer(peer *builders.PeerBuilder, port intstr.IntOrString) *builders.ProfileBuilder {
	return shop().Peer(peer.Obj()).
		Dependency(builders.MakeDependency("d").FromTier("web").ToPeer("p").Ports(v1alpha1.Port{Port: &port}).Obj())
}

// Mistakes in who calls, and who is called.
func TestMistakesInParties(t *testing.T) {
	t.Parallel()
	pods := builders.LabelSelector(map[string]string{"app": "a"})
	checkMistakes(t, map[string]mistakes{
		"a Service calls": {
			oneTier(func(d *v1alpha1.Dependency) { d.From.Service, d.To.Tier = "front", "api" }),
			[]string{`spec.dependencies[0].from.service: Forbidden: a Service is what is called; name it in to`},
		},
		"a Service that is narrowed to pods": {
			to(v1alpha1.Endpoint{Tier: "api", Service: "front", Pods: pods}),
			[]string{`spec.dependencies[0].to.pods: Forbidden: the pods of a Service are those that it selects`},
		},
		"a Service that cannot exist": {
			to(v1alpha1.Endpoint{Tier: "api", Service: "Front"}), []string{`spec.dependencies[0].to.service: Invalid value: "Front"`},
		},
		"a Service in no tier": {
			shop().Peer(builders.MakePeer("p").Names("p").Obj()).Dependency(
				v1alpha1.Dependency{Name: "d", From: v1alpha1.Endpoint{Tier: "web"}, To: v1alpha1.Endpoint{AllTiers: true, Service: "front"}},
				v1alpha1.Dependency{Name: "e", From: v1alpha1.Endpoint{Tier: "web"}, To: v1alpha1.Endpoint{Peer: "p", Service: "front"}}),
			[]string{
				`spec.dependencies[0].to.service: Forbidden: it names a Service in a tier`,
				`spec.dependencies[1].to.service: Forbidden: it names a Service in a tier`,
			},
		},
		"a Service of another profile": {
			to(v1alpha1.Endpoint{Profile: "wiki", Tier: "web", Service: "front"}),
			[]string{`spec.dependencies[0].to.service: Forbidden: it names a Service in a tier of this profile; leave it out, and give ports`},
		},
		"the tier of a Service is not there": {
			to(v1alpha1.Endpoint{Tier: "nowhere", Service: "front"}), []string{`spec.dependencies[0].to.tier: Not found: "nowhere"`},
		},
		"a trust domain that is a wildcard": {
			shop().Istio(v1alpha1.Istio{TrustDomain: "*"}), []string{`spec.mesh.istio.trustDomain: Invalid value: "*"`},
		},
		"another mode of mutual TLS": {
			shop().Istio(v1alpha1.Istio{MutualTLS: "Some"}), []string{`spec.mesh.istio.mutualTLS: Unsupported value: "Some"`},
		},
		"a service account that is a wildcard": {
			shop().Dependency(builders.MakeDependency("d").FromTier("web").FromAccounts("*").ToTier("api").Obj()),
			[]string{`spec.dependencies[0].from.serviceAccounts[0]: Invalid value: "*"`},
		},
		"service accounts of addresses": {
			shop().Peer(builders.MakePeer("p").CIDR("192.0.2.0/24").Obj()).
				Dependency(builders.MakeDependency("d").FromPeer("p").FromAccounts("robot").ToTier("api").Obj()),
			[]string{`spec.dependencies[0].from.serviceAccounts: Forbidden: a peer of addresses has no service accounts`},
		},
		"service accounts of who is called": {
			to(v1alpha1.Endpoint{Tier: "api", ServiceAccounts: []v1alpha1.ServiceAccountName{"robot"}}),
			[]string{`spec.dependencies[0].to.serviceAccounts: Forbidden: they say who calls`},
		},
		"all tiers, and one of them": {
			to(v1alpha1.Endpoint{AllTiers: true, Tier: "api"}), []string{`spec.dependencies[0].to: Required value: give one of tier, allTiers and peer`},
		},
		"all tiers, and a peer": {
			to(v1alpha1.Endpoint{AllTiers: true, Peer: "p"}), []string{`spec.dependencies[0].to: Required value: give one of tier, allTiers and peer`},
		},
		"another profile without a tier": {
			to(v1alpha1.Endpoint{Profile: "wiki"}), []string{`spec.dependencies[0].to: Required value: give one of tier, allTiers and peer`},
		},
		"all tiers of another profile": {
			to(v1alpha1.Endpoint{Profile: "wiki", AllTiers: true}), []string{`spec.dependencies[0].to.profile: Forbidden: it says whose tier it is`},
		},
		"a peer of another profile": {
			shop().Peer(builders.MakePeer("p").Names("p").Obj()).Dependency(
				v1alpha1.Dependency{Name: "d", From: v1alpha1.Endpoint{Peer: "p", Profile: "wiki"}, To: v1alpha1.Endpoint{Tier: "web"}}),
			[]string{`spec.dependencies[0].from.profile: Forbidden: it says whose tier it is`},
		},
		"the profile itself as another one": {
			to(v1alpha1.Endpoint{Profile: "shop", Tier: "api"}),
			[]string{`spec.dependencies[0].to.profile: Invalid value: "shop": this is the profile itself; leave out profile`},
		},
		"another profile that cannot exist": {
			to(v1alpha1.Endpoint{Profile: "Wiki", Tier: "-"}),
			[]string{`spec.dependencies[0].to.profile: Invalid value: "Wiki"`, `spec.dependencies[0].to.tier: Invalid value: "-"`},
		},
		"between two other profiles": {
			oneTier(func(d *v1alpha1.Dependency) {
				d.From.Profile, d.To = "wiki", v1alpha1.Endpoint{Profile: "blog", Tier: "web"}
			}),
			[]string{`spec.dependencies[0]: Invalid value: "d": neither from nor to is a tier of this profile`},
		},
		"between another profile and a peer": {
			shop().Peer(builders.MakePeer("p").Names("p").Obj()).
				Dependency(builders.MakeDependency("d").FromProfile("wiki", "web").ToPeer("p").Obj()),
			[]string{`spec.dependencies[0]: Invalid value: "d": neither from nor to is a tier of this profile`},
		},
		"access for a tier of another profile, which the profile has, too": {
			shop().Role(builders.MakeRole("viewer").Read("pods").Obj()).Dependency(
				builders.MakeDependency("d").FromProfile("wiki", "web").ToTier("api").Access("viewer").Obj(),
				builders.MakeDependency("e").FromTier("web").ToProfile("wiki", "api").Access("viewer").Obj(),
				builders.MakeDependency("f").FromAllTiers().ToTier("api").Access("viewer").Obj()),
			[]string{
				`spec.dependencies[0].access: Forbidden: from and to must both be tiers of this profile`,
				`spec.dependencies[1].access: Forbidden: from and to must both be tiers of this profile`,
				`spec.dependencies[2].access: Forbidden: from and to must both be tiers of this profile`,
			},
		},
		"access that a Service narrows": {
			shop().Role(builders.MakeRole("viewer").Read("pods").Obj()).
				Dependency(builders.MakeDependency("d").FromTier("web").ToService("api", "front").Access("viewer").Obj()),
			[]string{`spec.dependencies[0].access: Forbidden: pods or a service cannot narrow it`},
		},
		"a peer is two": {
			shop().Peer(builders.MakePeer("p").APIServer().Internet("").Obj(), builders.MakePeer("q").Names("q").APIServer().Obj()),
			[]string{`spec.peers[0]: Required value: give one of namespaces`, `spec.peers[1]: Required value: give one of namespaces`},
		},
		"a peer without namespaces has no pods and no Service": {
			shop().Peer(builders.MakePeer("p").APIServer().Pods(nil).Obj(), builders.MakePeer("q").Internet("").Service("front").Obj()),
			[]string{`spec.peers[0].pods: Forbidden: pods narrows namespaces`, `spec.peers[1].service: Forbidden: service names a Service in namespaces`},
		},
		"a peer's Service that is narrowed to pods, and cannot exist": {
			shop().Peer(builders.MakePeer("p").Names("p").Service("Front").Pods(nil).Obj()),
			[]string{`spec.peers[0].service: Invalid value: "Front"`, `spec.peers[0].pods: Forbidden: the pods of a Service are those that it selects`},
		},
		"private ranges of another time": {
			shop().Peer(builders.MakePeer("p").Internet("Some").Obj()),
			[]string{`spec.peers[0].internet.privateRanges: Unsupported value: "Some": supported values: "Excluded", "Included"`},
		},
		"ports of the API server": {
			toPeer(builders.MakePeer("p").APIServer(), intstr.FromInt32(6443)),
			[]string{`spec.dependencies[0].ports: Forbidden: the ports of the API server are found; leave out ports`},
		},
		"a name for a port of the internet": {
			toPeer(builders.MakePeer("p").Internet(""), intstr.FromString("https")),
			[]string{`spec.dependencies[0].ports[0].port: Invalid value: "https": a name cannot be resolved on addresses`},
		},
		"DNS has a Service and pods": {
			shop().DNS(v1alpha1.DNS{Service: "dns", Pods: pods}),
			[]string{`spec.dns.pods: Forbidden: the pods of the Service are those that it selects`},
		},
		"DNS has a port, and nothing of which it is one": {
			shop().DNS(v1alpha1.DNS{Port: 5353}), []string{`spec.dns.port: Forbidden: it is the port of the pods that pods chooses`},
		},
		"a Service of DNS that cannot exist": {shop().DNS(v1alpha1.DNS{Service: "Dns"}), []string{`spec.dns.service: Invalid value: "Dns"`}},
		"addresses of no DNS cache": {
			shop().DNS(v1alpha1.DNS{NodeLocal: []v1alpha1.IPAddress{"169.254.20.10", "localhost", "fe80::1%eth0", "::ffff:169.254.20.10"}}),
			[]string{
				`spec.dns.nodeLocal[1]: Invalid value: "localhost"`, `spec.dns.nodeLocal[2]: Invalid value: "fe80::1%eth0"`,
				`spec.dns.nodeLocal[3]: Invalid value: "::ffff:169.254.20.10"`,
			},
		},
	})
}
