package apply

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// Observed is what the cache shows of one namespace. Its objects may be shared with the
// cache and are never modified.
type Observed struct {
	// Namespace is the namespace itself.
	Namespace *metav1.PartialObjectMetadata
	// Policies are all of its NetworkPolicies.
	Policies []networkingv1.NetworkPolicy
	// Roles are all of its Roles.
	Roles []rbacv1.Role
	// Bindings are all of its RoleBindings.
	Bindings []rbacv1.RoleBinding
}

// IsManaged tells whether an object is the operator's by its managed-by label.
func IsManaged(obj client.Object) bool {
	return obj.GetLabels()[v1alpha1.ManagedByLabel] == v1alpha1.ManagedByValue
}

// IsOurs tells whether the operator may change an object: it carries the managed-by label,
// or lost it but still belongs to the profile; to any profile, if no owner is given.
func IsOurs(obj client.Object, owner types.UID) bool {
	if isBookmark(obj) {
		return false
	}
	return IsManaged(obj) || slices.ContainsFunc(obj.GetOwnerReferences(), func(ref metav1.OwnerReference) bool {
		if owner == "" {
			return render.IsProfileReference(ref)
		}
		return ref.UID == owner
	})
}

// isBookmark tells whether an object is the bookmark of a profile (render.Bookmark), which no
// namespace is brought to or rid of.
func isBookmark(obj client.Object) bool {
	return !IsManaged(obj) && render.BookmarkOf(obj) != ""
}

// basePolicy returns the operator's policy that isolates the namespace; nil if there is none.
// A namespace without it must not carry the membership labels.
func (o *Observed) basePolicy() *networkingv1.NetworkPolicy {
	for i := range o.Policies {
		if o.Policies[i].Name == render.Prefix && IsManaged(&o.Policies[i]) && o.Policies[i].DeletionTimestamp == nil {
			return &o.Policies[i]
		}
	}
	return nil
}

// IsIsolated tells whether policies of the operator's are in the namespace.
func (o *Observed) IsIsolated() bool {
	return slices.ContainsFunc(o.Policies, func(p networkingv1.NetworkPolicy) bool { return IsManaged(&p) && p.DeletionTimestamp == nil })
}

// carriesMembership tells whether the namespace carries a membership label.
func (o *Observed) carriesMembership() bool {
	labels := o.Namespace.GetLabels()
	_, profile := labels[v1alpha1.ProfileLabel]
	_, tier := labels[v1alpha1.TierLabel]
	return profile || tier
}

// isMember tells whether the namespace carries exactly these membership labels.
func (o *Observed) isMember(membership map[string]string) bool {
	return hasAll(o.Namespace.GetLabels(), membership)
}

func hasAll(have, want map[string]string) bool {
	for key, value := range want {
		if got, ok := have[key]; !ok || got != value {
			return false
		}
	}
	return true
}

// objects returns the objects of the three kinds in the order in which they are written.
func (o *Observed) objects() []client.Object {
	out := make([]client.Object, 0, len(o.Policies)+len(o.Roles)+len(o.Bindings))
	for i := range o.Policies {
		out = append(out, &o.Policies[i])
	}
	for i := range o.Roles {
		out = append(out, &o.Roles[i])
	}
	for i := range o.Bindings {
		out = append(out, &o.Bindings[i])
	}
	return out
}

// find returns an object, or the namespace itself; nil if it is not there.
func (o *Observed) find(k key) client.Object {
	if k.kind == KindNamespace {
		return o.Namespace
	}
	for _, obj := range o.objects() {
		if keyOf(obj) == k {
			return obj
		}
	}
	return nil
}

func desiredObjects(o render.Objects) []client.Object {
	out := make([]client.Object, 0, len(o.Policies)+len(o.Roles)+len(o.Bindings))
	for _, policy := range o.Policies {
		out = append(out, policy)
	}
	for _, role := range o.Roles {
		out = append(out, role)
	}
	for _, binding := range o.Bindings {
		out = append(out, binding)
	}
	return out
}

// key tells objects of one namespace apart.
type key struct {
	kind Kind
	name string
}

func keyOf(obj client.Object) key {
	return key{kindOf(obj), obj.GetName()}
}

// Kind is a kind of object that the operator writes.
type Kind string

// The kinds that the operator writes.
const (
	KindNetworkPolicy Kind = "NetworkPolicy"
	KindRole          Kind = "Role"
	KindRoleBinding   Kind = "RoleBinding"
	KindNamespace     Kind = "Namespace"
)

func kindOf(obj client.Object) Kind {
	switch obj.(type) {
	case *networkingv1.NetworkPolicy:
		return KindNetworkPolicy
	case *rbacv1.Role:
		return KindRole
	case *rbacv1.RoleBinding:
		return KindRoleBinding
	default:
		return KindNamespace
	}
}

var namespaceType = metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}

// bare returns an object of the same kind and name and nothing else.
func bare(obj client.Object) client.Object {
	meta := metav1.ObjectMeta{Namespace: obj.GetNamespace(), Name: obj.GetName()}
	switch obj.(type) {
	case *networkingv1.NetworkPolicy:
		return &networkingv1.NetworkPolicy{ObjectMeta: meta}
	case *rbacv1.Role:
		return &rbacv1.Role{ObjectMeta: meta}
	default:
		return &rbacv1.RoleBinding{ObjectMeta: meta}
	}
}
