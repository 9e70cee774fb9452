package builders

import (
	"maps"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// ObjectBuilder sets the metadata of an object; every builder of a Kubernetes object has
// its methods. B is the builder that they return.
type ObjectBuilder[B any] struct {
	builder *B
	meta    *metav1.ObjectMeta
}

// UID sets the UID.
func (o ObjectBuilder[B]) UID(uid types.UID) *B {
	o.meta.UID = uid
	return o.builder
}

// Generation sets the generation.
func (o ObjectBuilder[B]) Generation(generation int64) *B {
	o.meta.Generation = generation
	return o.builder
}

// ResourceVersion sets the resource version.
func (o ObjectBuilder[B]) ResourceVersion(version string) *B {
	o.meta.ResourceVersion = version
	return o.builder
}

// Created sets the creation time.
func (o ObjectBuilder[B]) Created(at time.Time) *B {
	o.meta.CreationTimestamp = metav1.NewTime(at)
	return o.builder
}

// Deleted sets the deletion time, and finalizers if there are any to wait for.
func (o ObjectBuilder[B]) Deleted(at time.Time, finalizers ...string) *B {
	o.meta.DeletionTimestamp = new(metav1.NewTime(at))
	o.meta.Finalizers = append(o.meta.Finalizers, finalizers...)
	return o.builder
}

// Label adds a label.
func (o ObjectBuilder[B]) Label(key, value string) *B {
	return o.Labels(map[string]string{key: value})
}

// Labels adds labels.
func (o ObjectBuilder[B]) Labels(labels map[string]string) *B {
	if o.meta.Labels == nil {
		o.meta.Labels = map[string]string{}
	}
	maps.Copy(o.meta.Labels, labels)
	return o.builder
}

// Annotation adds an annotation.
func (o ObjectBuilder[B]) Annotation(key, value string) *B {
	if o.meta.Annotations == nil {
		o.meta.Annotations = map[string]string{}
	}
	o.meta.Annotations[key] = value
	return o.builder
}

// Managed adds the label by which the operator knows its objects.
func (o ObjectBuilder[B]) Managed() *B {
	return o.Label(segv1alpha1.ManagedByLabel, segv1alpha1.ManagedByValue)
}

// OwnedBy adds an owner reference to a profile, as the operator writes it.
func (o ObjectBuilder[B]) OwnedBy(profile *segv1alpha1.SegmentationProfile) *B {
	o.meta.OwnerReferences = append(o.meta.OwnerReferences, metav1.OwnerReference{
		APIVersion: segv1alpha1.GroupVersion.String(),
		Kind:       "SegmentationProfile",
		Name:       profile.Name,
		UID:        profile.UID,
		Controller: new(true),
	})
	return o.builder
}
