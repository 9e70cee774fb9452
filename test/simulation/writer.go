package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// errCrashed is what a write gets whose operator is no more.
var errCrashed = errors.New("the operator crashed")

// writer is the client of one life of the operator. Before each write it hands control back, and
// after it tells what was changed.
type writer struct {
	client.Writer

	store *store
	// turn waits until the write may be made, and fails if the operator crashed.
	turn func(namespace string) error
	// wrote is called after a write.
	wrote func(namespace, text string)
}

func conflict(name string) error {
	return apierrors.NewConflict(schema.GroupResource{Resource: "objects"}, name, errors.New("it is another one"))
}

// applied is what a configuration of an object can be asked.
type applied interface {
	client.Object
	UnstructuredContent() map[string]any
}

// Apply creates or changes an object, or labels a namespace.
func (w *writer) Apply(_ context.Context, config runtime.ApplyConfiguration, _ ...client.ApplyOption) error {
	if n, ok := config.(*corev1ac.NamespaceApplyConfiguration); ok {
		return w.label(n)
	}
	u, ok := config.(applied)
	if !ok {
		return fmt.Errorf("apply of a %T", config)
	}
	namespace := u.GetNamespace()
	if err := w.turn(namespace); err != nil {
		return err
	}
	obj, err := typed(u)
	if err != nil {
		return err
	}
	key := id{u.GetObjectKind().GroupVersionKind().Kind, u.GetName()}
	have := w.store.objects[namespace][key]
	if (have == nil) != (u.GetUID() == "") || have != nil && have.GetUID() != u.GetUID() {
		return conflict(key.name)
	}
	w.store.stamp(obj)
	w.store.objects[namespace][key] = obj
	u.SetUID(obj.GetUID())
	u.SetResourceVersion(obj.GetResourceVersion())
	w.wrote(namespace, fmt.Sprint("apply ", key.kind, " ", namespace, "/", key.name))
	return nil
}

func typed(u applied) (client.Object, error) {
	var obj client.Object
	switch kind := u.GetObjectKind().GroupVersionKind().Kind; kind {
	case "NetworkPolicy":
		obj = &networkingv1.NetworkPolicy{}
	case "Role":
		obj = &rbacv1.Role{}
	case "RoleBinding":
		obj = &rbacv1.RoleBinding{}
	default:
		return nil, fmt.Errorf("apply of a %s", kind)
	}
	return obj, runtime.DefaultUnstructuredConverter.FromUnstructured(u.UnstructuredContent(), obj)
}

func (w *writer) label(n *corev1ac.NamespaceApplyConfiguration) error {
	if err := w.turn(*n.Name); err != nil {
		return err
	}
	if w.store.namespaces[*n.Name].UID != *n.UID {
		return conflict(*n.Name)
	}
	w.store.label(*n.Name, n.Labels)
	n.WithResourceVersion(w.store.namespaces[*n.Name].ResourceVersion)
	w.wrote(*n.Name, fmt.Sprint("label ", *n.Name, " ", n.Labels))
	return nil
}

// Patch takes labels off a namespace.
func (w *writer) Patch(_ context.Context, obj client.Object, patch client.Patch, _ ...client.PatchOption) error {
	name := obj.GetName()
	if err := w.turn(name); err != nil {
		return err
	}
	raw, err := patch.Data(obj)
	if err != nil {
		return err
	}
	var body struct {
		Metadata struct {
			UID    string             `json:"uid"`
			Labels map[string]*string `json:"labels"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return err
	}
	if string(w.store.namespaces[name].UID) != body.Metadata.UID {
		return conflict(name)
	}
	off := map[string]string{}
	for key := range body.Metadata.Labels {
		off[key] = ""
	}
	w.store.label(name, off)
	obj.SetResourceVersion(w.store.namespaces[name].ResourceVersion)
	w.wrote(name, "unlabel "+name)
	return nil
}

// Delete deletes an object as it was seen, and no other.
func (w *writer) Delete(_ context.Context, obj client.Object, opts ...client.DeleteOption) error {
	namespace := obj.GetNamespace()
	if err := w.turn(namespace); err != nil {
		return err
	}
	key := id{kindOf(obj), obj.GetName()}
	have := w.store.objects[namespace][key]
	if have == nil {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "objects"}, key.name)
	}
	options := (&client.DeleteOptions{}).ApplyOptions(opts)
	if *options.Preconditions.UID != have.GetUID() || *options.Preconditions.ResourceVersion != have.GetResourceVersion() {
		return conflict(key.name)
	}
	delete(w.store.objects[namespace], key)
	w.wrote(namespace, fmt.Sprint("delete ", key.kind, " ", namespace, "/", key.name))
	return nil
}

func kindOf(obj client.Object) string {
	switch obj.(type) {
	case *networkingv1.NetworkPolicy:
		return "NetworkPolicy"
	case *rbacv1.Role:
		return "Role"
	default:
		return "RoleBinding"
	}
}
