// Package controllers holds the operator's two reconcilers. They do input and output only:
// what a namespace gets is decided in internal/claim, plan, render and apply, and what a
// profile's status says in internal/status.
//
//   - The namespace reconciler brings one namespace to what its profile declares.
//   - The profile reconciler sums up what is known of a profile's namespaces.
//
// Data flows one way: gather, claim, plan, render, apply, status.
package controllers

// What the operator may do as itself. It does not write Roles and RoleBindings: for that it acts
// as the service account segmentation-granter (config/rbac/granter.yaml), which holds what
// profiles may grant, so that nothing of what is below can be granted.
//
// +kubebuilder:rbac:groups=segmentation.dev,resources=segmentationprofiles,verbs=get;list;watch
// +kubebuilder:rbac:groups=segmentation.dev,resources=segmentationprofiles/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=roles;rolebindings,verbs=get;list;watch
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=clusterroles,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
