package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/cli"
	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
)

// TestRenderIsWhatTheOperatorWrites draws profiles, and compares what the command line renders of them with what the
// operator wrote, byte for byte, less what the API server adds.
func TestRenderIsWhatTheOperatorWrites(t *testing.T) {
	w := newWorld(t)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	w.Expect(cluster.WriteKubeconfig(kubeconfig, env.cluster.AdminConfig())).To(Succeed())
	for _, tier := range []string{"web", "api", "data", "0"} {
		for i := range 2 {
			n := builders.MakeNamespace(fmt.Sprintf("%s-%s-%d", w.name, tier, i)).Labels(map[string]string{"tier": tier}).Obj()
			w.Expect(env.admin.Create(w.ctx(), n)).To(Succeed())
			t.Cleanup(func() { _ = env.admin.Delete(context.Background(), n) })
		}
	}
	for seed := range 12 {
		w.run(fmt.Sprint("profile ", seed), func(w *world) {
			drawn := plantest.Profile().Example(seed)
			withoutGrants(drawn)
			drawn.ObjectMeta = metav1.ObjectMeta{Name: fmt.Sprint(w.ns("p"), seed)}
			w.Expect(env.admin.Create(w.ctx(), drawn)).To(Succeed())
			defer func() {
				w.Expect(env.admin.Delete(w.ctx(), drawn)).To(Succeed())
				w.Eventually(func() error { return env.admin.Get(w.ctx(), client.ObjectKeyFromObject(drawn), drawn.DeepCopy()) }, soon, tick).ShouldNot(Succeed())
			}()
			w.Eventually(func() error {
				if err := env.admin.Get(w.ctx(), client.ObjectKeyFromObject(drawn), drawn); err != nil {
					return err
				}
				if drawn.Status.ObservedGeneration != drawn.Generation || drawn.Status.Namespaces.Ready != drawn.Status.Namespaces.Claimed {
					return fmt.Errorf("%s ready", drawn.Status.Namespaces.Summary)
				}
				return nil
			}, soon, tick).Should(Succeed())
			written := w.written(drawn)
			w.Eventually(func() map[string]string { written = w.written(drawn); return written }, soon, tick).Should(Equal(w.rendered(drawn, kubeconfig)))
		})
	}
}

// withoutGrants takes away what the ceiling of the tests does not allow.
func withoutGrants(p *v1alpha1.SegmentationProfile) {
	for i := range p.Spec.Tiers {
		p.Spec.Tiers[i].Access = nil
	}
	p.Spec.Dependencies = slices.DeleteFunc(p.Spec.Dependencies, func(d v1alpha1.Dependency) bool { return len(d.Access) > 0 })
	p.Spec.Roles = nil
}

// rendered are the objects that the command line renders for a profile, as JSON, by what they are.
func (w *world) rendered(p *v1alpha1.SegmentationProfile, kubeconfig string, flags ...string) map[string]string {
	w.t.Helper()
	typed := p.DeepCopy()
	typed.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("SegmentationProfile"))
	typed.ObjectMeta = metav1.ObjectMeta{Name: p.Name}
	typed.Status = v1alpha1.SegmentationProfileStatus{}
	raw, err := yaml.Marshal(typed)
	w.Expect(err).NotTo(HaveOccurred())
	streams, in, out, errOut := genericiooptions.NewTestIOStreams()
	in.Write(raw)
	code := cli.Run(w.ctx(), append([]string{"render", "-f", "-", "--cluster", "--kubeconfig", kubeconfig}, flags...), streams, "test")
	w.Expect(code).To(Equal(cli.ExitDone), errOut.String())
	objects := map[string]string{}
	for document := range bytes.SplitSeq(out.Bytes(), []byte("---\n")) {
		obj := &unstructured.Unstructured{}
		w.Expect(yaml.Unmarshal(document, &obj.Object)).To(Succeed())
		if len(obj.Object) > 0 && obj.GetKind() != "Namespace" {
			objects[obj.GetKind()+" "+obj.GetNamespace()+"/"+obj.GetName()] = bare(w, obj)
		}
	}
	return objects
}

// written are the objects that the operator wrote for a profile, likewise.
func (w *world) written(p *v1alpha1.SegmentationProfile) map[string]string {
	w.t.Helper()
	objects := map[string]string{}
	var namespaces corev1.NamespaceList
	w.Expect(env.admin.List(w.ctx(), &namespaces, client.MatchingLabels{v1alpha1.ProfileLabel: p.Name})).To(Succeed())
	for i := range namespaces.Items {
		for _, kind := range []string{"NetworkPolicy", "Role", "RoleBinding"} {
			list := &unstructured.UnstructuredList{}
			list.SetKind(kind + "List")
			list.SetAPIVersion("rbac.authorization.k8s.io/v1")
			if kind == "NetworkPolicy" {
				list.SetAPIVersion("networking.k8s.io/v1")
			}
			managed := client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
			w.Expect(env.admin.List(w.ctx(), list, client.InNamespace(namespaces.Items[i].Name), managed)).To(Succeed())
			for j := range list.Items {
				obj := &list.Items[j]
				w.Expect(obj.GetName()).To(HavePrefix(render.Prefix))
				objects[kind+" "+obj.GetNamespace()+"/"+obj.GetName()] = bare(w, obj)
			}
		}
	}
	return objects
}

// bare is an object as JSON, without what the API server sets.
func bare(w *world, obj *unstructured.Unstructured) string {
	w.t.Helper()
	for field := range strings.FieldsSeq("uid resourceVersion generation creationTimestamp managedFields") {
		unstructured.RemoveNestedField(obj.Object, "metadata", field)
	}
	raw, err := json.Marshal(obj.Object)
	w.Expect(err).NotTo(HaveOccurred())
	return string(raw)
}
