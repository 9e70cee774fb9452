package apply

import (
	"errors"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// Objects are created, and replaced as a whole when they have to change. Server-side apply would say the same, but takes
// the API server half as long again to twice as long (docs/performance.md), and after a plain creation it removes
// nothing: the fields that were created stay owned by who created them. What it is for, several owners of one
// object, is a matter of labels, annotations, owner references and finalizers here, which a replacement takes over.

// replacement is an object as it should be, to be written in the place of another one: with what others added
// to its metadata, and nothing else of it.
func replacement(desired, current client.Object) client.Object {
	out := copyOf(desired)
	out.SetUID(current.GetUID())
	out.SetResourceVersion(current.GetResourceVersion())
	out.SetLabels(render.Overlaid(current.GetLabels(), desired.GetLabels()))
	out.SetAnnotations(render.Overlaid(current.GetAnnotations(), desired.GetAnnotations()))
	out.SetFinalizers(slices.Clone(current.GetFinalizers()))
	owners := slices.DeleteFunc(slices.Clone(current.GetOwnerReferences()), func(ref metav1.OwnerReference) bool {
		return isSuperseded(ref, desired.GetOwnerReferences()) || refers(desired.GetOwnerReferences(), ref)
	})
	out.SetOwnerReferences(append(owners, desired.GetOwnerReferences()...))
	return out
}

// isSuperseded tells whether an owner reference is one of the operator's that is not desired any more: to another profile,
// or to an earlier namespace of the name that is desired.
func isSuperseded(ref metav1.OwnerReference, desired []metav1.OwnerReference) bool {
	if refers(desired, ref) {
		return false
	}
	return render.IsProfileReference(ref) || slices.ContainsFunc(desired, func(want metav1.OwnerReference) bool {
		return want.APIVersion == ref.APIVersion && want.Kind == ref.Kind && want.Name == ref.Name
	})
}

// refers tells whether one of the references is to the same object as another.
func refers(references []metav1.OwnerReference, other metav1.OwnerReference) bool {
	return slices.ContainsFunc(references, func(ref metav1.OwnerReference) bool { return ref.UID == other.UID })
}

// copyOf is a copy that the client may write the answer into: what is rendered is shared between namespaces.
func copyOf(obj client.Object) client.Object {
	switch o := obj.(type) {
	case *networkingv1.NetworkPolicy:
		return o.DeepCopy()
	case *rbacv1.Role:
		return o.DeepCopy()
	case *rbacv1.RoleBinding:
		return o.DeepCopy()
	case *mesh.AuthorizationPolicy:
		return o.DeepCopy()
	case *mesh.PeerAuthentication:
		return o.DeepCopy()
	default:
		return nil
	}
}

// errAltered says that something between the operator and etcd changes what it writes, such
// as a mutating admission policy. Writing again would not help, and what is stored is not
// what was declared.
var errAltered = errors.New(
	"something alters what the operator writes, such as a mutating admission policy or webhook; exempt the operator from it")
