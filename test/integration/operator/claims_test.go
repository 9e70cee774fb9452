package operator

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

func TestBadProfiles(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "web")
	w.namespace("two", "api")
	p := w.create(w.twoTiers("shop").Obj())
	w.settled(p, 2)
	good := p.DeepCopy()

	w.run("a profile that does not compile says why, and leaves its last good objects", func(w *world) {
		withoutRules(w)
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Tiers = append(s.Tiers,
				builders.MakeTier("left").Names("some-namespace").Obj(),
				builders.MakeTier("right").Names("some-namespace").Obj())
			s.Dependencies = nil
		})
		accepted := w.condition(p, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonInvalid)
		w.Expect(accepted.Message).To(ContainSubstring("spec.tiers[3].namespaces.names[0]"))
		w.Expect(accepted.Message).To(ContainSubstring("tier left lists this namespace too"))
		w.condition(p, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalid)
		ready := w.condition(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonInvalid)
		w.Expect(ready.Message).To(ContainSubstring("what the last good generation declared stays in 2 namespaces"))
		w.Consistently(func() error { return w.has(good, "one", "web") }, time.Second, tick).Should(Succeed())
	})
	w.run("they stay over a restart, when nothing remembers the good generation", func(w *world) {
		w.Expect(env.operator.Stop()).To(Succeed())
		w.Expect(env.operator.Start()).To(Succeed())
		w.Consistently(func() error { return w.has(good, "two", "api") }, 2*time.Second, tick).Should(Succeed())
	})
	w.run("a namespace that the bad profile would have got stays outside", func(w *world) {
		w.namespace("three", "api")
		w.Consistently(func() error { return w.bare("three") }, time.Second, tick).Should(Succeed())
	})
	w.run("corrected, it goes on", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) { s.Tiers = s.Tiers[:2] })
		w.settled(p, 3)
		w.eventuallyHas(p, "three", "api")
	})
}

// withoutRules takes the rules out of the CRD until the subtest ends, as they were missing
// from an older one: it lets in a profile that does not compile.
func withoutRules(w *world) {
	w.t.Helper()
	const name = "segmentationprofiles.segmentation.dev"
	crd := &unstructured.Unstructured{}
	crd.SetAPIVersion("apiextensions.k8s.io/v1")
	crd.SetKind("CustomResourceDefinition")
	crd.SetName(name)
	path := "/spec/versions/0/schema/openAPIV3Schema/properties/spec/x-kubernetes-validations"
	remove := []byte(`[{"op":"remove","path":"` + path + `"}]`)
	w.Expect(env.admin.Patch(w.ctx(), crd, client.RawPatch(types.JSONPatchType, remove))).To(Succeed())
	w.t.Cleanup(func() {
		if err := deploy.ApplyManifests(context.Background(), env.admin, "config/crd/bases/*.yaml"); err != nil {
			w.t.Error(err)
		}
	})
}

func TestConflicts(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "web")
	older := w.create(w.twoTiers("older").Obj())
	w.settled(older, 1)
	// Creation times have a resolution of one second, and of two profiles of one second the
	// name decides, in favour of the other one.
	time.Sleep(1100 * time.Millisecond) //nolint:forbidigo // Creation times cannot be set.
	younger := w.create(w.twoTiers("a-younger").Obj())

	w.run("the older profile keeps the namespace and the younger reports it", func(w *world) {
		conflicted := w.condition(younger, v1alpha1.ConditionConflicted, metav1.ConditionTrue, v1alpha1.ReasonHeldByOlderProfile)
		w.Expect(conflicted.Message).To(ContainSubstring("namespace " + w.ns("one") + ": profile " + older.Name + " holds this namespace"))
		w.condition(younger, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonHeldByOlderProfile)
		w.Expect(younger.Status.Namespaces.Conflicted).To(Equal(int32(1)))
		w.eventuallyHas(older, "one", "web")
		w.settled(older, 1)
	})
	w.run("an event tells of it", func(w *world) {
		w.Eventually(func() []string { return reasons(w, younger) }, soon, tick).Should(ContainElement(v1alpha1.ReasonHeldByOlderProfile))
	})
	w.run("when the older profile goes, the younger one takes over", func(w *world) {
		w.Expect(env.admin.Delete(w.ctx(), older)).To(Succeed())
		w.settled(younger, 1)
		w.eventuallyHas(younger, "one", "web")
	})
}

func reasons(w *world, p *v1alpha1.SegmentationProfile) []string {
	var events corev1.EventList
	w.Expect(env.admin.List(w.ctx(), &events, client.InNamespace("default"))).To(Succeed())
	var out []string
	for _, e := range events.Items {
		if e.InvolvedObject.Name == p.Name {
			out = append(out, e.Reason)
		}
	}
	return out
}

func TestOverlappingTiers(t *testing.T) {
	w := newWorld(t)
	w.namespace("member", "web")
	p := w.create(w.twoTiers("shop").
		Tier(builders.MakeTier("vip").Selector(map[string]string{"world": w.name, "vip": "true"}).Obj()).Obj())
	w.settled(p, 1)

	w.relabel("member", map[string]string{"vip": "true"})
	newcomer := builders.MakeNamespace(w.ns("newcomer")).Labels(w.layer("web")).Label("vip", "true").Obj()
	w.Expect(env.admin.Create(w.ctx(), newcomer)).To(Succeed())
	w.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), newcomer) })

	conflicted := w.condition(p, v1alpha1.ConditionConflicted, metav1.ConditionTrue, v1alpha1.ReasonTiersOverlap)
	w.Expect(conflicted.Message).To(ContainSubstring("tiers web and vip select this namespace"))
	w.condition(p, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonTiersOverlap)
	w.Consistently(func() error { return w.has(p, "member", "web") }, time.Second, tick).Should(Succeed())
	w.Expect(w.bare("newcomer")).To(Succeed())
	w.Expect(env.admin.Delete(t.Context(), must(w.policy("member", "segmentation")))).To(Succeed())
	w.eventuallyHas(p, "member", "web")

	w.relabel("member", map[string]string{"vip": ""})
	w.relabel("newcomer", map[string]string{"layer": "other"})
	w.settled(p, 2)
	w.eventuallyHas(p, "newcomer", "vip")
}

func TestProtectedNamespaces(t *testing.T) {
	w := newWorld(t)
	p := w.create(builders.MakeProfile(w.ns("greedy")).
		Tier(builders.MakeTier("system").Names("kube-system", "kube-public", "kube-node-lease", deploy.Namespace).Obj()).Obj())
	ready := w.condition(p, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSegmented)
	w.Expect(ready.Message).To(ContainSubstring("4 namespaces left out as protected"))
	w.Expect(p.Status.Namespaces.Protected).To(Equal(int32(4)))
	w.Expect(p.Status.Findings).To(ContainElement(HaveField("Namespace", v1alpha1.NamespaceName("kube-system"))))
	for _, name := range []string{"kube-system", deploy.Namespace} {
		var n corev1.Namespace
		w.Expect(env.admin.Get(w.ctx(), client.ObjectKey{Name: name}, &n)).To(Succeed())
		w.Expect(n.Labels).NotTo(HaveKey(v1alpha1.ProfileLabel))
	}
}

func TestPreview(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "web")
	p := w.create(w.twoTiers("shop").Preview().Obj())

	w.run("a profile in preview writes nothing and says what it would claim", func(w *world) {
		ready := w.condition(p, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonPreview)
		w.Expect(ready.Message).To(Equal("preview: 1 namespace would be segmented; nothing is written"))
		w.Expect(w.bare("one")).To(Succeed())
	})
	w.run("enforced, it is written", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) { s.Mode = v1alpha1.ModeEnforce })
		w.settled(p, 1)
		w.eventuallyHas(p, "one", "web")
	})
	w.run("back in preview, what was written stays, and nobody mends it", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Mode = v1alpha1.ModePreview
			s.Dependencies = nil
		})
		w.condition(p, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonPreview)
		policy, err := w.policy("one", "segmentation")
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(policy.Spec.Egress).To(HaveLen(3), "the dependency's egress is kept")
		w.Expect(env.admin.Delete(w.ctx(), policy)).To(Succeed())
		w.Consistently(func() error {
			_, err := w.policy("one", "segmentation")
			return err
		}, time.Second, tick).ShouldNot(Succeed())
		w.notMember("one")
	})
	w.run("nor does a forged label make a member", func(w *world) {
		w.relabel("one", map[string]string{"layer": "none", v1alpha1.ProfileLabel: p.Name, v1alpha1.TierLabel: "api"})
		w.notMember("one")
	})
}
