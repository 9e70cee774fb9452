// Package guardrail turns a plan into ClusterNetworkPolicies (policy.networking.k8s.io/v1alpha2, KEP-2091), which no
// NetworkPolicy can override. It is pure.
//
// What a profile declares between pods of the cluster gets a rule that lets NetworkPolicies decide (Pass); all else to
// and from the members of its tiers is denied. The rules are spread over objects within the limits of the API, and
// placed in the order of priorities by an allocator that leaves everything where it is as long as it can.
package guardrail
