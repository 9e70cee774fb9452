// Package judge holds internal/reach against an implementation of NetworkPolicy that
// somebody else wrote: the matcher of github.com/mattfenwick/cyclonus. It is a module of its
// own, so that nothing else depends on cyclonus.
//
// Clusters, policies and flows are drawn at random, both answer every flow, and both sides of
// each answer must agree. Where cyclonus is known to read a policy in another way than the API
// documents, the policy is said to it once more in other words, which mean the same by the
// documentation and which both read alike: see restatement. No flow is left out for a known
// disagreement, and a disagreement counts as explained only if the other words end it. What
// is known is pinned, with who is right and by which source, in disagreements_test.go.
//
// What cyclonus has no notion of is not judged: pods on the host network, and the node that a
// pod runs on. Of a pod with two addresses it is asked once for each route.
package judge
