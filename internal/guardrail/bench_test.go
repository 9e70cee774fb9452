package guardrail_test

import (
	"fmt"
	"testing"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// BenchmarkLook is one look at the guardrails of the largest profile, all of which are as they should be.
func BenchmarkLook(b *testing.B) {
	shop := compiled(b, largest(func(i int, from, to string) v1alpha1.Dependency {
		return builders.MakeDependency(fmt.Sprintf("d-%d", i)).FromTier(from).ToTier(to).Port(int32(i + 1)).Obj()
	}))
	c := newCluster(b)
	c.settle(guardrail.UsualBand(), guardOf(shop))
	observed := c.list()
	for b.Loop() {
		next := guardrail.Plan(&guardrail.Input{Observed: observed, Guards: []*guardrail.Guard{guardOf(shop)}, Band: guardrail.UsualBand()})
		if len(next.Writes) > 0 {
			b.Fatal("there is something to write")
		}
	}
}
