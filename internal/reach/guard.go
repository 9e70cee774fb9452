package reach

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// guard is a ClusterNetworkPolicy.
type guard struct {
	// id is the place among all of the cluster.
	id       int
	name     string
	tier     policyv1alpha2.Tier
	priority int32
	// namespaces and pods are the subject: these pods of these namespaces.
	namespaces, pods *selector
	// rules are those of each direction, in order.
	rules [2][]guardRule
}

// guardRule is a rule of a ClusterNetworkPolicy.
type guardRule struct {
	*rule

	action action
	// place is the place in the policy's list, from 0, and name is the name there.
	place int
	name  string
	// unjudged is set for a rule that has something in it that cannot be judged, and denies everything for that.
	unjudged bool
}

// action is what a rule does with the flows that it has. They are in order, the one that lets the least pass first.
type action int

const (
	undecided action = iota
	deny
	pass
	accept
)

// The places of the tiers of ClusterNetworkPolicies; that of NetworkPolicies is between them.
const (
	adminTier = iota
	baselineTier
	tierCount
)

// guards are the ClusterNetworkPolicies of each tier, those of higher precedence first.
type guards [tierCount][]*guard

func (g *guards) empty() bool {
	return len(g[adminTier])+len(g[baselineTier]) == 0
}

// all are those of both tiers.
func (g *guards) all() []*guard {
	if g == nil {
		return nil
	}
	return slices.Concat(g[adminTier], g[baselineTier])
}

// guardsOf puts ClusterNetworkPolicies in the order in which they are looked at: the one with the lower priority value
// first. Of those with the same one, the order decides nothing but which of them is named.
func guardsOf(all []*guard) guards {
	var out guards
	for _, g := range all {
		tier := adminTier
		if g.tier == policyv1alpha2.BaselineTier {
			tier = baselineTier
		}
		out[tier] = append(out[tier], g)
	}
	for _, tier := range out {
		slices.SortStableFunc(tier, func(a, b *guard) int {
			return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.name, b.name))
		})
	}
	return out
}

// of are those whose subject has pods in a namespace that selectors choose.
func (g *guards) of(chosen bits) *guards {
	out := &guards{}
	for tier := range g {
		for _, one := range g[tier] {
			if chosen.has(one.namespaces.id) {
				out[tier] = append(out[tier], one)
			}
		}
	}
	return out
}

// decided is what a tier decides over one side of a flow.
type decided struct {
	action action
	// by is the policy and rule the rule that decide; nil if the tier does not.
	by   *guard
	rule *guardRule
}

// final tells whether no other tier has a say any more.
func (d decided) final() bool {
	return d.action == accept || d.action == deny
}

// guarded is what a tier decides: by the first policy that has a rule for the flow, and in it by the first such rule. Of
// policies with the same priority "the implementation can apply any": of those, the one counts that lets the least pass.
func (r *route) guarded(tier []*guard, d direction, near, far *end) decided {
	var out decided
	for _, g := range tier {
		if out.by != nil && out.by.priority != g.priority {
			return out
		}
		if len(g.rules[d]) == 0 || !g.pods.matches(labels.Set(near.pod.Labels)) {
			continue
		}
		for i := range g.rules[d] {
			one := &g.rules[d][i]
			if !one.opens(r.protocol, r.port, r.to.pod) || !one.reaches(near, far) {
				continue
			}
			if out.by == nil || one.action < out.action {
				out = decided{one.action, g, one}
			}
			break
		}
	}
	return out
}
