package reach

import (
	"encoding/binary"
)

// guardedPorts are what ClusterNetworkPolicies decide between two ends.
type guardedPorts struct {
	// accepted are the ports that they accept, and left are those that are left to NetworkPolicies, or open without any. All
	// others are denied.
	accepted, left setID
}

// left are those of some ports that ClusterNetworkPolicies leave to NetworkPolicies.
func (r *openingRow) left(column int, ports setID, sets *portSets) setID {
	if r.guarded == nil {
		return ports
	}
	return sets.intersection(r.guarded[column].left, ports)
}

// guardsOf are the ClusterNetworkPolicies that apply to a pod in the direction. Those of the Baseline tier apply only to a
// pod that no NetworkPolicy isolates.
func (f *filler) guardsOf(e *classEnd, isolated bool) guards {
	var out guards
	c := &f.space.classes[e.class]
	if c.seen[f.cluster].guards == nil {
		return out
	}
	for tier, of := range c.seen[f.cluster].guards {
		if tier == baselineTier && isolated {
			continue
		}
		for _, g := range of {
			if len(g.rules[f.direction]) > 0 && c.kinds[e.kind].matched.has(f.space.places[f.cluster][g.pods.id]) {
				out[tier] = append(out[tier], g)
			}
		}
	}
	return out
}

// key is the same for the same policies, given whether NetworkPolicies are between their tiers.
func (g *guards) key(isolated bool) []byte {
	if g.empty() {
		return nil
	}
	var key []byte
	for _, tier := range g {
		key = binary.AppendUvarint(key, uint64(len(tier)))
		for _, one := range tier {
			key = binary.AppendUvarint(key, uint64(one.id))
		}
	}
	if isolated {
		return append(key, '+')
	}
	return append(key, '-')
}

// guarded are what ClusterNetworkPolicies decide, by column; nil if there are none.
func (f *filler) guarded(of *guards) []guardedPorts {
	if of.empty() {
		return nil
	}
	key := string(of.key(false))
	out, known := f.byGuards[key]
	if !known {
		out = make([]guardedPorts, 0, len(f.ends))
		for column := range f.ends {
			admin := f.tier(of[adminTier], column, everything)
			baseline := f.tier(of[baselineTier], column, admin.left)
			out = append(out, guardedPorts{f.sets.union(admin.accepted, baseline.accepted), baseline.left})
		}
		f.byGuards[key] = out
	}
	return out
}

// tier is what the policies of a tier decide over the ports that came to it.
func (f *filler) tier(policies []*guard, column int, ports setID) guardedPorts {
	s, out := f.sets, guardedPorts{left: nothing}
	for first := 0; first < len(policies); {
		// Of those with the same priority, what one denies is denied, and what one passes is passed: see route.guarded.
		var by [accept + 1]setID
		after := first
		for ; after < len(policies) && policies[after].priority == policies[first].priority; after++ {
			for action, set := range f.decide(policies[after], column) {
				by[action] = s.union(by[action], set)
			}
		}
		first = after
		by[pass] = s.difference(by[pass], by[deny])
		by[accept] = s.difference(s.difference(by[accept], by[deny]), by[pass])
		out.accepted = s.union(out.accepted, s.intersection(ports, by[accept]))
		out.left = s.union(out.left, s.intersection(ports, by[pass]))
		for _, decided := range by {
			ports = s.difference(ports, decided)
		}
	}
	out.left = s.union(out.left, ports)
	return out
}

// decide are the ports on which one policy does each of the actions: of its rules the first one counts.
func (f *filler) decide(g *guard, column int) [accept + 1]setID {
	var out [accept + 1]setID
	ports := everything
	for i := range g.rules[f.direction] {
		r := &g.rules[f.direction][i]
		if !f.reach(r.id).has(column) {
			continue
		}
		out[r.action] = f.sets.union(out[r.action], f.sets.intersection(ports, f.ports(r.id)))
		ports = f.sets.difference(ports, f.ports(r.id))
	}
	return out
}
