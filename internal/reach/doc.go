// Package reach answers which flows NetworkPolicies let pass, with the meaning that the API
// documentation of networking.k8s.io/v1 gives them, and compares two clusters over every flow
// that could exist. It is pure: it knows namespaces, pods and policies only as they are
// handed to it.
//
// Sources of the rules are the comments in k8s.io/api/networking/v1, the page
// https://kubernetes.io/docs/concepts/services-networking/network-policies/, KEP-2079
// (endPort) and KEP-614 (SCTP).
//
// Where the documentation leaves something to the network plugin, this package takes the
// reading that Kubernetes' own conformance tests expect: an IPBlock matches a pod by the
// address of the pod, and an address in a flow is the one that the packets carry when the
// policy is applied, before or after a translation of addresses as the plugin has it.
//
// For pods on the host network the documentation leaves two possibilities: the plugin tells
// their traffic from that of the node, and they are pods like any other; or it does not, and
// "ignores hostNetwork Pods when matching podSelector and namespaceSelector. Traffic to/from
// hostNetwork Pods is treated the same as all other traffic to/from the node IP. (This is the
// most common implementation.)" This package takes the second: no policy selects such a pod,
// no selector of a peer matches it, and its ports have no names; an IPBlock that has its
// address, which is that of the node, matches it.
//
// Nodes are not modelled. What the documentation says of them, that traffic between a pod
// and the node it runs on is always allowed, is therefore to be added to what is said here:
// an address, or a pod on the host network, may be that node.
package reach
