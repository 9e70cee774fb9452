package operator

import (
	"context"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// installMesh installs the kinds of Istio, with schemas that take everything, and removes them when the test ends. Istio's
// own are in test/istio.
func (w *world) installMesh() {
	w.t.Helper()
	for _, definition := range deploy.Mesh() {
		w.Expect(env.admin.Create(w.ctx(), definition)).To(Succeed())
		w.root.Cleanup(func() { w.removeGuardrails(context.Background(), definition) })
	}
}

// driftOfMesh changes the policies of Istio in some namespaces, and puts others beside that say they are the operator's. It
// waits until that is mended.
func (w *world) driftOfMesh(p *v1alpha1.SegmentationProfile, namespaces ...string) {
	w.t.Helper()
	w.condition(p, v1alpha1.ConditionMeshed, metav1.ConditionTrue, v1alpha1.ReasonMeshed)
	for _, name := range namespaces {
		meta := func(object string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: w.ns(name), Name: object} }
		for _, o := range []client.Object{
			&mesh.AuthorizationPolicy{ObjectMeta: meta("segmentation")}, &mesh.AuthorizationPolicy{ObjectMeta: meta("segmentation-web-web")},
			&mesh.PeerAuthentication{ObjectMeta: meta("segmentation")},
		} {
			w.Expect(env.admin.Get(w.ctx(), client.ObjectKeyFromObject(o), o)).To(Succeed())
			labels := o.GetLabels()
			changed := []byte(`{"metadata":{"labels":{"segmentation.dev/tier":"another"}}}`)
			w.Expect(env.admin.Patch(w.ctx(), o, client.RawPatch(types.MergePatchType, changed))).To(Succeed())
			w.Eventually(func() (map[string]string, error) {
				err := env.admin.Get(w.ctx(), client.ObjectKeyFromObject(o), o)
				return o.GetLabels(), err
			}, soon, tick).Should(Equal(labels))
		}
		for _, o := range []client.Object{
			&mesh.AuthorizationPolicy{ObjectMeta: meta("forged")}, &mesh.PeerAuthentication{ObjectMeta: meta("forged")},
		} {
			o.SetLabels(map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue})
			w.Expect(env.admin.Create(w.ctx(), o)).To(Succeed())
			w.Eventually(func() bool {
				return apierrors.IsNotFound(env.admin.Get(w.ctx(), client.ObjectKeyFromObject(o), o))
			}, soon, tick).Should(BeTrue())
		}
	}
}
