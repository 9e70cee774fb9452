package istio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/yaml"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
)

// storage is what the API server does with an object of a kind before it stores it.
type storage struct {
	structural *structuralschema.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

// storages are those of the kinds that are written, by kind, as the CustomResourceDefinitions of istio.io/api have them.
func storages(t *testing.T) map[string]*storage {
	t.Helper()
	out := map[string]*storage{}
	for _, definition := range definitions(t) {
		for i := range definition.Spec.Versions {
			if version := &definition.Spec.Versions[i]; version.Name == mesh.GroupVersion().Version {
				out[definition.Spec.Names.Kind] = storageOf(t, version)
			}
		}
	}
	for _, kind := range []string{mesh.KindAuthorizationPolicy, mesh.KindPeerAuthentication} {
		if out[kind] == nil {
			t.Fatalf("istio.io/api has no definition of %s in %s", kind, mesh.GroupVersion())
		}
	}
	return out
}

// definitions are the CustomResourceDefinitions of the API group of security in the module istio.io/api.
func definitions(t *testing.T) []apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	module, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "istio.io/api").Output()
	if err != nil {
		t.Fatalf("finding the module istio.io/api: %v", err)
	}
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(module)), "kubernetes", "customresourcedefinitions.gen.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var out []apiextensionsv1.CustomResourceDefinition
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096)
	for {
		var one apiextensionsv1.CustomResourceDefinition
		switch err := decoder.Decode(&one); {
		case errors.Is(err, io.EOF):
			return out
		case err != nil:
			t.Fatal(err)
		case one.Spec.Group == mesh.Group:
			out = append(out, one)
		}
	}
}

func storageOf(t *testing.T, version *apiextensionsv1.CustomResourceDefinitionVersion) *storage {
	t.Helper()
	var props apiextensions.CustomResourceValidation
	if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(version.Schema, &props, nil); err != nil {
		t.Fatal(err)
	}
	structural, err := structuralschema.NewStructural(props.OpenAPIV3Schema)
	if err != nil {
		t.Fatal(err)
	}
	schema, _, err := validation.NewSchemaValidator(props.OpenAPIV3Schema)
	if err != nil {
		t.Fatal(err)
	}
	return &storage{structural, schema, cel.NewValidator(structural, true, celconfig.PerCallLimit)}
}

// store changes an object as the API server does, and says why it would refuse it.
func (s *storage) store(ctx context.Context, object map[string]any) error {
	unknown := pruning.PruneWithOptions(object, s.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	if len(unknown) > 0 {
		return fmt.Errorf("fields that the schema does not have: %v", slices.Sorted(slices.Values(unknown)))
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, s.structural)
	defaulting.Default(object, s.structural)
	errs := validation.ValidateCustomResource(nil, object, s.schema)
	found, _ := s.rules.Validate(ctx, nil, s.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return append(errs, found...).ToAggregate()
}
