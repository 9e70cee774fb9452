// Package compact makes the objects that a cache keeps smaller. The namespaces of a tier have the same policies, roles and
// bindings but for a few words of metadata: what they have in common is kept once. Objects in a cache are never
// modified, so nobody can tell.
package compact

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/lru"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

const (
	// maxParts is how many different parts of objects are known at a time. A profile has a few for each tier.
	maxParts = 4096
	// maxBytes is the size, in the form that the API server stores, above which a part is not remembered: those that
	// somebody makes large on purpose should not stay when the object is gone.
	maxBytes = 8 << 10
)

// Objects makes objects smaller. It may be used by several goroutines.
type Objects struct {
	parts *lru.Cache
}

// NewObjects returns one that knows nothing yet.
func NewObjects() *Objects {
	return &Objects{parts: lru.New(maxParts)}
}

// Transform drops from an object what the operator does not read, and shares with others what they have in common.
// It is a cache.TransformFunc of client-go, and never fails.
func (o *Objects) Transform(in any) (any, error) {
	switch obj := in.(type) {
	case *networkingv1.NetworkPolicy:
		o.metadata(&obj.ObjectMeta)
		if isManaged(obj) {
			obj.Spec = *shared(o, "NetworkPolicySpec", &obj.Spec)
		}
	case *rbacv1.Role:
		o.metadata(&obj.ObjectMeta)
		if isManaged(obj) {
			obj.Rules = shared(o, "Rules", &rbacv1.Role{Rules: obj.Rules}).Rules
		}
	case *rbacv1.RoleBinding:
		o.metadata(&obj.ObjectMeta)
		if isManaged(obj) {
			common := shared(o, "Subjects", &rbacv1.RoleBinding{Subjects: obj.Subjects, RoleRef: obj.RoleRef})
			obj.Subjects, obj.RoleRef = common.Subjects, common.RoleRef
		}
	case *metav1.PartialObjectMetadata:
		// Of namespaces, which are all that is kept so, nobody reads the annotations.
		obj.ManagedFields, obj.Annotations = nil, nil
	case *corev1.Service:
		obj.ManagedFields, obj.Annotations, obj.Labels, obj.Status = nil, nil, nil, corev1.ServiceStatus{}
	case *corev1.Pod:
		pod(obj)
	case *corev1.Node:
		// Of nodes, only the addresses are read.
		obj.ManagedFields, obj.Annotations, obj.Labels = nil, nil, nil
		obj.Spec = corev1.NodeSpec{PodCIDR: obj.Spec.PodCIDR, PodCIDRs: obj.Spec.PodCIDRs}
		obj.Status = corev1.NodeStatus{Addresses: obj.Status.Addresses}
	case metav1.Object:
		obj.SetManagedFields(nil)
	}
	return in, nil
}

func isManaged(obj metav1.Object) bool {
	return obj.GetLabels()[v1alpha1.ManagedByLabel] == v1alpha1.ManagedByValue
}

// metadata shares what objects of many namespaces have in common in their metadata.
func (o *Objects) metadata(meta *metav1.ObjectMeta) {
	meta.ManagedFields = nil
	if !isManaged(meta) {
		return
	}
	common := shared(o, "ObjectMeta", &metav1.ObjectMeta{
		Name: meta.Name, Labels: meta.Labels, Annotations: meta.Annotations, OwnerReferences: meta.OwnerReferences,
	})
	meta.Name, meta.Labels, meta.Annotations, meta.OwnerReferences = common.Name, common.Labels, common.Annotations, common.OwnerReferences
}

// key tells parts apart, by their kind and what they are marshalled to.
type key struct {
	kind, content string
}

// shared returns a part that was seen before and is equal to this one, or else this one.
func shared[T any, P interface {
	*T
	Marshal() ([]byte, error)
}](o *Objects, kind string, part P) P {
	content, err := part.Marshal()
	if err != nil || len(content) > maxBytes {
		return part
	}
	k := key{kind, string(content)}
	if known, found := o.parts.Get(k); found {
		if same, ok := known.(P); ok {
			return same
		}
	}
	o.parts.Add(k, part)
	return part
}
