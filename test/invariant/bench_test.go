package invariant_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/invariant"
)

// BenchmarkTransition changes one namespace of twelve, back and forth, and checks the state.
func BenchmarkTransition(b *testing.B) {
	profile := builders.MakeProfile("shop").
		Tier(builders.MakeTier("web").Names("web").Obj(), builders.MakeTier("api").Names("api").Obj()).
		Peer(builders.MakePeer("bank").CIDR("198.51.100.0/24").Obj()).
		Dependency(
			builders.MakeDependency("web-api").FromTier("web").FromPods(map[string]string{"app": "a"}).ToTier("api").Port(8080).Obj(),
			builders.MakeDependency("api-bank").FromTier("api").ToPeer("bank").Port(443).Obj(),
		).Defaulted().Obj()
	compiled, errs := plan.Compile(profile)
	if len(errs) > 0 {
		b.Fatal(errs)
	}
	w := smallWorld()
	w.Addresses = append(w.Addresses, netip.MustParseAddr("203.0.113.1"))
	w.Ports = append(w.Ports, invariant.TCP(81, 443, 444, 1024, 8079, 8081, 9089)...)
	for i := range 9 {
		w.Namespaces = append(w.Namespaces, fmt.Sprint("more-", i))
	}
	tracker, err := invariant.NewTracker(w)
	noError(b, err)
	before := tracker.Flows()
	for i, name := range w.Namespaces[:10] {
		noError(b, move(tracker, compiled, name, []string{"web", "api"}[i%2]))
	}
	bounds := invariant.Between(before, tracker.Flows())
	i := 0
	for b.Loop() {
		i++
		noError(b, move(tracker, compiled, w.Namespaces[i%10], []string{"web", "api"}[i/10%2]))
		tracker.Check(bounds)
	}
}

func move(tracker *invariant.Tracker, compiled *plan.Plan, namespace, tier string) error {
	objects := render.Tier(compiled, compiled.Tier(tier)).In(namespace)
	if err := tracker.SetPolicies(namespace, objects.Policies); err != nil {
		return err
	}
	return tracker.SetLabels(namespace, render.MembershipLabels("shop", tier))
}
