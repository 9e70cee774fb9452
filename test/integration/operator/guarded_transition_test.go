package operator

import (
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// openWide writes a policy of somebody else's that opens a namespace to everybody, both ways.
func (w *world) openWide(namespace string) {
	w.t.Helper()
	everybody := []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{}}}
	policy := builders.MakeNetworkPolicy(w.ns(namespace), "open-all").Obj()
	policy.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	policy.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{From: everybody}}
	policy.Spec.Egress = []networkingv1.NetworkPolicyEgressRule{{To: everybody}}
	w.Expect(env.admin.Create(w.ctx(), policy)).To(Succeed())
}

// TestGuardedTransitions replays every version of every namespace and policy, of all tiers, of changes of a guarded profile.
// Two tenants open their namespaces to each other: with guardrails that opens nothing, at no moment.
func TestGuardedTransitions(t *testing.T) {
	w := newWorld(t)
	definition := w.installGuardrails()
	for name, layer := range map[string]string{"w1": "web", "w2": "web", "a1": "api", "a2": "api", "d1": "data"} {
		w.namespace(name, layer)
	}
	shop := w.twoTiers("shop").
		Tier(builders.MakeTier("data").Selector(w.layer("data")).InternalTraffic(v1alpha1.InternalTrafficDeny).Obj()).
		Dependency(
			builders.MakeDependency("api-web").FromTier("api").ToTier("web").Port(9090).Obj(),
			builders.MakeDependency("web-data").FromTier("web").FromPods(map[string]string{"app": "b"}).ToTier("data").Port(5432).Obj(),
			builders.MakeDependency("api-data").FromTier("api").ToTier("data").Port(5432).Obj(),
		).Obj()
	for i := range shop.Spec.Tiers {
		// Inside of a tier guardrails would pass what they cannot tell from one namespace.
		shop.Spec.Tiers[i].InternalTraffic = v1alpha1.InternalTrafficDeny
	}
	w.create(shop)
	w.settled(shop, 5)
	w.openWide("w1")
	w.openWide("d1")
	flows := map[string]reach.Flow{
		"w1 to d1, undeclared":       tcp(w.pod("w1", "a"), w.pod("d1", "a"), 5432),
		"w1 to d1 on another port":   tcp(w.pod("w1", "b"), w.pod("d1", "a"), 80),
		"w1 to d1, declared":         tcp(w.pod("w1", "b"), w.pod("d1", "a"), 5432),
		"w1 to a1":                   tcp(w.pod("w1", "a"), w.pod("a1", "a"), 9090),
		"w2 to a2, which swap":       tcp(w.pod("w2", "a"), w.pod("a2", "a"), 9090),
		"a2 to w2, which swap":       tcp(w.pod("a2", "a"), w.pod("w2", "a"), 9090),
		"w2 to d1, before and after": tcp(w.pod("w2", "b"), w.pod("d1", "a"), 5432),
		"d1 to a1":                   tcp(w.pod("d1", "a"), w.pod("a1", "a"), 9090),
	}
	alone := []string{"w1 to d1, declared", "w1 to a1", "w2 to d1, before and after"}
	always := append(slices.Clone(alone), "w2 to a2, which swap", "a2 to w2, which swap")
	never := []string{"w1 to d1, undeclared", "w1 to d1 on another port", "d1 to a1"}
	check := func(w *world, r *recording, always []string) {
		w.t.Helper()
		seen, writes := r.replay(flows)
		w.Expect(writes).To(BeNumerically(">", 2))
		for _, name := range always {
			w.Expect(seen[name].denied).To(BeEmpty(), name)
		}
		for _, name := range never {
			w.Expect(seen[name].allowed).To(BeEmpty(), name)
		}
	}

	w.run("two tenants open a path, and guardrails close it", func(w *world) {
		w.condition(shop, v1alpha1.ConditionIsolated, "False", v1alpha1.ReasonUndeclaredPath)
		before, _ := w.record().replay(flows)
		w.Expect(before["w1 to d1, undeclared"].denied).To(BeEmpty(), "NetworkPolicies add up")
		r := w.record()
		w.change(shop, func(s *v1alpha1.SegmentationProfileSpec) { s.Guardrails = &v1alpha1.Guardrails{} })
		w.isGuarded(shop)
		seen, _ := r.replay(flows)
		for _, name := range always {
			w.Expect(seen[name].denied).To(BeEmpty(), name)
		}
		w.condition(shop, v1alpha1.ConditionIsolated, "True", v1alpha1.ReasonNoUndeclaredPath)
		after, _ := w.record().replay(flows)
		for _, name := range never {
			w.Expect(after[name].allowed).To(BeEmpty(), name)
		}
	})
	w.run("two namespaces swap their tiers", func(w *world) {
		r := w.record()
		w.relabel("w2", map[string]string{"layer": "api"})
		w.relabel("a2", map[string]string{"layer": "web"})
		w.eventuallyHas(shop, "w2", "api")
		w.eventuallyHas(shop, "a2", "web")
		w.settled(shop, 5)
		w.isGuarded(shop)
		check(w, r, alone) // They are relabelled one after the other, so that both are in one tier at a time.
	})
	w.run("a change of the profile has them swap back, while dependencies get other names", func(w *world) {
		r := w.record()
		w.change(shop, func(s *v1alpha1.SegmentationProfileSpec) {
			for i := range s.Dependencies {
				s.Dependencies[i].Name += "-2"
			}
			web, api := &s.Tiers[0].Namespaces, &s.Tiers[1].Namespaces
			web.Selector, api.Selector = nil, nil
			web.Names = []v1alpha1.NamespaceName{v1alpha1.NamespaceName(w.ns("w1")), v1alpha1.NamespaceName(w.ns("w2"))}
			api.Names = []v1alpha1.NamespaceName{v1alpha1.NamespaceName(w.ns("a1")), v1alpha1.NamespaceName(w.ns("a2"))}
		})
		w.eventuallyHas(shop, "w2", "web")
		w.eventuallyHas(shop, "a2", "api")
		w.settled(shop, 5)
		w.isGuarded(shop)
		check(w, r, always)
	})
	w.run("the operator starts anew", func(w *world) {
		r := w.record()
		env.operator.Kill()
		w.relabel("d1", map[string]string{"again": "yes"})
		w.change(shop, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Dependencies = append(s.Dependencies, builders.MakeDependency("more").FromTier("data").ToTier("web").Port(1).Obj())
		})
		w.Expect(env.operator.Start()).To(Succeed())
		w.settled(shop, 5)
		w.isGuarded(shop)
		check(w, r, always)
	})
	w.run("the profile is deleted", func(w *world) {
		r := w.record()
		w.Expect(env.admin.Delete(w.ctx(), shop)).To(Succeed())
		for _, name := range []string{"w2", "a1", "a2"} {
			w.eventuallyBare(name)
		}
		w.Eventually(func() []string { return w.guardrails(shop) }, soon, tick).Should(BeEmpty())
		seen, _ := r.replay(flows)
		for _, name := range always {
			w.Expect(seen[name].denied).To(BeEmpty(), name)
		}
	})
	w.removeGuardrails(w.ctx(), definition)
}
