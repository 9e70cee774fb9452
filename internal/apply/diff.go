package apply

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// Changes is what has to be done to a namespace's Roles and RoleBindings, in the order of the
// fields: what takes access away comes first of all, and what gives access after the policies.
type Changes struct {
	// Revoke are bindings that go: nothing declares them, or they bind a role that is not the
	// operator's, or another role than their name says.
	Revoke []client.Object
	// Narrow are Roles and bindings that lose something.
	Narrow []Write
	// Widen are Roles, then bindings, to be created, or changed to give something.
	Widen []Write
	// Prune are bindings whose subjects got another role, then Roles, that nothing declares.
	Prune []client.Object
	// Taken are the names that the operator needs and somebody else's objects have.
	Taken []Taken
	// Stuck are objects that should be gone, are being deleted, and wait for finalizers. They
	// apply until then.
	Stuck []Taken
	// Blocked are the names of policies that cannot be written until a person has seen to it: they
	// are taken, or the policy is being deleted and waits for finalizers.
	Blocked []string
	// Seen counts the objects that are as they should be, policies included.
	Seen Counts

	// withheld are bindings that are declared, and not to be written for now.
	withheld []client.Object
}

// Counts counts objects by kind.
type Counts struct {
	// Policies is the number of NetworkPolicies.
	Policies int
	// Roles is the number of Roles.
	Roles int
	// Bindings is the number of RoleBindings.
	Bindings int
}

func (c *Counts) add(kind Kind) {
	switch kind {
	case KindNetworkPolicy:
		c.Policies++
	case KindRole:
		c.Roles++
	case KindRoleBinding:
		c.Bindings++
	case KindNamespace:
		// Namespaces are not written, only labelled.
	}
}

// Write is an object to be created or changed.
type Write struct {
	// Desired is the object as it should be.
	Desired client.Object
	// UID is the UID of the object as it is; empty if there is none.
	UID types.UID
	// Version is the resource version that the object must still have, if what is desired was made from it;
	// empty if any will do.
	Version string
}

// Taken is an object that is in the way.
type Taken struct {
	// Kind is the kind of the object.
	Kind Kind
	// Name is its name.
	Name string
}

// Diff compares what was rendered with what the cache shows. The owner is the UID of the
// profile that the namespace belongs to. Of policies it finds those that are as they should be
// and the names that are taken; what has to be written is for transition to say.
func Diff(rendered render.Objects, observed *Observed, owner types.UID) Changes {
	current := map[key]client.Object{}
	for _, obj := range observed.objects() {
		current[keyOf(obj)] = obj
	}
	changes := Changes{withheld: withheldBindings(rendered)}
	kept := map[key]bool{}
	for _, desired := range desiredObjects(rendered) {
		k := keyOf(desired)
		kept[k] = true
		changes.add(desired, current[k], owner)
	}
	changes.withholdBindings(current, owner)
	for _, obj := range slices.Backward(observed.objects()) {
		if !kept[keyOf(obj)] && IsOurs(obj, owner) {
			changes.remove(obj)
		}
	}
	slices.SortStableFunc(changes.Prune, byKind)
	return changes
}

func (c *Changes) add(desired, current client.Object, owner types.UID) {
	switch {
	case current == nil:
		c.create(desired)
	case !IsOurs(current, owner):
		c.Taken = append(c.Taken, Taken{Kind: kindOf(desired), Name: desired.GetName()})
		c.block(desired)
	case !canStay(desired, current) && current.GetDeletionTimestamp() != nil:
		c.Stuck = append(c.Stuck, Taken{Kind: kindOf(current), Name: current.GetName()})
		c.block(desired)
	case !canStay(desired, current):
		c.Revoke = append(c.Revoke, current)
		c.create(desired)
	case matches(desired, current):
		c.Seen.add(kindOf(desired))
	default:
		c.differ(desired, current)
	}
}

// canStay tells whether an object can be what is desired, if need be after a change. A roleRef cannot be
// changed in place, and a policy that is being deleted will be gone.
func canStay(desired, current client.Object) bool {
	if kindOf(desired) == KindNetworkPolicy {
		return current.GetDeletionTimestamp() == nil
	}
	return !roleRefDiffers(desired, current)
}

func (c *Changes) block(desired client.Object) {
	if kindOf(desired) == KindNetworkPolicy {
		c.Blocked = append(c.Blocked, desired.GetName())
	}
}

func (c *Changes) create(desired client.Object) {
	if kindOf(desired) != KindNetworkPolicy {
		c.Widen = append(c.Widen, Write{Desired: desired})
	}
}

func (c *Changes) differ(desired, current client.Object) {
	switch want := desired.(type) {
	case *rbacv1.Role:
		if have, ok := current.(*rbacv1.Role); ok {
			c.changeRole(want, have)
		}
	case *rbacv1.RoleBinding:
		if have, ok := current.(*rbacv1.RoleBinding); ok {
			c.changeBinding(want, have)
		}
	}
}

func withheldBindings(rendered render.Objects) []client.Object {
	out := make([]client.Object, 0, len(rendered.Withheld))
	for _, w := range rendered.Withheld {
		out = append(out, w.Binding)
	}
	return out
}

// remove prunes an object, or takes note that it is already on its way.
func (c *Changes) remove(obj client.Object) {
	binding, isBinding := obj.(*rbacv1.RoleBinding)
	switch {
	case obj.GetDeletionTimestamp() != nil:
		c.Stuck = append(c.Stuck, Taken{Kind: kindOf(obj), Name: obj.GetName()})
	case isBinding:
		c.dropBinding(binding)
	case kindOf(obj) == KindRole:
		c.Prune = append(c.Prune, obj)
	}
}

// withholdBindings sees to it that no binding of the operator's gives anybody a role that
// somebody else wrote under the name of a profile's role.
func (c *Changes) withholdBindings(current map[key]client.Object, owner types.UID) {
	for _, taken := range c.Taken {
		if taken.Kind != KindRole {
			continue
		}
		isBound := func(w Write) bool { return bindsRole(w.Desired, taken.Name) }
		c.Narrow, c.Widen = slices.DeleteFunc(c.Narrow, isBound), slices.DeleteFunc(c.Widen, isBound)
		for _, obj := range current {
			if bindsRole(obj, taken.Name) && IsOurs(obj, owner) && !slices.Contains(c.Revoke, obj) {
				c.Revoke = append(c.Revoke, obj)
			}
		}
	}
}

func bindsRole(obj client.Object, role string) bool {
	binding, ok := obj.(*rbacv1.RoleBinding)
	return ok && binding.RoleRef.Kind == "Role" && binding.RoleRef.Name == role
}

func roleRefDiffers(desired, current client.Object) bool {
	want, ok := desired.(*rbacv1.RoleBinding)
	if !ok {
		return false
	}
	have, ok := current.(*rbacv1.RoleBinding)
	return ok && want.RoleRef != have.RoleRef
}

// matches tells whether an object is as it should be, as far as the operator says how it
// should be: labels, annotations and owner references that others added do not count, but for those of Istio on its kinds.
func matches(desired, current client.Object) bool {
	if !render.SameOwn(current.GetLabels(), desired.GetLabels()) ||
		!render.SameOwn(current.GetAnnotations(), desired.GetAnnotations()) ||
		!hasOwners(current, desired) {
		return false
	}
	switch want := desired.(type) {
	case *networkingv1.NetworkPolicy:
		return equality.Semantic.DeepEqual(want.Spec, current.(*networkingv1.NetworkPolicy).Spec)
	case *rbacv1.Role:
		return equality.Semantic.DeepEqual(want.Rules, current.(*rbacv1.Role).Rules)
	case *rbacv1.RoleBinding:
		return equality.Semantic.DeepEqual(want.Subjects, current.(*rbacv1.RoleBinding).Subjects)
	case *mesh.AuthorizationPolicy:
		// By labels and annotations of Istio's it may not be enforced.
		return equality.Semantic.DeepEqual(want.Spec, current.(*mesh.AuthorizationPolicy).Spec) && !mesh.IsMarked(current)
	case *mesh.PeerAuthentication:
		return equality.Semantic.DeepEqual(want.Spec, current.(*mesh.PeerAuthentication).Spec) && !mesh.IsMarked(current)
	default:
		return false
	}
}

// hasOwners tells whether an object has all owners that are desired, and no other profile.
func hasOwners(current, desired client.Object) bool {
	have := current.GetOwnerReferences()
	for _, want := range desired.GetOwnerReferences() {
		found := false
		for _, ref := range have {
			found = found || equality.Semantic.DeepEqual(ref, want)
		}
		if !found {
			return false
		}
	}
	return !slices.ContainsFunc(have, func(ref metav1.OwnerReference) bool {
		return isSuperseded(ref, desired.GetOwnerReferences())
	})
}
