// Package mesh renders the dependencies of a profile as policies of Istio, says in which order they are written, and
// judges flows by them. It is pure.
//
// Istio's policies say of a namespace who may call its workloads. They choose callers by the names of namespaces and of
// service accounts, not by labels: so what is rendered depends on which namespaces are due in which tier, and a namespace
// that joins a tier or leaves it changes the policies of all that it may call. They depend on nothing else, above all not
// on the labels of other namespaces: so what one namespace allows changes by writes in that namespace alone, and their
// order (Steps) is all that keeps the promise of transitions.
//
// The NetworkPolicies always stand beside them. A flow passes if both let it.
//
// Sources of the rules are the comments in istio.io/api v1.32 (security/v1beta1/authorization_policy.proto,
// peer_authentication.proto, type/v1beta1/selector.proto), which are Istio's reference documentation:
// https://istio.io/latest/docs/reference/config/security/authorization-policy/
//
// The types are this package's own, and not those of istio.io/client-go. Those hold messages of protobuf, which cannot be
// copied or compared like other values, write no action if it is ALLOW, since that is the zero value, and write an empty
// status with every object.
package mesh
