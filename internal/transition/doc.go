// Package transition decides in which order a cluster goes from what its policies allow to
// what they should allow. It is pure: it knows policies and counts, and no client.
//
// What is kept is promise 2 of the design: after every single write the flows that pass
// contain all that pass before and after, and stay within those that pass before or after.
//
// Inside one namespace that is a matter of order (Steps): what opens is written before what
// closes, and where one write would do both in two policies at once, the union goes first.
//
// Across namespaces it is a matter of labels. A membership label, set or removed, changes in
// one write what the policies of all other namespaces mean. So labels change only when every
// namespace concerned is ready for it, and what was open before is closed only when no label
// is still to change. A Census counts how far the namespaces of each profile are, and a View
// says what one of them may do now. Nothing of it is stored: it is made anew from the labels and
// policies in the cluster, so a crash at any write loses nothing.
//
// A profile's namespaces go through these stages. Where no label is due to change, and that is
// what most changes of a profile are, there is only the last.
//
//  1. Joiners are isolated. Members and movers get what they should have beside what they have.
//  2. Leavers are opened.
//  3. Joiners get their labels.
//  4. Members and movers drop what they allowed to and from namespaces for want of labels, and get
//     what they should.
//  5. Leavers lose their labels, and then their policies.
//  6. Members and movers drop what they allowed by tier labels before.
//  7. Movers change their labels; of two profiles that exchange namespaces, in one direction first.
//  8. What was allowed only before is dropped.
//
// docs/transitions.md says for each what it waits for.
package transition
