package transitions

import (
	"maps"
	"testing"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// killsEach is how often the operator is killed at least on each way that can be gone again.
// There are five of them.
const killsEach = 4

// TestKills tells a story of changes to one profile, during which the operator is killed again
// and again.
func TestKills(t *testing.T) {
	tell(t, "kills", func(s *scene) {
		a, b := map[string]string{"app": "a"}, map[string]string{"app": "b"}
		first := state{members: shopOf("012", "345", "67")}
		second := state{members: shopOf("0135", "28", "46")}
		third := state{members: shopOf("28", "0135", "46")}

		s.begin()
		s.once("a profile is created over namespaces that are there", first,
			func() { s.create(s.shop("012", "345", "67")) }, s.killed)
		s.hit(way{
			name: "a dependency moves from all pods to some, and its ports change", profile: "shop", from: first, to: first,
			change: dependency(builders.MakeDependency("web-api").FromTier("web").FromPods(a).ToTier("api").ToPods(b).Port(8080).Port(9090)),
		}, killsEach, s.killed)
		s.hit(way{
			name: "internal traffic, DNS and selectors change together", profile: "shop", from: first, to: second,
			change: together(
				s.selects("0135", "28", "46"),
				internally(v1alpha1.InternalTrafficSameTier, v1alpha1.InternalTrafficDeny, v1alpha1.InternalTrafficSameNamespace),
				resolving(v1alpha1.DNS{Mode: v1alpha1.DNSModeClusterDNS, Namespace: "kube-system", Pods: builders.LabelSelector(a), Port: 54}),
			),
		}, killsEach, s.killed)
		s.hit(way{
			name: "two tiers swap their namespaces", profile: "shop", from: second, to: third,
			change: s.selects("28", "0135"),
		}, killsEach, s.killed)
		s.hit(way{
			name: "namespaces move around, join and leave, all at once", profile: "shop", from: third,
			to: state{members: shopOf("147", "589", "20")}, change: s.selects("147", "589", "20"),
		}, killsEach, s.killed)
	})
}

// TestKillsBetweenProfiles moves several namespaces from an older profile to a younger one and
// back, with kills.
func TestKillsBetweenProfiles(t *testing.T) {
	tell(t, "between", func(s *scene) {
		shop, both := state{members: shopOf("012", "345", "67")}, state{members: shopOf("012", "345", "67")}
		maps.Copy(both.members, depotOf("89", ""))
		both.lost = map[string]int{"depot": 4}
		released := state{members: shopOf("01", "4", "67")}
		maps.Copy(released.members, depotOf("289", "35"))
		released.lost = map[string]int{"depot": 1}

		s.begin()
		s.once("a profile is created", shop, func() { s.create(s.shop("012", "345", "67")) }, s.killed)
		s.once("a younger one is created that selects some of its namespaces", both,
			func() { s.create(s.depot("289", "345")) }, s.killed)
		s.hit(way{
			name: "the older profile releases what the younger selects", profile: "shop", from: both, to: released,
			change: s.selects("01", "4"),
		}, killsEach, s.killed)
	})
}
