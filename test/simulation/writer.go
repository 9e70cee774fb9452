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
	// turn waits until the write may be made. It says what becomes of it.
	turn func(namespace string) (fate, error)
	// wrote is called after a write.
	wrote func(namespace, text string)
	// swap makes of two writes in a namespace, of an object and whatever comes then, the second one first, to show that a
	// broken order is found out.
	swap bool
	late map[string]func()
	// recreate makes two writes of a change: a deletion and a creation, as some tools do it.
	recreate bool
}

// fate is what becomes of a write.
type fate string

const (
	// made: it is made, and answered.
	made fate = "made"
	// unanswered: it is made, and the operator gets an error.
	unanswered fate = "unanswered"
	// dropped: it is not made, and the operator gets an error.
	dropped fate = "dropped"
	// refused: it is not made, and the operator gets an error that a person has to mend.
	refused fate = "refused"
	// crashed: it is not made, and there is no operator any more.
	crashed fate = "crashed"
)

// errLost is what the operator gets for a write that is not made, or not answered.
var errLost = errors.New("the connection was reset")

// errRefused is what the operator gets from an admission plugin that lets no write pass.
var errRefused = apierrors.NewForbidden(schema.GroupResource{Resource: "objects"}, "any", errors.New("not on a Friday"))

// admit waits until a write may be made in a namespace, if that is still there then.
func (w *writer) admit(namespace string) (fate, error) {
	f, err := w.turn(namespace)
	if err == nil && w.store.namespaces[namespace] == nil {
		err = apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, namespace)
	}
	return f, err
}

// finish tells of a write, and answers it.
func (w *writer) finish(f fate, namespace, text string) error {
	if f == unanswered {
		w.wrote(namespace, text+", and there is no answer")
		return errLost
	}
	w.wrote(namespace, text)
	return nil
}

// catchUp makes the write of a namespace that was held back.
func (w *writer) catchUp(namespace string) {
	write := w.late[namespace]
	delete(w.late, namespace)
	if write != nil && w.store.namespaces[namespace] != nil {
		write()
	}
}

func conflict(name string) error {
	return apierrors.NewConflict(schema.GroupResource{Resource: "objects"}, name, errors.New("it is another one"))
}

// Apply labels a namespace.
func (w *writer) Apply(_ context.Context, config runtime.ApplyConfiguration, _ ...client.ApplyOption) error {
	n, ok := config.(*corev1ac.NamespaceApplyConfiguration)
	if !ok {
		return fmt.Errorf("apply of a %T", config)
	}
	return w.label(n)
}

// Create creates an object.
func (w *writer) Create(_ context.Context, obj client.Object, _ ...client.CreateOption) error {
	return w.put(obj, func(have client.Object) error {
		if have != nil {
			return apierrors.NewAlreadyExists(schema.GroupResource{Resource: "objects"}, obj.GetName())
		}
		return nil
	})
}

// Update replaces an object as it was seen, or if no version is given whatever it is by now.
func (w *writer) Update(_ context.Context, obj client.Object, _ ...client.UpdateOption) error {
	return w.put(obj, func(have client.Object) error {
		switch version := obj.GetResourceVersion(); {
		case have == nil:
			return apierrors.NewNotFound(schema.GroupResource{Resource: "objects"}, obj.GetName())
		case have.GetUID() != obj.GetUID(), version != "" && version != have.GetResourceVersion():
			return conflict(obj.GetName())
		default:
			return nil
		}
	})
}

// put stores a copy of an object, if nothing speaks against it.
func (w *writer) put(obj client.Object, check func(have client.Object) error) error {
	namespace := obj.GetNamespace()
	f, err := w.admit(namespace)
	if err != nil {
		return err
	}
	key := id{kindOf(obj), obj.GetName()}
	have := w.store.objects[namespace][key]
	if err := check(have); err != nil {
		return err
	}
	w.store.stamp(obj)
	stored, ok := obj.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("a copy of a %T is none", obj)
	}
	text := fmt.Sprint("put ", key.kind, " ", namespace, "/", key.name)
	if w.swap && w.late[namespace] == nil {
		w.late[namespace] = func() {
			w.store.objects[namespace][key] = stored
			w.wrote(namespace, text)
		}
		return nil
	}
	if w.recreate && have != nil {
		delete(w.store.objects[namespace], key)
		w.wrote(namespace, "delete, to "+text)
	}
	w.store.objects[namespace][key] = stored
	err = w.finish(f, namespace, text)
	w.catchUp(namespace)
	return err
}

func (w *writer) label(n *corev1ac.NamespaceApplyConfiguration) error {
	f, err := w.admit(*n.Name)
	if err != nil {
		return err
	}
	if have := w.store.namespaces[*n.Name]; have.UID != *n.UID || n.ResourceVersion != nil && have.ResourceVersion != *n.ResourceVersion {
		return conflict(*n.Name)
	}
	w.store.label(*n.Name, n.Labels)
	n.WithResourceVersion(w.store.namespaces[*n.Name].ResourceVersion)
	err = w.finish(f, *n.Name, fmt.Sprint("label ", *n.Name, " ", n.Labels))
	w.catchUp(*n.Name)
	return err
}

// Patch takes labels off a namespace.
func (w *writer) Patch(_ context.Context, obj client.Object, patch client.Patch, _ ...client.PatchOption) error {
	name := obj.GetName()
	f, err := w.admit(name)
	if err != nil {
		return err
	}
	raw, err := patch.Data(obj)
	if err != nil {
		return err
	}
	var body struct {
		Metadata struct {
			UID             string             `json:"uid"`
			ResourceVersion string             `json:"resourceVersion"`
			Labels          map[string]*string `json:"labels"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return err
	}
	have := w.store.namespaces[name]
	if version := body.Metadata.ResourceVersion; string(have.UID) != body.Metadata.UID || version != "" && version != have.ResourceVersion {
		return conflict(name)
	}
	off := map[string]string{}
	for key := range body.Metadata.Labels {
		off[key] = ""
	}
	w.store.label(name, off)
	obj.SetResourceVersion(w.store.namespaces[name].ResourceVersion)
	return w.finish(f, name, "unlabel "+name)
}

// Delete deletes an object as it was seen, and no other.
func (w *writer) Delete(_ context.Context, obj client.Object, opts ...client.DeleteOption) error {
	namespace := obj.GetNamespace()
	f, err := w.admit(namespace)
	if err != nil {
		return err
	}
	key := id{kindOf(obj), obj.GetName()}
	have := w.store.objects[namespace][key]
	if have == nil {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "objects"}, key.name)
	}
	options := (&client.DeleteOptions{}).ApplyOptions(opts)
	version := options.Preconditions.ResourceVersion
	if *options.Preconditions.UID != have.GetUID() || version != nil && *version != have.GetResourceVersion() {
		return conflict(key.name)
	}
	delete(w.store.objects[namespace], key)
	err = w.finish(f, namespace, fmt.Sprint("delete ", key.kind, " ", namespace, "/", key.name))
	w.catchUp(namespace)
	return err
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
