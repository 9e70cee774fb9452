package operator

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// TestTheLargestGuardedProfile has the guardrails written of a profile with the most tiers and dependencies, each of which
// chooses other pods at both sides: the API server takes all of them.
func TestTheLargestGuardedProfile(t *testing.T) {
	w := newWorld(t)
	w.installGuardrails()
	b := builders.MakeProfile(w.ns("shop"))
	tier := func(i int) string { return fmt.Sprintf("tier-%d", i%64) }
	for i := range 64 {
		b.Tier(builders.MakeTier(tier(i)).Selector(w.layer(tier(i))).Obj())
	}
	for i := range 512 {
		b.Dependency(builders.MakeDependency(fmt.Sprintf("d-%d", i)).
			FromTier(tier(i)).FromPods(map[string]string{"app": fmt.Sprintf("calls-%d", i)}).
			ToTier(tier(i*7 + i/64 + 1)).ToPods(map[string]string{"app": fmt.Sprintf("called-%d", i)}).
			Port(int32(i + 1)).Obj())
	}
	shop := b.Obj()
	shop.Spec.Guardrails = &v1alpha1.Guardrails{Baseline: v1alpha1.BaselineDeny}
	w.create(shop)
	w.Eventually(func() int { return len(w.guardrails(shop)) }, "60s", "200ms").Should(Equal(579))
	w.isGuarded(shop)
	w.Expect(w.finds(shop, v1alpha1.ReasonGuardrailWider)).To(ContainSubstring("guardrails"))

	w.Expect(env.admin.Delete(w.ctx(), shop)).To(Succeed())
	w.Eventually(func() int { return len(w.guardrails(shop)) }, "60s", "200ms").Should(BeZero())
}
