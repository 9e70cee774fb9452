package transitions

import (
	"testing"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// shop is the profile that the stories begin with: three tiers, and dependencies of every
// form, of all pods and of some.
func (s *scene) shop() *v1alpha1.SegmentationProfile {
	tier := func(name, slots string, internal v1alpha1.InternalTraffic) v1alpha1.Tier {
		t := builders.MakeTier(name).InternalTraffic(internal).Obj()
		t.Namespaces.Selector = s.slots(slots)
		return t
	}
	a, b := map[string]string{"app": "a"}, map[string]string{"app": "b"}
	return builders.MakeProfile(s.name+"-shop").Label("scene", s.name).
		Tier(
			tier("web", "012", v1alpha1.InternalTrafficSameNamespace),
			tier("api", "345", v1alpha1.InternalTrafficSameTier),
			tier("data", "67", v1alpha1.InternalTrafficDeny),
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

// dependency replaces one of a profile's dependencies.
func dependency(d *builders.DependencyBuilder) func(*v1alpha1.SegmentationProfileSpec) {
	return func(spec *v1alpha1.SegmentationProfileSpec) {
		for i := range spec.Dependencies {
			if spec.Dependencies[i].Name == d.Obj().Name {
				spec.Dependencies[i] = d.Obj()
			}
		}
	}
}

// selects sets which slots the first tiers of a profile have.
func (s *scene) selects(slots ...string) func(*v1alpha1.SegmentationProfileSpec) {
	return func(spec *v1alpha1.SegmentationProfileSpec) {
		for i := range slots {
			spec.Tiers[i].Namespaces.Selector = s.slots(slots[i])
		}
	}
}

func shopOf(web, api, data string) map[string]string {
	return map[string]string{"shop/web": web, "shop/api": api, "shop/data": data}
}

// killsPerStep is how often the operator is killed at most while it works on one step.
const killsPerStep = 4

// TestKills tells a story of changes, each by one request. During each of them the operator
// is killed again and again.
func TestKills(t *testing.T) {
	for range *rounds {
		s := newScene(t)
		s.operator = s.replica("operator", env.account)
		s.start()
		last := s.settle(state{})
		step := func(name string, want state, change func(*scene)) {
			s.step(name, func(s *scene) {
				change(s)
				s.killed(killsPerStep, want)
				now := s.settle(want)
				s.prove(last, now)
				last = now
			})
		}
		changed := func(mutate func(*v1alpha1.SegmentationProfileSpec)) func(*scene) {
			return func(s *scene) { s.change("shop", mutate) }
		}
		a, b := map[string]string{"app": "a"}, map[string]string{"app": "b"}
		atFirst := state{members: shopOf("012", "345", "67")}

		step("a profile is created over namespaces that are there", atFirst, func(s *scene) { s.create(s.shop()) })
		step("a dependency moves from all pods to some, and its ports change", atFirst,
			changed(dependency(builders.MakeDependency("web-api").FromTier("web").FromPods(a).ToTier("api").ToPods(b).Port(8080).Port(9090))))
		step("it moves back to all pods, and its ports change again", atFirst,
			changed(dependency(builders.MakeDependency("web-api").FromTier("web").ToTier("api").PortRange(8080, 8081))))
		step("two tiers swap their namespaces", state{members: shopOf("345", "012", "67")}, changed(s.selects("345", "012")))
		step("namespaces move around, join and leave, all at once", state{members: shopOf("46", "089", "27")},
			changed(s.selects("46", "089", "27")))
		step("and back", atFirst, changed(s.selects("012", "345", "67")))
	}
}
