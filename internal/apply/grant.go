package apply

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// take takes access away.
func (r *run) take(changes *Changes) {
	r.remove(changes.Revoke)
	for _, w := range changes.Narrow {
		r.write(w)
	}
}

// give gives access, and then takes what it replaces, once all policies are in place. While trying again
// may help, both wait for that, so that nobody is left without either. But what only a person can mend, or
// lasts, must not leave somebody with a role that he is not to have any more.
func (r *run) give(changes *Changes, view *transition.View) {
	switch {
	case r.isolated():
		r.widen(changes.Widen)
		r.prune(changes.Prune)
	case r.failsForGood(view):
		r.remove(changes.Prune)
	}
}

// widen gives access, object by object. A binding is left out if its Role could not be written: it would
// bind nothing, or what the Role was before. So is a Role if somebody could not be taken out of what binds
// it.
func (r *run) widen(writes []Write) {
	for _, w := range writes {
		depends := func(other client.Object) bool {
			return bindsRole(w.Desired, roleName(other)) || bindsRole(other, roleName(w.Desired))
		}
		if slices.ContainsFunc(r.unsettled, depends) {
			r.unsettled = append(r.unsettled, w.Desired)
			continue
		}
		r.write(w)
	}
}

// roleName is the name of a Role; empty for other objects.
func roleName(obj client.Object) string {
	if kindOf(obj) == KindRole {
		return obj.GetName()
	}
	return ""
}

// write creates or changes a Role or a RoleBinding.
func (r *run) write(w Write) {
	if err := r.put(w); err != nil {
		r.unsettled = append(r.unsettled, w.Desired)
		r.failOn(w.Desired, err)
	}
}

// failOn takes note of an object that could not be written or removed.
func (r *run) failOn(obj client.Object, err error) {
	failure := classify(kindOf(obj), grantedRole(obj), err)
	binding, isBinding := obj.(*rbacv1.RoleBinding)
	failure.IsClusterRole = isBinding && binding.RoleRef.Kind == "ClusterRole"
	r.Failures = append(r.Failures, failure)
}

// prune removes access that nothing declares: bindings, but for those of subjects whose other role could
// not be written, and then Roles, unless a Role or RoleBinding could not be written or removed, or is withheld.
func (r *run) prune(objects []client.Object) {
	for _, obj := range objects {
		isKept := slices.ContainsFunc(r.unsettled, func(other client.Object) bool { return shareSubjects(other, obj) })
		if kindOf(obj) == KindRole {
			isKept = r.failed(KindRole) || r.failed(KindRoleBinding) || len(r.Withheld) > 0
		}
		if !isKept {
			r.remove([]client.Object{obj})
		}
	}
}

// grantedRole is the name by which a profile knows what a Role or RoleBinding grants.
func grantedRole(obj client.Object) string {
	switch o := obj.(type) {
	case *rbacv1.Role:
		return strings.TrimPrefix(o.Name, render.Prefix+"-")
	case *rbacv1.RoleBinding:
		if o.RoleRef.Kind == "Role" {
			return strings.TrimPrefix(o.RoleRef.Name, render.Prefix+"-")
		}
		return o.RoleRef.Name
	default:
		return ""
	}
}
