package builders

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// NamespaceBuilder makes a Namespace.
type NamespaceBuilder struct {
	ObjectBuilder[NamespaceBuilder]
	obj corev1.Namespace
}

// MakeNamespace begins a namespace. It has the label kubernetes.io/metadata.name, which the
// API server puts on every namespace.
func MakeNamespace(name string) *NamespaceBuilder {
	b := &NamespaceBuilder{}
	b.obj.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}
	b.obj.Name = name
	b.ObjectBuilder = ObjectBuilder[NamespaceBuilder]{builder: b, meta: &b.obj.ObjectMeta}
	return b.Label(corev1.LabelMetadataName, name)
}

// Member adds the labels of a member of a tier.
func (b *NamespaceBuilder) Member(profile, tier string) *NamespaceBuilder {
	return b.Label(segv1alpha1.ProfileLabel, profile).Label(segv1alpha1.TierLabel, tier)
}

// Terminating makes it a namespace that is being deleted and not yet empty.
func (b *NamespaceBuilder) Terminating(since time.Time) *NamespaceBuilder {
	b.obj.Spec.Finalizers = []corev1.FinalizerName{corev1.FinalizerKubernetes}
	b.obj.Status.Phase = corev1.NamespaceTerminating
	return b.Deleted(since)
}

// Obj returns the namespace.
func (b *NamespaceBuilder) Obj() *corev1.Namespace {
	return b.obj.DeepCopy()
}

// Metadata returns the namespace's metadata alone, as the operator's cache holds it.
func (b *NamespaceBuilder) Metadata() *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{TypeMeta: b.obj.TypeMeta, ObjectMeta: b.Obj().ObjectMeta}
}
