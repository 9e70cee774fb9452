package v1alpha1

// Guardrails are cluster-wide policies (ClusterNetworkPolicy of
// policy.networking.k8s.io/v1alpha2, KEP-2091) that no NetworkPolicy can override.
// Between pods of the cluster, only what the profile declares gets as far as the
// NetworkPolicies; all else to and from the members of its tiers is denied.
//
// The network plugin has to implement them, and its CustomResourceDefinition has to
// be installed. Without it the condition Guarded says so, and the NetworkPolicies
// stand alone.
type Guardrails struct {
	// baseline is None (the default) or Deny. With Deny, a policy of the Baseline
	// tier denies what reaches a pod of a member, or leaves it, if no NetworkPolicy
	// selects the pod: so that a member whose NetworkPolicies somebody removed
	// stays closed until they are written again.
	// +optional
	// +default="None"
	Baseline Baseline `json:"baseline,omitempty"`
}

// Baseline says what holds for pods of members that no NetworkPolicy selects.
//
// +kubebuilder:validation:Enum=None;Deny
type Baseline string

const (
	// BaselineNone leaves them as the cluster has them: open.
	BaselineNone Baseline = "None"
	// BaselineDeny denies what they send and receive.
	BaselineDeny Baseline = "Deny"
)
