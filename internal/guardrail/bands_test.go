package guardrail_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// TestAnotherBandInterruptsNothing gives the guardrails of a profile other priorities, and has others take some: after each
// write what is declared passes, and once something is denied all that is not declared is.
func TestAnotherBandInterruptsNothing(t *testing.T) {
	t.Parallel()
	shop := builders.MakeProfile("shop").UID("u").NoDNS().
		Tier(builders.MakeTier("web").Names("web").Obj(), builders.MakeTier("api").Names("api").Obj()).
		Dependency(builders.MakeDependency("web-api").FromTier("web").ToTier("api").Port(80).Obj()).Obj()
	all := pods(shop)
	web, api := all[0], all[slices.IndexFunc(all, func(p pod) bool { return p.namespace == "api" })]
	rapid.Check(t, func(t *rapid.T) {
		band := func() guardrail.Band {
			from := rapid.Int32Range(0, 20).Draw(t, "from")
			return guardrail.Band{From: from, To: from + rapid.Int32Range(4, 12).Draw(t, "length")}
		}
		c := newCluster(t)
		c.settle(band(), guardOf(compiled(t, shop)))
		c.order = inAnyOrder(t)
		c.after = func(what string) {
			if !c.both(web, api, port{"TCP", 80}) {
				t.Fatalf("after %s what is declared is denied", what)
			}
			if c.both(api, web, port{"TCP", 80}) {
				t.Fatalf("after %s what is not declared passes", what)
			}
		}
		c.after("the first settling")
		for range rapid.IntRange(0, 2).Draw(t, "policies of others") {
			var taken []string
			for _, name := range sortedNames(c) {
				if guardrail.IsOurs(c.objects[name]) {
					taken = append(taken, name)
				}
			}
			other := c.objects[rapid.SampledFrom(taken).Draw(t, "whose priority")].DeepCopy()
			other.Name, other.Labels = "other-"+other.Name, nil
			other.Spec.Ingress, other.Spec.Egress = nil, nil
			c.objects[other.Name] = other
		}
		next, changed := band(), shop.DeepCopy()
		if rapid.Bool().Draw(t, "the profile changes too") {
			changed.Spec.Dependencies = append(changed.Spec.Dependencies,
				builders.MakeDependency("more").FromTier("web").ToTier("api").Port(81).Obj())
		}
		c.settle(next, guardOf(compiled(t, changed)))
		for name, o := range c.objects {
			if guardrail.IsOurs(o) && (o.Spec.Priority < next.From || o.Spec.Priority > next.To) {
				t.Fatalf("%s has priority %d, outside of %s", name, o.Spec.Priority, next)
			}
		}
	})
}
