package istio

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
)

// quiet is for how long nothing is written for it to count as nothing.
const quiet = 2 * time.Second

// TestTheOperator follows a profile while Istio comes and goes, and namespaces do. Each step counts its writes.
func TestTheOperator(t *testing.T) {
	b := newBed(t)
	for name, tier := range map[string]string{"web-1": "web", "web-2": "web", "api-1": "api", "api-2": "api", "lonely-1": "lonely"} {
		b.namespace(name, tier)
	}
	b.Expect(b.admin.Create(t.Context(), shop().Istio(v1alpha1.Istio{MutualTLS: v1alpha1.MutualTLSStrict}).Obj())).To(Succeed())
	b.Eventually(b.meshed).Should(Equal("False APIMissing"))
	b.env.EventuallyReady(t, "shop") // The NetworkPolicies stand alone.

	start := b.now()
	b.define()
	b.Eventually(b.meshed).Should(Equal("True Meshed"))
	b.env.EventuallyReady(t, "shop")
	all := map[string][]string{
		"web-1/segmentation": {"web-1"}, "web-2/segmentation": {"web-2"}, "lonely-1/segmentation": {"lonely-1"},
		"api-1/segmentation": {"api-1"}, "api-1/segmentation-web-api": {"web-1", "web-2"},
		"api-2/segmentation": {"api-2"}, "api-2/segmentation-web-api": {"web-1", "web-2"},
	}
	b.Expect(b.callers()).To(Equal(all))
	// Each object once; in api, the base policy first lets everything pass until the other is there.
	b.Expect(b.writes(start)).To(Equal([]string{
		"create authorizationpolicies api-1/segmentation", "create authorizationpolicies api-1/segmentation-web-api",
		"create authorizationpolicies api-2/segmentation", "create authorizationpolicies api-2/segmentation-web-api",
		"create authorizationpolicies lonely-1/segmentation",
		"create authorizationpolicies web-1/segmentation", "create authorizationpolicies web-2/segmentation",
		"create peerauthentications api-1/segmentation", "create peerauthentications api-2/segmentation",
		"create peerauthentications lonely-1/segmentation",
		"create peerauthentications web-1/segmentation", "create peerauthentications web-2/segmentation",
		"update authorizationpolicies api-1/segmentation", "update authorizationpolicies api-2/segmentation",
	}))

	b.joins(all)
	b.moves(all)
	b.isMended(all)
	b.isUnmarked()
	b.isTaken()
	b.lingers(all)
	b.hasRoot(all)
	b.comesAndGoes(all)
	b.losesOne(all)
	b.ends()
}

// joins: a namespace of web costs its own objects, and one write in each namespace that web calls.
func (b *bed) joins(all map[string][]string) {
	start := b.now()
	b.namespace("web-3", "web")
	all["web-3/segmentation"] = []string{"web-3"}
	all["api-1/segmentation-web-api"] = []string{"web-1", "web-2", "web-3"}
	all["api-2/segmentation-web-api"] = []string{"web-1", "web-2", "web-3"}
	b.Eventually(b.callers).Should(Equal(all))
	b.Eventually(b.meshed).Should(Equal("True Meshed"))
	b.Consistently(func() []string { return b.writes(start) }, quiet).Should(Equal([]string{
		"create authorizationpolicies web-3/segmentation", "create peerauthentications web-3/segmentation",
		"update authorizationpolicies api-1/segmentation-web-api", "update authorizationpolicies api-2/segmentation-web-api",
	}))
	start = b.now()
	b.namespace("lonely-2", "lonely")
	all["lonely-2/segmentation"] = []string{"lonely-2"}
	b.Eventually(b.callers).Should(Equal(all))
	b.Consistently(func() []string { return b.writes(start) }, quiet).Should(Equal([]string{
		"create authorizationpolicies lonely-2/segmentation", "create peerauthentications lonely-2/segmentation",
	}))
}

// moves: one that moves from web to another tier, and one that leaves, are not named any more.
func (b *bed) moves(all map[string][]string) {
	start := b.now()
	b.tiered("web-3", "lonely")
	all["api-1/segmentation-web-api"] = []string{"web-1", "web-2"}
	all["api-2/segmentation-web-api"] = []string{"web-1", "web-2"}
	b.Eventually(b.callers).Should(Equal(all))
	b.Consistently(func() []string { return b.writes(start) }, quiet).Should(Equal([]string{
		"update authorizationpolicies api-1/segmentation-web-api", "update authorizationpolicies api-2/segmentation-web-api",
		"update authorizationpolicies web-3/segmentation", "update peerauthentications web-3/segmentation",
	}), "its own objects say of which tier they are")
	start = b.now()
	b.tiered("web-3", "none")
	delete(all, "web-3/segmentation")
	b.Eventually(b.callers).Should(Equal(all))
	b.Eventually(func() []string { return b.writes(start) }).Should(Equal([]string{
		"delete authorizationpolicies web-3/segmentation", "delete peerauthentications web-3/segmentation",
	}))
}

// isMended: what others do to the objects is undone, also where it is something that the operator has no name for.
func (b *bed) isMended(all map[string][]string) {
	start := b.now()
	policy := &mesh.AuthorizationPolicy{}
	b.Expect(b.admin.Get(b.t.Context(), client.ObjectKey{Namespace: "api-1", Name: "segmentation"}, policy)).To(Succeed())
	policy.Spec.Rules = append(policy.Spec.Rules, mesh.Rule{Unknown: map[string]any{
		"when": []any{map[string]any{"key": "source.namespace", "values": []any{"ops"}}},
	}})
	b.Expect(b.admin.Update(b.t.Context(), policy)).To(Succeed())
	b.Expect(b.admin.Delete(b.t.Context(), &mesh.AuthorizationPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "api-2", Name: "segmentation-web-api"},
	})).To(Succeed())
	b.Expect(b.admin.Delete(b.t.Context(), &mesh.PeerAuthentication{
		ObjectMeta: metav1.ObjectMeta{Namespace: "web-1", Name: "segmentation"},
	})).To(Succeed())
	b.Eventually(func() []string { return b.writes(start) }).Should(Equal([]string{
		"create authorizationpolicies api-2/segmentation-web-api", "create peerauthentications web-1/segmentation",
		"update authorizationpolicies api-1/segmentation",
	}))
	b.Eventually(b.callers).Should(Equal(all))
	b.Consistently(func() []string { return b.writes(start) }, quiet).Should(HaveLen(3))
}

// isUnmarked: labels and annotations by which Istio would not enforce an object are taken off, and others are not.
func (b *bed) isUnmarked() {
	marks := []byte(`{"metadata":{"labels":{"istio.io/rev":"another","team":"shop"},"annotations":{"istio.io/dry-run":"true"}}}`)
	name := metav1.ObjectMeta{Namespace: "web-1", Name: "segmentation"}
	for _, object := range []mesh.Object{&mesh.AuthorizationPolicy{ObjectMeta: name}, &mesh.PeerAuthentication{ObjectMeta: name}} {
		obj := object.(client.Object)
		b.Expect(b.admin.Patch(b.t.Context(), obj, client.RawPatch("application/merge-patch+json", marks))).To(Succeed())
		b.Eventually(func() (bool, error) {
			err := b.admin.Get(b.t.Context(), client.ObjectKeyFromObject(obj), obj)
			return mesh.IsMarked(object), err
		}).Should(BeFalse())
		b.Expect(object.GetLabels()).To(HaveKeyWithValue("team", "shop"))
	}
}

// lingers: a namespace that is being deleted is let in until it is gone, as its pods still run.
func (b *bed) lingers(all map[string][]string) {
	b.namespace("web-8", "web")
	b.Eventually(b.meshed).Should(Equal("True Meshed"))
	admits := func() []string { return b.callers()["api-1/segmentation-web-api"] }
	b.Eventually(admits).Should(ContainElement("web-8"))
	start := b.now()
	// No namespace controller runs here, so it stays.
	b.Expect(b.admin.Delete(b.t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "web-8"}})).To(Succeed())
	b.Consistently(admits, quiet).Should(ContainElement("web-8"))
	b.Expect(b.writes(start)).To(BeEmpty())
	b.Expect(b.meshed()).To(Equal("True Meshed"))
	name := metav1.ObjectMeta{Namespace: "web-8", Name: "segmentation"}
	b.Expect(b.admin.Delete(b.t.Context(), &mesh.AuthorizationPolicy{ObjectMeta: name})).To(Succeed())
	b.Expect(b.admin.Delete(b.t.Context(), &mesh.PeerAuthentication{ObjectMeta: name})).To(Succeed())
	gone := &corev1.Namespace{}
	b.Expect(b.admin.Get(b.t.Context(), client.ObjectKey{Name: "web-8"}, gone)).To(Succeed())
	gone.Spec.Finalizers = nil
	b.Expect(b.admin.SubResource("finalize").Update(b.t.Context(), gone)).To(Succeed())
	b.Eventually(admits).ShouldNot(ContainElement("web-8"))
	b.Eventually(b.callers).Should(Equal(all))
}

// isTaken: an object of somebody else's under a name that is needed is left alone, and said.
func (b *bed) isTaken() {
	b.t.Helper()
	foreign := &mesh.AuthorizationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "web-9", Name: "segmentation"}}
	b.namespace("web-9", "none")
	b.Expect(b.admin.Create(b.t.Context(), foreign)).To(Succeed())
	b.tiered("web-9", "web")
	b.Eventually(b.meshed).Should(Equal("False NameTaken"))
	b.Expect(b.admin.Delete(b.t.Context(), foreign)).To(Succeed())
	b.Eventually(b.meshed).Should(Equal("True Meshed"))
	b.tiered("web-9", "none")
	b.Eventually(b.callers).ShouldNot(HaveKey("web-9/segmentation"))
}

// ends: without spec.mesh, and without the profile, nothing is left.
func (b *bed) ends() {
	b.change(func(p *v1alpha1.SegmentationProfile) { p.Spec.Mesh.Istio.MutualTLS = v1alpha1.MutualTLSUnmanaged })
	b.Eventually(func() (int, error) {
		var left mesh.PeerAuthenticationList
		err := b.admin.List(b.t.Context(), &left)
		return len(left.Items), err
	}).Should(BeZero())
	b.change(func(p *v1alpha1.SegmentationProfile) { p.Spec.Mesh = v1alpha1.Mesh{} })
	b.Eventually(b.callers).Should(BeEmpty())
	b.Eventually(b.meshed).Should(BeEmpty())
	b.change(func(p *v1alpha1.SegmentationProfile) { p.Spec.Mesh.Istio = &v1alpha1.Istio{} })
	b.Eventually(b.callers).Should(HaveLen(8))
	b.Expect(b.admin.Delete(b.t.Context(), shop().Obj())).To(Succeed())
	b.Eventually(b.callers).Should(BeEmpty())
}
