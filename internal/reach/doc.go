// Package reach answers which flows NetworkPolicies let pass, with the meaning that the API
// documentation of networking.k8s.io/v1 gives them. It is pure: it knows namespaces, pods and
// policies only as they are handed to it.
//
// Where the documentation leaves something to the network plugin, this package takes the
// reading that Kubernetes' own conformance tests expect: an IPBlock matches a pod by the
// address of the pod, and an address in a flow is the one that the packets carry when the
// policy is applied, before or after a translation of addresses as the plugin has it.
//
// Pods on the host network are not told from others: a plugin may leave them out of
// policies, and take their traffic for that of the node.
package reach
