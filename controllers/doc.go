// Package controllers holds the operator's reconcilers. They do input and output only:
// what a namespace gets is decided in internal/claim, plan, render and apply, and what a
// profile's status says in internal/status.
//
//   - The namespace reconciler brings one namespace to what its profile declares.
//   - The profile reconciler sums up what is known of a profile's namespaces.
//   - The guardrail reconciler brings the cluster-wide policies of all profiles to what they declare.
//
// Data flows one way: gather, claim, plan, render, apply, status.
package controllers

// What the operator may do as itself. It does not write Roles and RoleBindings: for that it acts
// as the service account segmentation-granter (config/rbac/granter.yaml), which holds what
// profiles may grant, so that nothing of what is below can be granted.
//
// All reading is listing and watching, by the cache. Events on what is in no namespace are in the
// namespace default. TestLeastPrivilege finds what is granted here and never used.
//
// +kubebuilder:rbac:groups=segmentation.dev,resources=segmentationprofiles,verbs=list;watch
// +kubebuilder:rbac:groups=segmentation.dev,resources=segmentationprofiles/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch;patch
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=list;watch;create;update;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=roles;rolebindings;clusterroles,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=services;nodes;pods,verbs=list;watch
// +kubebuilder:rbac:groups=networking.k8s.io,resources=servicecidrs,verbs=list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io,namespace=default,resources=endpointslices,verbs=list;watch
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,resourceNames=clusternetworkpolicies.policy.networking.k8s.io,verbs=list;watch
// +kubebuilder:rbac:groups=policy.networking.k8s.io,resources=clusternetworkpolicies,verbs=list;watch;create;update;delete
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,resourceNames=authorizationpolicies.security.istio.io;peerauthentications.security.istio.io,verbs=list;watch
// +kubebuilder:rbac:groups=security.istio.io,resources=authorizationpolicies,verbs=list;watch;create;update;delete
// +kubebuilder:rbac:groups=security.istio.io,resources=peerauthentications,verbs=list;watch;create;delete
// +kubebuilder:rbac:groups=security.istio.io,resources=peerauthentications,resourceNames=segmentation,verbs=update
// +kubebuilder:rbac:groups=events.k8s.io,namespace=default,resources=events,verbs=create
