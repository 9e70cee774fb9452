package apply

import (
	"errors"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// neverVersion is a resource version that no object has. An apply with it creates an object,
// and fails with a conflict if there is one: server-side apply has no other way to say
// "create only", and without it would add to an object that somebody else created under
// the name since the cache was read.
const neverVersion = "1"

// configuration turns a write into what is applied. A change carries the UID of the object
// that was compared, so that it cannot fall upon another one that has taken the name since.
func configuration(w Write) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(w.Desired)
	if err != nil {
		return nil, fmt.Errorf("converting a %T: %w", w.Desired, err)
	}
	config := &unstructured.Unstructured{Object: content}
	if w.UID == "" {
		config.SetResourceVersion(neverVersion)
	} else {
		config.SetUID(w.UID)
		config.SetResourceVersion(w.Version)
	}
	switch w.Desired.(type) {
	case *networkingv1.NetworkPolicy:
		err = errors.Join(sayEmptyList(config, "spec", "ingress"), sayEmptyList(config, "spec", "egress"))
	case *rbacv1.RoleBinding:
		err = sayEmptyList(config, "subjects")
	}
	return config, err
}

// errAltered says that something between the operator and etcd changes what it writes, such
// as a mutating admission policy. Writing again would not help, and what is stored is not
// what was declared.
var errAltered = errors.New(
	"something alters what the operator writes, such as a mutating admission policy or webhook; exempt the operator from it")

// storedAsDesired compares the API server's answer with what was asked for.
func storedAsDesired(stored *unstructured.Unstructured, desired client.Object) error {
	got := bare(desired)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(stored.Object, got); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if !matches(desired, got) {
		return errAltered
	}
	return nil
}

// sayEmptyList says of an object without a list that the list is empty: of a policy that has no
// rules, of a binding that binds nobody for now. Server-side apply leaves alone what is not
// mentioned, so what somebody added to an empty list would stay.
func sayEmptyList(config *unstructured.Unstructured, path ...string) error {
	if _, found, _ := unstructured.NestedFieldNoCopy(config.Object, path...); found {
		return nil
	}
	if err := unstructured.SetNestedSlice(config.Object, []any{}, path...); err != nil {
		return fmt.Errorf("completing a %s: %w", config.GetKind(), err)
	}
	return nil
}
