package crd_test

import (
	"os"
	"slices"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/config/crd"
)

func read(t *testing.T, content []byte) *apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	out := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(content, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// lost says which of the names and versions are gone by which the released CRD is asked for. crdify compares schemas and
// the scope, and none of these.
func lost(released, now *apiextensionsv1.CustomResourceDefinition) (out []string) {
	was, is := released.Spec.Names, now.Spec.Names
	for what, pair := range map[string][2]string{
		"group": {released.Spec.Group, now.Spec.Group}, "kind": {was.Kind, is.Kind}, "listKind": {was.ListKind, is.ListKind},
		"plural": {was.Plural, is.Plural}, "singular": {was.Singular, is.Singular},
	} {
		if pair[0] != pair[1] {
			out = append(out, what+" "+pair[0])
		}
	}
	for what, pair := range map[string][2][]string{
		"short name": {was.ShortNames, is.ShortNames}, "category": {was.Categories, is.Categories}, "version": {served(released), served(now)},
	} {
		for _, name := range pair[0] {
			if !slices.Contains(pair[1], name) {
				out = append(out, what+" "+name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// served are the versions that are served, and those of them that have a status of its own.
func served(d *apiextensionsv1.CustomResourceDefinition) (out []string) {
	for i := range d.Spec.Versions {
		v := &d.Spec.Versions[i]
		if !v.Served {
			continue
		}
		out = append(out, v.Name)
		if v.Subresources != nil && v.Subresources.Status != nil {
			out = append(out, v.Name+"/status")
		}
	}
	return out
}

func TestNoReleasedNameIsLost(t *testing.T) {
	content, err := os.ReadFile("../../internal/tools/crdify/released.yaml")
	if err != nil {
		t.Fatal(err)
	}
	released := read(t, content)
	if got := lost(released, read(t, crd.SegmentationProfiles)); len(got) > 0 {
		t.Errorf("not compatible with the CRD that was released: it has lost %v; see docs/api-evolution.md", got)
	}
}

func TestLost(t *testing.T) {
	released := read(t, crd.SegmentationProfiles)
	type definition = apiextensionsv1.CustomResourceDefinition
	cases := map[string]struct {
		change func(*definition)
		want   []string
	}{
		"nothing": {func(*definition) {}, nil},
		"one version more": {
			func(d *definition) {
				d.Spec.Versions = append(d.Spec.Versions, apiextensionsv1.CustomResourceDefinitionVersion{Name: "v1beta1", Served: true})
			}, nil,
		},
		"another name":  {func(d *definition) { d.Spec.Names.Kind = "Profile" }, []string{"kind SegmentationProfile"}},
		"no short name": {func(d *definition) { d.Spec.Names.ShortNames = nil }, []string{"short name segprof"}},
		"a version that is not served": {
			func(d *definition) { d.Spec.Versions[0].Served = false },
			[]string{"version v1alpha1", "version v1alpha1/status"},
		},
		"no status": {func(d *definition) { d.Spec.Versions[0].Subresources = nil }, []string{"version v1alpha1/status"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			changed := released.DeepCopy()
			c.change(changed)
			if got := lost(released, changed); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
