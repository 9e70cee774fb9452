package controllers

import (
	"slices"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// called returns, for each tier, the tiers in whose namespaces its service accounts get roles.
func (s *snapshot) called() map[transition.Membership][]transition.Membership {
	out := map[transition.Membership][]transition.Membership{}
	for name, c := range s.byName {
		if c.plan == nil {
			continue
		}
		for caller, tiers := range c.plan.Called() {
			from := transition.Membership{Profile: name, Tier: caller}
			for _, tier := range tiers {
				out[from] = append(out[from], transition.Membership{Profile: name, Tier: tier})
			}
		}
	}
	return out
}

// naming returns the tiers in which a ClusterRole is granted.
func (p *Profiles) naming(clusterRole string) []transition.Membership {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.snapshot == nil {
		return nil
	}
	var out []transition.Membership
	for name, c := range p.snapshot.byName {
		if c.plan == nil {
			continue
		}
		for i := range c.plan.Tiers {
			t := &c.plan.Tiers[i]
			if slices.ContainsFunc(t.Grants, func(g plan.Grant) bool { return g.ClusterRole == clusterRole }) {
				out = append(out, transition.Membership{Profile: name, Tier: t.Name})
			}
		}
	}
	return out
}
