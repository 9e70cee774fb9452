// Package reach answers which flows NetworkPolicies let pass, with the meaning that the API
// documentation of networking.k8s.io/v1 gives them, and compares two clusters over every flow
// that could exist. A cluster may have ClusterNetworkPolicies too. It is pure: it knows namespaces, pods and policies only as they are
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
// ClusterNetworkPolicies are those of policy.networking.k8s.io/v1alpha2. Sources of their
// rules are the comments in sigs.k8s.io/network-policy-api/apis/v1alpha2 and KEP-2091. At each
// side of a flow first the Admin tier decides: its policies by ascending priority, and in each
// the first rule that has the flow. Accept and Deny are final; Pass, or no rule, leaves it to
// NetworkPolicies. They decide if one isolates the pod; if none does, the Baseline tier
// decides in the same way; and what nobody decides passes. What the API leaves open or does
// not have is read so:
//   - Of policies of one tier with the same priority "the implementation can apply any". Where
//     several have a rule for a flow, the one that lets the least pass is taken to apply: Deny
//     before Pass, and Pass before Accept.
//   - Peers that are nodes or domain names are not judged, since neither nodes nor names are
//     known here, nor are peers and protocols of which no field is known. They fail closed, as
//     the API says of peers: a rule that accepts has no flow, and any other denies all.
//   - A pod on the host network is no subject and no peer but an address, which networks have.
//   - A pod reaches itself, whatever policies say.
//
// Sets of ports are exact with tiers too, but for a port to which a pod gives several names: see
// namings. Cluster.Allowed and Cluster.Explain are exact always.
//
// Nodes are not modelled. What the documentation says of them, that traffic between a pod
// and the node it runs on is always allowed, is therefore to be added to what is said here:
// an address, or a pod on the host network, may be that node.
package reach
