package chart

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// everything are the values that install all parts.
const everything = `
metrics: {serviceMonitor: {enabled: true}, rules: {enabled: true}, dashboard: {enabled: true}}
networkPolicy: {enabled: true}
`

// kustomized is what kustomize builds from directories in config/.
func kustomized(t *testing.T, dirs ...string) objects {
	t.Helper()
	out := objects{}
	for _, dir := range dirs {
		kustomizer := krusty.MakeKustomizer(krusty.MakeDefaultOptions())
		built := must(kustomizer.Run(filesys.MakeFsOnDisk(), repository(t, "config", dir)))(t)
		maps.Copy(out, readObjects(t, string(must(built.AsYaml())(t))))
	}
	return out
}

// TestTheChartIsWhatKustomizeBuilds allows for three differences, and insists on each: the labels of a chart, the
// annotations by which Helm and Argo CD keep the CRD, and Helm the aggregated role, and the Namespace, which Helm makes itself or finds.
func TestTheChartIsWhatKustomizeBuilds(t *testing.T) {
	cases := map[string]struct {
		values string
		dirs   []string
	}{
		"with nothing set, what is installed by default": {"", []string{"default"}},
		"with all parts": {everything, []string{"default", "prometheus", "network-policy"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			want, got := kustomized(t, c.dirs...), render(t, c.values)
			delete(want, "Namespace "+deploy.Namespace)
			for _, obj := range got {
				takeOffChartLabels(t, obj)
			}
			takeOffAnnotations(t, got["ClusterRole segmentation-operator-grantable"], map[string]string{"helm.sh/resource-policy": "keep"})
			takeOffAnnotations(t, got["CustomResourceDefinition segmentationprofiles.segmentation.dev"], map[string]string{
				"helm.sh/resource-policy": "keep", "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
			})
			for _, obj := range want {
				// The parts that are left to choose have one label less.
				labels := obj.GetLabels()
				labels["app.kubernetes.io/part-of"] = "segmentation-operator"
				obj.SetLabels(labels)
			}
			if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
				t.Errorf("kustomize and the chart differ (-kustomize +chart):\n%s", diff)
			}
		})
	}
}

func plain(objs objects) map[string]any {
	out := map[string]any{}
	for key, obj := range objs {
		out[key] = obj.Object
	}
	return out
}

func takeOffChartLabels(t *testing.T, obj *unstructured.Unstructured) {
	t.Helper()
	labels := obj.GetLabels()
	for label, want := range map[string]string{
		"app.kubernetes.io/version": "latest", "helm.sh/chart": "segmentation-operator-0.0.0",
	} {
		if labels[label] != want {
			t.Errorf("%s has the label %s: %q, not %q", key(obj), label, labels[label], want)
		}
		delete(labels, label)
	}
	obj.SetLabels(labels)
}

// takeOffAnnotations takes off annotations that have to be there.
func takeOffAnnotations(t *testing.T, obj *unstructured.Unstructured, wanted map[string]string) {
	t.Helper()
	annotations := obj.GetAnnotations()
	for annotation, want := range wanted {
		if annotations[annotation] != want {
			t.Errorf("%s could be deleted when it must not: %s is %q", key(obj), annotation, annotations[annotation])
		}
		delete(annotations, annotation)
	}
	if len(annotations) == 0 {
		annotations = nil
	}
	obj.SetAnnotations(annotations)
}

// TestTheNamespaceOfTheReleaseIsHonoured replaces one name by another in all that is rendered, wherever it is.
func TestTheNamespaceOfTheReleaseIsHonoured(t *testing.T) {
	const other = "net-policies"
	usual := must(try(checkout(t), deploy.Namespace, parse(t, everything)))(t).Manifest
	got := readObjects(t, must(try(checkout(t), other, parse(t, everything)))(t).Manifest)
	want := readObjects(t, strings.ReplaceAll(usual, deploy.Namespace, other))
	if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
		t.Errorf("in another namespace (-want +got):\n%s", diff)
	}
	if n := strings.Count(usual, deploy.Namespace); n < 20 {
		t.Errorf("the namespace is named %d times only: is the test's name of it still right?", n)
	}
	namespaces := map[string]bool{}
	for _, obj := range got {
		namespaces[obj.GetNamespace()] = true
	}
	// Events on profiles are in default.
	if diff := cmp.Diff([]string{"", "default", other}, slices.Sorted(maps.Keys(namespaces))); diff != "" {
		t.Errorf("objects are in namespaces (-want +got):\n%s", diff)
	}
}
