package apply

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
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
	}
	if _, ok := w.Desired.(*networkingv1.NetworkPolicy); ok {
		err = sayEmptyLists(config)
	}
	return config, err
}

// sayEmptyLists says of a policy without ingress or egress rules that it has none. Server-side
// apply leaves alone what is not mentioned, so rules that somebody added to an empty list
// would stay.
func sayEmptyLists(policy *unstructured.Unstructured) error {
	for _, list := range []string{"ingress", "egress"} {
		if _, found, _ := unstructured.NestedFieldNoCopy(policy.Object, "spec", list); found {
			continue
		}
		if err := unstructured.SetNestedSlice(policy.Object, []any{}, "spec", list); err != nil {
			return fmt.Errorf("completing a policy: %w", err)
		}
	}
	return nil
}
