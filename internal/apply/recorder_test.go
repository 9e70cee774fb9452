package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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

// Apply writes down whether the object is created or changed, and whether by force.
func (r *recorder) Apply(_ context.Context, config runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	options := (&client.ApplyOptions{}).ApplyOptions(opts)
	if options.FieldManager != "segmentation-operator" {
		return fmt.Errorf("the field owner is %q", options.FieldManager)
	}
	force := options.Force != nil && *options.Force
	if n, ok := config.(*corev1ac.NamespaceApplyConfiguration); ok {
		version := ""
		if n.ResourceVersion != nil {
			version = *n.ResourceVersion
		}
		r.versions = append(r.versions, version)
		err := r.did("label %s %s", *n.Name, n.Labels["segmentation.dev/tier"])
		n.WithResourceVersion(r.resourceVersion())
		return err
	}
	u, ok := config.(interface {
		client.Object
		UnstructuredContent() map[string]any
	})
	if !ok {
		return fmt.Errorf("unexpected configuration %T", config)
	}
	verb := "create"
	if u.GetUID() != "" {
		verb = "change"
	}
	if force != (verb == "change") || (u.GetResourceVersion() == neverVersion) != (verb == "create") {
		return fmt.Errorf("%s of %s by force %t at version %q", verb, u.GetName(), force, u.GetResourceVersion())
	}
	kind, _, _ := unstructured.NestedString(u.UnstructuredContent(), "kind")
	note := ""
	if r.tells != nil {
		note = r.tells(typed(kind, u.UnstructuredContent()))
	}
	err := r.did("%s %s %s%s", verb, kind, u.GetName(), note)
	u.SetResourceVersion(r.resourceVersion())
	if u.GetUID() == "" {
		u.SetUID(types.UID("uid-of-" + u.GetName()))
	}
	if u.GetName() == r.altered {
		u.SetAnnotations(map[string]string{"segmentation.dev/declared-by": "somebody else"})
	}
	return err
}

// typed reads an object that is applied.
func typed(kind string, content map[string]any) client.Object {
	var out client.Object
	switch Kind(kind) {
	case KindNetworkPolicy:
		out = &networkingv1.NetworkPolicy{}
	case KindRole:
		out = &rbacv1.Role{}
	default:
		out = &rbacv1.RoleBinding{}
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, out); err != nil {
		panic(err)
	}
	return out
}

// Delete writes down what is deleted, and insists on preconditions.
func (r *recorder) Delete(_ context.Context, obj client.Object, opts ...client.DeleteOption) error {
	options := (&client.DeleteOptions{}).ApplyOptions(opts)
	if options.Preconditions == nil || options.Preconditions.UID == nil || options.Preconditions.ResourceVersion == nil {
		return fmt.Errorf("%s is deleted without preconditions", obj.GetName())
	}
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
