package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"go/build"
	"io"
	"os"
	"path/filepath"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
)

// Definition reads a CustomResourceDefinition that a Go module ships. The package is one of the module, and the file is
// given from its directory on; the definition is the one of that name in it.
func Definition(ofPackage, file, name string) (*apiextensionsv1.CustomResourceDefinition, error) {
	found, err := build.Import(ofPackage, ".", build.FindOnly)
	if err != nil {
		return nil, fmt.Errorf("finding the module of %s: %w", ofPackage, err)
	}
	raw, err := os.ReadFile(filepath.Join(found.Dir, file))
	if err != nil {
		return nil, err
	}
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096)
	for {
		out := &apiextensionsv1.CustomResourceDefinition{}
		if err := decoder.Decode(out); errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s has no definition of %s", file, name)
		} else if err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		if out.Name == name {
			return out, nil
		}
	}
}

// Guardrails is the definition of ClusterNetworkPolicies, as the project that defines them releases it.
func Guardrails() (*apiextensionsv1.CustomResourceDefinition, error) {
	return Definition("sigs.k8s.io/network-policy-api/apis/v1alpha2",
		"../../config/crd/standard/policy.networking.k8s.io_clusternetworkpolicies.yaml", "clusternetworkpolicies.policy.networking.k8s.io")
}

// Mesh is the definitions of Istio's policies, with schemas that take everything. Istio's own are in test/istio.
func Mesh() []*apiextensionsv1.CustomResourceDefinition {
	var out []*apiextensionsv1.CustomResourceDefinition
	for kind, plural := range map[string]string{
		mesh.KindAuthorizationPolicy: "authorizationpolicies", mesh.KindPeerAuthentication: "peerauthentications",
	} {
		out = append(out, &apiextensionsv1.CustomResourceDefinition{
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
		})
	}
	return out
}
