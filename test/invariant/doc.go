// Package invariant judges states between two others: which flows must pass in them, and
// which may. It is what the operator promises of transitions (docs/transitions.md): what is
// allowed before and after stays allowed in between, and nothing opens that neither allows.
//
// A World says which pods, addresses and ports flows are made of. A Tracker follows a cluster
// change by change, and its Flows are compared with Bounds, which are made of the first and
// the last state:
//
//	tracker, err := invariant.NewTracker(world)
//	…
//	bounds := invariant.Between(before, after)
//	err = tracker.SetPolicies("shop-web", policies)
//	report := bounds.Check(tracker.Flows())
//
// It is pure, and made to be called after each of many writes: a change costs microseconds.
// What a policy means is asked of internal/reach.
package invariant
