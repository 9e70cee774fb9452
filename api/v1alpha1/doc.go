// Package v1alpha1 is the API of the segmentation operator: the cluster-scoped
// SegmentationProfile, which declares tiers of namespaces, the dependencies
// allowed between them, and who may do what in them.
//
// +kubebuilder:object:generate=true
// +groupName=segmentation.dev
// +kubebuilder:ac:generate=true
// +kubebuilder:ac:output:package="../applyconfiguration"
package v1alpha1
