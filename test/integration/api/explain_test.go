package api

import (
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// standard are the fields that every object has, with the words that every object has for them.
var standard = []string{"apiVersion", "kind", "metadata"}

// kubectl explain shows the descriptions of the CRD. Each field has one, it begins with the
// field's name and it consists of sentences.
func TestKubectlExplainTeachesEveryField(t *testing.T) {
	crd := &apiextensionsv1.CustomResourceDefinition{}
	key := client.ObjectKey{Name: "segmentationprofiles.segmentation.dev"}
	if err := server.Get(t.Context(), key, crd); err != nil {
		t.Fatal(err)
	}
	schema := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	if !strings.Contains(schema.Description, "spec.tiers") {
		t.Errorf("explain segmentationprofiles does not say where to begin:\n%s", schema.Description)
	}
	for _, name := range standard {
		delete(schema.Properties, name)
	}
	fields := 0
	visit("", schema, func(path, name string, field *apiextensionsv1.JSONSchemaProps) {
		fields++
		description := strings.TrimSpace(field.Description)
		if !strings.HasPrefix(description, name+" ") || !strings.HasSuffix(description, ".") {
			t.Errorf("%s: the description is no sentence about %s:\n%s", path, name, description)
		}
	})
	if fields < 60 {
		t.Errorf("only %d fields were found", fields)
	}
}

// visit calls back for each field of a schema, at any depth.
func visit(path string, schema *apiextensionsv1.JSONSchemaProps, each func(path, name string, field *apiextensionsv1.JSONSchemaProps)) {
	for name, property := range schema.Properties {
		each(path+"."+name, name, &property)
		visit(path+"."+name, &property, each)
	}
	if schema.Items != nil {
		visit(path+"[]", schema.Items.Schema, each)
	}
}
