// Package controllers holds the operator's two reconcilers. They do input and output only:
// what a namespace gets is decided in internal/claim, plan, render and apply, and what a
// profile's status says in internal/status.
//
//   - The namespace reconciler brings one namespace to what its profile declares.
//   - The profile reconciler sums up what is known of a profile's namespaces.
//
// Data flows one way: gather, claim, plan, render, apply, status.
package controllers

// What the operator may do. Neither escalate nor bind is among it: what profiles may grant
// comes from the ClusterRoles labelled segmentation.dev/grantable, which administrators
// extend.
//
// +kubebuilder:rbac:groups=segmentation.dev,resources=segmentationprofiles,verbs=get;list;watch
// +kubebuilder:rbac:groups=segmentation.dev,resources=segmentationprofiles/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=roles;rolebindings,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
