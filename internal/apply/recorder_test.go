package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// recorder is a client that writes down what it is asked, and answers as it is told.
type recorder struct {
	client.Writer
	calls []string
	// errs are the errors by call.
	errs map[string]error
	// versions are those that the namespace must have when its labels are changed; empty for any.
	versions []string
	// replaced are the versions that objects must have when they are changed; empty for any.
	replaced []string
	// preconditions are the versions that objects must have when they are deleted; empty for any.
	preconditions []string
	// tells says of an object that is sent what is to be noted beside its name; optional.
	tells func(client.Object) string
	// altered is the name of an object that is stored otherwise than it was sent.
	altered string
	version int
}

func (r *recorder) did(format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	r.calls = append(r.calls, call)
	r.version++
	return r.errs[call]
}

func (r *recorder) resourceVersion() string { return strconv.Itoa(100 + r.version) }

// Apply writes down that the namespace is labelled.
func (r *recorder) Apply(_ context.Context, config runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	options := (&client.ApplyOptions{}).ApplyOptions(opts)
	if options.FieldManager != "segmentation-operator" {
		return fmt.Errorf("the field owner is %q", options.FieldManager)
	}
	n, ok := config.(*corev1ac.NamespaceApplyConfiguration)
	if !ok {
		return fmt.Errorf("unexpected configuration %T", config)
	}
	version := ""
	if n.ResourceVersion != nil {
		version = *n.ResourceVersion
	}
	r.versions = append(r.versions, version)
	err := r.did("label %s %s", *n.Name, n.Labels["segmentation.dev/tier"])
	n.WithResourceVersion(r.resourceVersion())
	return err
}

// Create writes down what is created.
func (r *recorder) Create(_ context.Context, obj client.Object, opts ...client.CreateOption) error {
	options := (&client.CreateOptions{}).ApplyOptions(opts)
	if options.FieldManager != "segmentation-operator" || obj.GetUID() != "" || obj.GetResourceVersion() != "" {
		return fmt.Errorf("%s is created by %q, with UID %q and version %q",
			obj.GetName(), options.FieldManager, obj.GetUID(), obj.GetResourceVersion())
	}
	err := r.put("create", obj)
	obj.SetUID(types.UID("uid-of-" + obj.GetName()))
	return err
}

// Update writes down what is changed, and insists on the very object that was seen.
func (r *recorder) Update(_ context.Context, obj client.Object, opts ...client.UpdateOption) error {
	options := (&client.UpdateOptions{}).ApplyOptions(opts)
	if options.FieldManager != "segmentation-operator" || obj.GetUID() == "" {
		return fmt.Errorf("%s is changed by %q, with UID %q", obj.GetName(), options.FieldManager, obj.GetUID())
	}
	r.replaced = append(r.replaced, obj.GetResourceVersion())
	return r.put("change", obj)
}

// put writes down what is written, and answers as the API server does.
func (r *recorder) put(verb string, obj client.Object) error {
	note := ""
	if r.tells != nil {
		note = r.tells(obj)
	}
	err := r.did("%s %s %s%s", verb, kindOf(obj), obj.GetName(), note)
	obj.SetResourceVersion(r.resourceVersion())
	if obj.GetName() == r.altered {
		obj.SetAnnotations(map[string]string{"segmentation.dev/declared-by": "somebody else"})
	}
	return err
}

// Delete writes down what is deleted, and insists on preconditions.
func (r *recorder) Delete(_ context.Context, obj client.Object, opts ...client.DeleteOption) error {
	options := (&client.DeleteOptions{}).ApplyOptions(opts)
	if options.Preconditions == nil || options.Preconditions.UID == nil {
		return fmt.Errorf("%s is deleted without preconditions", obj.GetName())
	}
	version := ""
	if options.Preconditions.ResourceVersion != nil {
		version = *options.Preconditions.ResourceVersion
	}
	r.preconditions = append(r.preconditions, version)
	return r.did("delete %s %s", kindOf(obj), obj.GetName())
}

// Patch writes down that the membership labels are removed.
func (r *recorder) Patch(_ context.Context, obj client.Object, patch client.Patch, _ ...client.PatchOption) error {
	data, err := patch.Data(obj)
	if err != nil {
		return err
	}
	if !strings.Contains(string(data), `"segmentation.dev/tier":null`) || !strings.Contains(string(data), `"uid":"`) {
		return fmt.Errorf("unexpected patch %s", data)
	}
	var sent metav1.PartialObjectMetadata
	if err := json.Unmarshal(data, &sent); err != nil {
		return err
	}
	r.versions = append(r.versions, sent.ResourceVersion)
	err = r.did("unlabel %s", obj.GetName())
	if meta, ok := obj.(*metav1.PartialObjectMetadata); ok {
		meta.ResourceVersion = r.resourceVersion()
	}
	return err
}
