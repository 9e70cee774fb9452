package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fieldOwner is who the demo applies as: the same as kubectl, so that who goes on with
// "kubectl apply --server-side" meets no conflicts.
const fieldOwner = client.FieldOwner("kubectl")

// readManifests reads all objects of a YAML file; - is standard input.
func readManifests(path string) ([]*unstructured.Unstructured, error) {
	if path == "-" {
		return decodeManifests("standard input", os.Stdin)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return decodeManifests(path, file)
}

func decodeManifests(name string, from io.Reader) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bufio.NewReader(from), 4096)
	for {
		var raw runtime.RawExtension
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		if len(raw.Raw) == 0 { // nothing between two separators, or comments
			continue
		}
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(raw.Raw); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		objects = append(objects, object)
	}
}

// ofKind returns the objects of one kind.
func ofKind(objects []*unstructured.Unstructured, kind string) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, object := range objects {
		if object.GetKind() == kind {
			found = append(found, object)
		}
	}
	return found
}

// writeManifests writes objects to a file, as YAML's subset JSON.
func writeManifests(path string, objects []*unstructured.Unstructured) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	for _, object := range objects {
		var content []byte
		if content, err = object.MarshalJSON(); err != nil {
			break
		}
		if _, err = fmt.Fprintf(file, "---\n%s", content); err != nil {
			break
		}
	}
	return errors.Join(err, file.Close())
}

// apply applies objects in their order, by server-side apply.
func (d *demo) apply(ctx context.Context, objects []*unstructured.Unstructured) error {
	for _, object := range objects {
		// What is applied is overwritten with what the API server answers.
		applied := client.ApplyConfigurationFromUnstructured(object.DeepCopy())
		if err := d.admin.Apply(ctx, applied, fieldOwner, client.ForceOwnership); err != nil {
			return fmt.Errorf("applying %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}
