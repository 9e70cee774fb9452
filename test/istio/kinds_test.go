package istio

import (
	"maps"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// comesAndGoes: the definitions are removed and installed again, while the operator runs. Nothing else happens meanwhile that
// would have it look, and a profile without namespaces is told too.
func (b *bed) comesAndGoes(all map[string][]string) {
	empty := builders.MakeProfile("empty").Tier(builders.MakeTier("none").Names("not-there").Obj()).Istio(v1alpha1.Istio{}).Obj()
	b.Expect(b.admin.Create(b.t.Context(), empty)).To(Succeed())
	both := func() []string { return []string{b.meshedOf("shop"), b.meshedOf("empty")} }
	b.Eventually(both).Should(HaveEach("True Meshed"))
	b.rests()
	b.undefine()
	b.Eventually(both).Should(HaveEach("False APIMissing"))
	b.env.EventuallyReady(b.t, "shop")
	b.rests()
	b.define()
	b.Eventually(both).Should(HaveEach("True Meshed"))
	b.Expect(b.callers()).To(Equal(all), "it is not said before it is so")
	b.Expect(b.admin.Delete(b.t.Context(), empty)).To(Succeed())
}

// hasRoot: as long as a policy of the root namespace denies by default, nothing is opened as a whole; and a tier that has that
// namespace gets no policies of Istio there.
func (b *bed) hasRoot(all map[string][]string) {
	b.namespace(mesh.DefaultRoot, "none")
	nothing := &mesh.AuthorizationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: mesh.DefaultRoot, Name: "allow-nothing"}}
	b.Expect(b.admin.Create(b.t.Context(), nothing)).To(Succeed())
	start := b.now()
	b.namespace("api-3", "api")
	b.Eventually(func() []string { return b.writes(start) }).Should(HaveLen(3))
	b.Consistently(func() []string { return b.writes(start) }, quiet).Should(Equal([]string{
		"create authorizationpolicies api-3/segmentation", "create authorizationpolicies api-3/segmentation-web-api",
		"create peerauthentications api-3/segmentation",
	}))
	b.tiered("api-3", "none")
	b.tiered(mesh.DefaultRoot, "lonely")
	b.Eventually(func() ([]string, error) {
		profile := &v1alpha1.SegmentationProfile{}
		err := b.admin.Get(b.t.Context(), client.ObjectKey{Name: "shop"}, profile)
		found := []string{}
		for _, f := range profile.Status.Findings {
			found = append(found, f.Reason)
		}
		return found, err
	}).Should(ContainElement(v1alpha1.ReasonMeshAdmitsMore))
	b.Eventually(b.callers).Should(Equal(all))
	b.tiered(mesh.DefaultRoot, "none")
	b.Expect(b.admin.Delete(b.t.Context(), nothing)).To(Succeed())
}

// losesOne: without PeerAuthentications, AuthorizationPolicies are written, changed and deleted all the same.
func (b *bed) losesOne(all map[string][]string) {
	b.undefine(mesh.KindPeerAuthentication)
	b.Eventually(b.meshed).Should(Equal("False APIMissing"))
	profile := &v1alpha1.SegmentationProfile{}
	b.Expect(b.admin.Get(b.t.Context(), client.ObjectKey{Name: "shop"}, profile)).To(Succeed())
	message := meta.FindStatusCondition(profile.Status.Conditions, v1alpha1.ConditionMeshed).Message
	b.Expect(message).To(Equal("the cluster does not have PeerAuthentication of security.istio.io/v1; mutual TLS is not asked for"))
	b.tiered("web-2", "none")
	b.namespace("web-4", "web")
	want := maps.Clone(all)
	delete(want, "web-2/segmentation")
	want["web-4/segmentation"] = []string{"web-4"}
	want["api-1/segmentation-web-api"] = []string{"web-1", "web-4"}
	want["api-2/segmentation-web-api"] = []string{"web-1", "web-4"}
	b.Eventually(b.callers).Should(Equal(want))
	b.env.EventuallyReady(b.t, "shop")
	b.change(func(p *v1alpha1.SegmentationProfile) { p.Spec.Mesh = v1alpha1.Mesh{} })
	b.Eventually(b.callers).Should(BeEmpty())
	b.change(func(p *v1alpha1.SegmentationProfile) { p.Spec.Mesh.Istio = &v1alpha1.Istio{} })
	b.Eventually(b.meshed).Should(Equal("True Meshed"), "they are not needed")
	b.Expect(b.callers()).To(Equal(want))

	b.change(func(p *v1alpha1.SegmentationProfile) { p.Spec.Mesh.Istio.MutualTLS = v1alpha1.MutualTLSStrict })
	b.Eventually(b.meshed).Should(Equal("False APIMissing"))
	b.define(mesh.KindPeerAuthentication)
	b.Eventually(b.meshed).Should(Equal("True Meshed"))
	var written mesh.PeerAuthenticationList
	b.Expect(b.admin.List(b.t.Context(), &written)).To(Succeed())
	b.Expect(written.Items).To(HaveLen(6))
	b.tiered("web-4", "none")
	b.tiered("web-2", "web")
	b.Eventually(b.callers).Should(Equal(all))
}
