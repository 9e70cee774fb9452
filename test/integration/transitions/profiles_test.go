package transitions

import (
	"strings"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// none is a slot that no namespace has.
const none = "x"

// shop is the profile that the stories begin with: three tiers, and dependencies of every
// form, of all pods and of some.
func (s *scene) shop(web, api, data string) *v1alpha1.SegmentationProfile {
	a, b := map[string]string{"app": "a"}, map[string]string{"app": "b"}
	return builders.MakeProfile(s.name+"-shop").Label("scene", s.name).
		Tier(
			s.tier("web", web, v1alpha1.InternalTrafficSameNamespace),
			s.tier("api", api, v1alpha1.InternalTrafficSameTier),
			s.tier("data", data, v1alpha1.InternalTrafficDeny),
		).
		Peer(
			builders.MakePeer("plain").Names(s.outside("plain")).Obj(),
			builders.MakePeer("bank").CIDR("198.51.100.0/24", "198.51.100.8/32").Obj(),
		).
		Dependency(
			builders.MakeDependency("plain-web").FromPeer("plain").ToTier("web").NamedPort("http").Obj(),
			builders.MakeDependency("web-api").FromTier("web").ToTier("api").Port(8080).Obj(),
			builders.MakeDependency("api-data").FromTier("api").FromPods(a).ToTier("data").ToPods(b).Port(5432).Obj(),
			builders.MakeDependency("api-bank").FromTier("api").ToPeer("bank").PortRange(443, 444).Obj(),
			builders.MakeDependency("data-data").FromTier("data").ToTier("data").UDPPort(9090).Obj(),
		).Obj()
}

// depot is another profile. Some of what it allows is what the shop allows too, so that
// namespaces that move between the two have something to lose.
func (s *scene) depot(web, store string) *v1alpha1.SegmentationProfile {
	a := map[string]string{"app": "a"}
	return builders.MakeProfile(s.name+"-depot").Label("scene", s.name).
		Tier(
			s.tier("web", web, v1alpha1.InternalTrafficSameTier),
			s.tier("store", store, v1alpha1.InternalTrafficSameNamespace),
		).
		Peer(
			builders.MakePeer("plain").Names(s.outside("plain")).Obj(),
			builders.MakePeer("bank").CIDR("198.51.100.0/24").Obj(),
		).
		Dependency(
			builders.MakeDependency("plain-web").FromPeer("plain").ToTier("web").NamedPort("http").Obj(),
			builders.MakeDependency("web-store").FromTier("web").FromPods(a).ToTier("store").PortRange(8080, 8081).Obj(),
			builders.MakeDependency("store-bank").FromTier("store").ToPeer("bank").Port(443).Obj(),
		).Obj()
}

func (s *scene) tier(name, slots string, internal v1alpha1.InternalTraffic) v1alpha1.Tier {
	t := builders.MakeTier(name).InternalTraffic(internal).Obj()
	t.Namespaces.Selector = s.slots(slots)
	return t
}

// shopOf and depotOf are the members of the tiers.
func shopOf(web, api, data string) map[string]string {
	return map[string]string{"shop/web": web, "shop/api": api, "shop/data": data}
}

func depotOf(web, store string) map[string]string {
	return map[string]string{"depot/web": web, "depot/store": store}
}

// slotsOf reads back which slots a tier selects.
func slotsOf(t *v1alpha1.Tier) string {
	var out strings.Builder
	for _, requirement := range t.Namespaces.Selector.MatchExpressions {
		for _, value := range requirement.Values {
			if value != none {
				out.WriteString(string(value))
			}
		}
	}
	return out.String()
}

// specChange changes a profile's spec.
type specChange = func(*v1alpha1.SegmentationProfileSpec)

// dependency replaces one of a profile's dependencies.
func dependency(d *builders.DependencyBuilder) specChange {
	return func(spec *v1alpha1.SegmentationProfileSpec) {
		for i := range spec.Dependencies {
			if spec.Dependencies[i].Name == d.Obj().Name {
				spec.Dependencies[i] = d.Obj()
			}
		}
	}
}

// selects sets which slots the first tiers of a profile have.
func (s *scene) selects(slots ...string) specChange {
	return func(spec *v1alpha1.SegmentationProfileSpec) {
		for i := range slots {
			spec.Tiers[i].Namespaces.Selector = s.slots(slots[i])
		}
	}
}

// internally sets the internal traffic of the first tiers of a profile.
func internally(traffic ...v1alpha1.InternalTraffic) specChange {
	return func(spec *v1alpha1.SegmentationProfileSpec) {
		for i := range traffic {
			spec.Tiers[i].InternalTraffic = traffic[i]
		}
	}
}

// resolving sets where names are resolved.
func resolving(dns v1alpha1.DNS) specChange {
	return func(spec *v1alpha1.SegmentationProfileSpec) { spec.DNS = dns }
}

// together makes several changes at once.
func together(changes ...specChange) specChange {
	return func(spec *v1alpha1.SegmentationProfileSpec) {
		for _, change := range changes {
			change(spec)
		}
	}
}
