package crdcheck

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

func read(t *testing.T, spec string) (*v1alpha1.SegmentationProfile, error) {
	t.Helper()
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	obj := &unstructured.Unstructured{}
	text := "apiVersion: segmentation.dev/v1alpha1\nkind: SegmentationProfile\nmetadata: {name: shop}\nspec: " + spec
	if err := yaml.Unmarshal([]byte(text), &obj.Object); err != nil {
		t.Fatal(err)
	}
	return c.Read(t.Context(), obj)
}

func TestDefaultsAreFilledIn(t *testing.T) {
	got, err := read(t, "{tiers: [{name: web, namespaces: {names: [web]}}]}")
	if err != nil {
		t.Fatal(err)
	}
	if got.Spec.Mode != v1alpha1.ModeEnforce || got.Spec.DNS.Namespace != "kube-system" ||
		got.Spec.Tiers[0].InternalTraffic != v1alpha1.InternalTrafficSameNamespace {
		t.Errorf("got %+v", got.Spec)
	}
}

// TestWhatTheAPIServerRefuses has its words; that these are its words is compared with a real one in test/integration/api.
func TestWhatTheAPIServerRefuses(t *testing.T) {
	cases := map[string]struct{ spec, want string }{
		"by the schema": {"{tiers: [{name: web, namespaces: {names: [web]}, internalTraffic: Some}]}", `Unsupported value: "Some"`},
		"by a rule": {
			"{tiers: [{name: web, namespaces: {}}]}", "spec.tiers[0].namespaces: Invalid value: give either selector or names, and only one of them",
		},
		"two of one name": {
			"{tiers: [{name: web, namespaces: {names: [a]}}, {name: web, namespaces: {names: [b]}}]}", `spec.tiers[1]: Duplicate value: {"name":"web"}`,
		},
		"an unknown field": {"{tiers: [{name: web, namespaces: {names: [a]}, internaltraffic: Deny}]}", "spec.tiers[0].internaltraffic: Invalid value: unknown field"},
		"no spec at all":   {"{}", "spec.tiers: Required value"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := read(t, c.spec)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}
