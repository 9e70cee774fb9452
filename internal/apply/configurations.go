package apply

import (
	"encoding/json"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"
	rbacv1ac "k8s.io/client-go/applyconfigurations/rbac/v1"
)

// configuration turns a write into an apply configuration. The metadata it returns is that
// of the configuration, in which the client leaves the API server's answer.
//
// A change carries the UID of the object that was compared, so that it cannot fall upon
// somebody else's object that has taken the name since.
func configuration(w Write) (runtime.ApplyConfiguration, *metav1ac.ObjectMetaApplyConfiguration, error) {
	switch desired := w.Desired.(type) {
	case *networkingv1.NetworkPolicy:
		c := &networkingv1ac.NetworkPolicyApplyConfiguration{}
		err := convert(desired, c)
		return c, withUID(c.ObjectMetaApplyConfiguration, w), err
	case *rbacv1.Role:
		c := &rbacv1ac.RoleApplyConfiguration{}
		err := convert(desired, c)
		return c, withUID(c.ObjectMetaApplyConfiguration, w), err
	case *rbacv1.RoleBinding:
		c := &rbacv1ac.RoleBindingApplyConfiguration{}
		err := convert(desired, c)
		return c, withUID(c.ObjectMetaApplyConfiguration, w), err
	default:
		return nil, nil, fmt.Errorf("no apply configuration for a %T", w.Desired)
	}
}

func withUID(meta *metav1ac.ObjectMetaApplyConfiguration, w Write) *metav1ac.ObjectMetaApplyConfiguration {
	if meta != nil && w.UID != "" {
		meta.UID = &w.UID
	}
	return meta
}

// convert goes through JSON: an object and its apply configuration have the same JSON, but for
// fields that are zero, and the rendered objects leave none of those to be said.
func convert(from, to any) error {
	raw, err := json.Marshal(from)
	if err != nil {
		return fmt.Errorf("marshalling a %T: %w", from, err)
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return fmt.Errorf("unmarshalling a %T: %w", to, err)
	}
	return nil
}
