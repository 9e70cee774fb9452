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
	"k8s.io/apimachinery/pkg/util/yaml"
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
