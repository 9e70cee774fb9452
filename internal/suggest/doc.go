// Package suggest makes a first profile of what runs in a cluster: tiers of namespaces by their labels, and dependencies
// from flows that were observed, from the NetworkPolicies that are there, and from Services that are called from outside.
// What it proposes allows every flow that was observed; it is judged, not assumed. What is a guess says so. It is pure.
package suggest
