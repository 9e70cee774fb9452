package admission

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// TestOnlyTheOperatorSwitchesPoliciesOfIstio has a cluster admin try. Istio's labels and annotations say whether it enforces
// a policy.
func TestOnlyTheOperatorSwitchesPoliciesOfIstio(t *testing.T) {
	w := newWorld(t)
	for _, definition := range deploy.Mesh() {
		w.Expect(env.admin.Create(w.ctx(), definition)).To(Succeed())
		t.Cleanup(func() { _ = env.admin.Delete(context.Background(), definition) })
	}
	w.namespace("one", "web")
	p := w.profile(w.twoTiers("shop").Istio(v1alpha1.Istio{MutualTLS: v1alpha1.MutualTLSStrict}).Obj())
	name := metav1.ObjectMeta{Namespace: w.ns("one"), Name: "segmentation"}
	for kind, obj := range map[string]client.Object{
		mesh.KindAuthorizationPolicy: &mesh.AuthorizationPolicy{ObjectMeta: name},
		mesh.KindPeerAuthentication:  &mesh.PeerAuthentication{ObjectMeta: name},
	} {
		w.Eventually(func() error { return env.admin.Get(w.ctx(), client.ObjectKeyFromObject(obj), obj) }, soon, tick).Should(Succeed())
		message := notDeleted(kind, p.Name) +
			" (of its metadata, other labels and annotations than those of segmentation.dev/ and istio.io/ may be changed)"
		for _, patch := range []string{
			`{"metadata":{"labels":{"istio.io/rev":"another"}}}`, `{"metadata":{"annotations":{"istio.io/dry-run":"true"}}}`,
			`{"spec":{"selector":{"matchLabels":{"app":"none"}}}}`,
		} {
			err := env.admin.Patch(w.ctx(), obj, client.RawPatch(types.MergePatchType, []byte(patch)), client.DryRunAll)
			w.refused(err, managedObjects, message)
		}
		note := []byte(`{"metadata":{"annotations":{"example.com/note":"seen"}}}`)
		w.Expect(env.admin.Patch(w.ctx(), obj, client.RawPatch(types.MergePatchType, note), client.DryRunAll)).To(Succeed())
	}
}
