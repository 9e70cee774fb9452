package guardrail

import (
	"fmt"
	"maps"
	"slices"

	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// maxSteps is how often the next writes are decided on at most, until there are none left. Three are enough: what opens,
// what closes, and nothing.
const maxSteps = 8

// Final returns all ClusterNetworkPolicies of a cluster as they are in the end, sorted by name, and what is found then.
func Final(in *Input) ([]*policyv1alpha2.ClusterNetworkPolicy, map[string]Progress) {
	state := map[string]*policyv1alpha2.ClusterNetworkPolicy{}
	for _, o := range in.Observed {
		state[o.Name] = o
	}
	for range maxSteps {
		now := *in
		now.Observed = inOrderOfNames(state)
		next := Plan(&now)
		if len(next.Writes)+len(next.Deletes) == 0 {
			return now.Observed, next.Profiles
		}
		for _, o := range next.Writes {
			if have := state[o.Name]; have != nil {
				o = Onto(o, have)
			}
			state[o.Name] = o
		}
		for _, o := range next.Deletes {
			delete(state, o.Name)
		}
	}
	panic(fmt.Sprintf("guardrails have no end after %d steps", maxSteps)) // TestTheEndIsReached looks for such a case.
}

func inOrderOfNames(state map[string]*policyv1alpha2.ClusterNetworkPolicy) []*policyv1alpha2.ClusterNetworkPolicy {
	out := make([]*policyv1alpha2.ClusterNetworkPolicy, 0, len(state))
	for _, name := range slices.Sorted(maps.Keys(state)) {
		out = append(out, state[name])
	}
	return out
}
