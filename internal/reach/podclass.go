package reach

import (
	"encoding/binary"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
)

// key is the same for namespaces that their cluster does not tell apart: whose policies say
// the same, and that the same selectors choose. The same policy twice says what it says once.
func (n *namespace) key() string {
	ids := sets.New[int]()
	for i := range n.policies {
		ids.Insert(n.policies[i].spec.id)
	}
	key := []byte(n.chosen.key())
	for _, id := range sets.List(ids) {
		key = binary.AppendUvarint(key, uint64(id))
	}
	return string(key)
}

// findKinds finds the kinds of pods of each class of namespaces.
func (s *Space) findKinds(limit int) error {
	known := map[string][]podKind{}
	for i := range s.classes {
		c := &s.classes[i]
		asks := s.asked(c)
		key := asks.key()
		if known[key] == nil {
			kinds, count := s.kinds(asks, limit)
			if kinds == nil {
				return fmt.Errorf("selectors tell more than %d kinds of pods apart in namespace %s: %d or more",
					limit, c.names[0], count)
			}
			known[key] = kinds
		}
		c.asks, c.kinds = asks, known[key]
	}
	return nil
}

// asked are the places of the selectors that look for pods in a class of namespaces: those
// of its own policies, those of the subjects of ClusterNetworkPolicies, and those of any
// policy's peers.
func (s *Space) asked(c *class) bits {
	out := newBits(len(s.selectors))
	for i, cluster := range s.clusters {
		for _, p := range cluster.peers {
			if p.namespaces != nil && c.seen[i].chosen.has(p.namespaces.id) {
				out.add(s.places[i][p.pods.id])
			}
		}
		for _, g := range c.seen[i].guards.all() {
			out.add(s.places[i][g.pods.id])
		}
		for _, of := range c.seen[i].policies {
			out.add(s.places[i][of.spec.pods.id])
			for _, r := range slices.Concat(of.spec.rules[ingress], of.spec.rules[egress]) {
				for _, p := range r.peers {
					if p.block == nil && p.namespaces == nil {
						out.add(s.places[i][p.pods.id])
					}
				}
			}
		}
	}
	return out
}

// kinds are the kinds of pods that selectors tell apart; nil if they are too many.
func (s *Space) kinds(asks bits, limit int) ([]podKind, int) {
	var requirements []labels.Requirements
	for place := range asks.all() {
		if len(s.selectors[place].requirements) > 0 {
			requirements = append(requirements, s.selectors[place].requirements)
		}
	}
	found, count := kindsOf(requirements, limit)
	if found == nil {
		return nil, count
	}
	out := make([]podKind, 0, len(found))
	for _, set := range found {
		out = append(out, podKind{set, s.matched(asks, set)})
	}
	return out, count
}

// matched are those of some selectors that match a set of labels.
func (s *Space) matched(asks bits, set labels.Set) bits {
	out := newBits(len(s.selectors))
	for place := range asks.all() {
		if s.selectors[place].matches(set) {
			out.add(place)
		}
	}
	return out
}
