package operator

import (
	"testing"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// TestGuardrailsThatAreKept has a guarded profile go to Preview: its guardrails stay, and let go of a member that another
// profile gets.
func TestGuardrailsThatAreKept(t *testing.T) {
	w := newWorld(t)
	definition := w.installGuardrails()
	w.namespace("w1", "web")
	w.namespace("w2", "web")
	shop := w.twoTiers("shop").Obj()
	shop.Spec.Guardrails = &v1alpha1.Guardrails{}
	w.create(shop)
	w.settled(shop, 2)
	w.isGuarded(shop)

	w.run("without the annotation of a release they are followed as before", func(w *world) {
		w.Eventually(func() error {
			now := &apiextensionsv1.CustomResourceDefinition{}
			if err := env.admin.Get(w.ctx(), client.ObjectKeyFromObject(definition), now); err != nil {
				return err
			}
			now.Annotations = map[string]string{"api-approved.kubernetes.io": now.Annotations["api-approved.kubernetes.io"]}
			return env.admin.Update(w.ctx(), now)
		}, soon, tick).Should(Succeed())
		w.change(shop, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Dependencies = append(s.Dependencies, builders.MakeDependency("api-web").FromTier("api").ToTier("web").Port(7).Obj())
		})
		w.isGuarded(shop)
		tier := &policyv1alpha2.ClusterNetworkPolicy{}
		w.Expect(env.admin.Get(w.ctx(), client.ObjectKey{Name: "segmentation." + shop.Name + ".tier.web"}, tier)).To(Succeed())
		w.Expect(tier.Annotations[v1alpha1.DeclaredByAnnotation]).To(ContainSubstring("dependency/api-web"))
	})
	w.run("in Preview they stay, and exempt who goes to another profile", func(w *world) {
		w.change(shop, func(s *v1alpha1.SegmentationProfileSpec) { s.Mode = v1alpha1.ModePreview })
		w.condition(shop, v1alpha1.ConditionGuarded, "Unknown", v1alpha1.ReasonPreview)
		other := w.create(builders.MakeProfile(w.ns("other")).Tier(builders.MakeTier("db").Names(w.ns("w2")).Obj()).Obj())
		w.relabel("w2", map[string]string{"layer": "none"})
		w.eventuallyHas(other, "w2", "db")
		w.Eventually(func() []string {
			deny := &policyv1alpha2.ClusterNetworkPolicy{}
			w.Expect(env.admin.Get(w.ctx(), client.ObjectKey{Name: guardrail.DenyName(shop.Name)}, deny)).To(Succeed())
			var exempt []string
			for _, r := range deny.Spec.Subject.Namespaces.MatchExpressions {
				exempt = append(exempt, r.Values...)
			}
			return exempt
		}, soon, tick).Should(BeEmpty(), "it is a member no longer, and need not be exempt")
		w.Expect(w.guardrails(shop)).To(ContainElements("all", "deny", "tier.api", "tier.web"))
	})
}
