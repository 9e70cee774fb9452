package operator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// repository is the root of the repository, seen from this package.
const repository = "../../.."

// applyManifests applies, as an admin, all objects in the files of the pattern.
func applyManifests(ctx context.Context, pattern string) error {
	files, err := filepath.Glob(filepath.Join(repository, pattern))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no files %s", pattern)
	}
	for _, file := range files {
		objects, err := readManifests(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, obj := range objects {
			config := client.ApplyConfigurationFromUnstructured(obj)
			if err := env.admin.Apply(ctx, config, client.FieldOwner("test"), client.ForceOwnership); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return nil
}

// readManifests reads the objects of a file; a kustomization is none.
func readManifests(file string) ([]*unstructured.Unstructured, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		obj := &unstructured.Unstructured{}
		err := decoder.Decode(&obj.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		if obj.GetKind() != "" && obj.GetKind() != "Kustomization" {
			objects = append(objects, obj)
		}
	}
}
