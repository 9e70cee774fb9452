package load

import (
	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// tiers are the tiers of the profile under load.
var tiers = []string{"web", "api", "data"}

// forms is how many forms the profile takes in turn.
const forms = 4

// form is one of the forms of a profile that selects namespaces by a label with its own name. From one to the next
// a port changes, a dependency comes and goes, and a role gains and loses.
func form(name string, i int) *v1alpha1.SegmentationProfile {
	a, b := map[string]string{"app": "a"}, map[string]string{"app": "b"}
	p := builders.MakeProfile(name).Peer(builders.MakePeer("bank").CIDR("198.51.100.0/24").Obj())
	for _, tier := range tiers {
		t := builders.MakeTier(tier).Selector(map[string]string{name: tier})
		if tier == "web" {
			t.Access("viewer", builders.Group("developers"))
		}
		p.Tier(t.Obj())
	}
	port := int32(8080)
	if i%forms >= 2 {
		port = 8081
	}
	p.Dependency(
		builders.MakeDependency("web-api").FromTier("web").ToTier("api").Port(port).Obj(),
		builders.MakeDependency("api-data").FromTier("api").FromPods(a).ToTier("data").ToPods(b).Port(5432).Obj(),
		builders.MakeDependency("api-bank").FromTier("api").ToPeer("bank").Port(443).Obj(),
	)
	role := builders.MakeRole("viewer").Read("pods")
	if i%2 == 1 {
		p.Dependency(builders.MakeDependency("web-data").FromTier("web").ToTier("data").Port(5433).Obj())
		role = builders.MakeRole("viewer").Read("pods", "services")
	}
	return p.Role(role.Obj()).Obj()
}
