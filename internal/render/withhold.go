package render

import (
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// Withheld is a binding that is declared, and not to be written for now.
type Withheld struct {
	// Binding is the binding as it would be.
	Binding *rbacv1.RoleBinding
	// Reason says why it is not to be.
	Reason WithheldReason
}

// WithheldReason says why a binding is withheld.
type WithheldReason string

const (
	// ClusterRoleMissing: the ClusterRole does not exist. Who creates it later would say what the binding
	// gives. The API server need not find out: an account that may bind a ClusterRole by its name may do so
	// before it is there.
	ClusterRoleMissing WithheldReason = "ClusterRoleMissing"
	// ClusterRoleEditsBoundary: the ClusterRole lets its holders edit the boundary of the namespace, and the
	// profile does not say that it may.
	ClusterRoleEditsBoundary WithheldReason = "ClusterRoleEditsBoundary"
)

// Withhold returns the objects without the bindings that must not be written, which are in Withheld. The
// function returns the rules of a ClusterRole, and whether it is there. The receiver is not changed.
func (o Objects) Withhold(clusterRole func(name string) (rules []rbacv1.PolicyRule, found bool)) Objects {
	bindings := make([]*rbacv1.RoleBinding, 0, len(o.Bindings))
	o.Withheld = nil
	for _, b := range o.Bindings {
		if reason := o.whyNot(b, clusterRole); reason != "" {
			o.Withheld = append(o.Withheld, Withheld{Binding: b, Reason: reason})
			continue
		}
		bindings = append(bindings, b)
	}
	o.Bindings = bindings
	return o
}

func (o Objects) whyNot(b *rbacv1.RoleBinding, clusterRole func(string) ([]rbacv1.PolicyRule, bool)) WithheldReason {
	if b.RoleRef.Kind != "ClusterRole" {
		return ""
	}
	switch rules, found := clusterRole(b.RoleRef.Name); {
	case !found:
		return ClusterRoleMissing
	case !o.Terms[b.Name].BoundaryEdits && plan.EditsBoundary(rules):
		return ClusterRoleEditsBoundary
	default:
		return ""
	}
}
