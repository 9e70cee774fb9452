package admission

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
)

// TestOnlyTheOperatorSwitchesPoliciesOfIstio has a cluster admin try. Istio's labels and annotations say whether it enforces
// a policy.
func TestOnlyTheOperatorSwitchesPoliciesOfIstio(t *testing.T) {
	w := newWorld(t)
	for kind, plural := range map[string]string{
		mesh.KindAuthorizationPolicy: "authorizationpolicies", mesh.KindPeerAuthentication: "peerauthentications",
	} {
		definition := &apiextensionsv1.CustomResourceDefinition{
			ObjectMeta: metav1.ObjectMeta{Name: plural + "." + mesh.Group},
			Spec: apiextensionsv1.CustomResourceDefinitionSpec{
				Group: mesh.Group, Scope: apiextensionsv1.NamespaceScoped,
				Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: kind, Plural: plural},
				Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
					Name: mesh.GroupVersion().Version, Served: true, Storage: true,
					Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
						Type: "object", XPreserveUnknownFields: new(true),
					}},
				}},
			},
		}
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
