package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MaxFindings is the number of findings that status holds at most; findingsTotal
// counts all of them.
const MaxFindings = 20

// SegmentationProfileStatus is what the operator has done and seen. Its size is bounded,
// whatever the number of namespaces.
type SegmentationProfileStatus struct {
	// conditions are Ready, Accepted and Conflicted, and, while they are true,
	// Reconciling and Stalled, in the meaning of kstatus.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation that this status describes. It is -1
	// until the operator has seen the profile.
	// +optional
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// namespaces counts the profile's namespaces.
	// +optional
	Namespaces NamespaceCounts `json:"namespaces,omitempty,omitzero"`

	// tiers counts the namespaces of each tier.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Tiers []TierStatus `json:"tiers,omitempty"`

	// objects counts the generated objects that were seen to exist as declared.
	// +optional
	Objects ObjectCounts `json:"objects,omitempty,omitzero"`

	// undeclaredAccess counts what others grant in the profile's namespaces and the
	// profile does not declare.
	// +optional
	UndeclaredAccess UndeclaredAccess `json:"undeclaredAccess,omitempty,omitzero"`

	// undeclaredPaths counts the NetworkPolicies of others in the profile's namespaces that
	// open paths which the profile does not declare.
	// +optional
	UndeclaredPaths UndeclaredPaths `json:"undeclaredPaths,omitempty,omitzero"`

	// findings are the first 20 things that a person should look at, in a fixed
	// order.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Findings []Finding `json:"findings,omitempty"`

	// findingsTotal is the number of findings, those left out above included.
	// +optional
	// +kubebuilder:validation:Minimum=0
	FindingsTotal int32 `json:"findingsTotal,omitempty"`
}

// NamespaceCounts counts a profile's namespaces.
type NamespaceCounts struct {
	// summary is ready/claimed, for people and printer columns.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Summary string `json:"summary,omitempty"`

	// claimed is the number of namespaces that belong to the profile. In Preview
	// it is the number that would.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Claimed int32 `json:"claimed"`

	// ready is the number of claimed namespaces that were seen to hold all that
	// this generation declares, and to be labelled as members.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Ready int32 `json:"ready"`

	// conflicted is the number of namespaces that the profile selects but does not
	// get: held by an older profile, or claimed by two of its own tiers.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Conflicted int32 `json:"conflicted"`

	// protected is the number of namespaces that the profile selects and that no
	// profile may claim: system namespaces and the operator's own.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Protected int32 `json:"protected"`
}

// TierStatus counts the namespaces of a tier.
type TierStatus struct {
	// name is the name of the tier.
	// +required
	Name Name `json:"name,omitempty"`

	// claimed is the number of namespaces that belong to the tier.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Claimed int32 `json:"claimed"`

	// ready is the number of those that were seen to hold all that this generation
	// declares.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Ready int32 `json:"ready"`
}

// ObjectCounts counts generated objects by kind.
type ObjectCounts struct {
	// networkPolicies is the number of NetworkPolicies.
	// +optional
	// +kubebuilder:validation:Minimum=0
	NetworkPolicies int32 `json:"networkPolicies"`

	// roles is the number of Roles.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Roles int32 `json:"roles"`

	// roleBindings is the number of RoleBindings.
	// +optional
	// +kubebuilder:validation:Minimum=0
	RoleBindings int32 `json:"roleBindings"`
}

// UndeclaredAccess counts Roles and RoleBindings that the operator did not write and that grant
// what the profile does not declare. The operator does not touch them.
type UndeclaredAccess struct {
	// roles is the number of Roles through which something undeclared is granted. A
	// Role that nobody is bound to grants nothing, and is not counted.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Roles int32 `json:"roles"`

	// roleBindings is the number of RoleBindings that grant something undeclared.
	// +optional
	// +kubebuilder:validation:Minimum=0
	RoleBindings int32 `json:"roleBindings"`

	// first is the first of the RoleBindings, as namespace/name; empty if there is
	// none.
	// +optional
	// +kubebuilder:validation:MaxLength=320
	First string `json:"first,omitempty"`
}

// UndeclaredPaths counts NetworkPolicies that the operator did not write and that open paths which
// the profile does not declare. The operator does not touch them.
type UndeclaredPaths struct {
	// networkPolicies is the number of NetworkPolicies that open something undeclared.
	// +optional
	// +kubebuilder:validation:Minimum=0
	NetworkPolicies int32 `json:"networkPolicies"`

	// first is the first of the NetworkPolicies, as namespace/name; empty if there is
	// none.
	// +optional
	// +kubebuilder:validation:MaxLength=320
	First string `json:"first,omitempty"`
}

// Finding is something that a person should look at.
type Finding struct {
	// reason says of which kind the finding is, in one CamelCase word.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// namespace is the namespace concerned, if it is about one.
	// +optional
	Namespace NamespaceName `json:"namespace,omitempty"`

	// message says what was found and what to do about it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`
}
