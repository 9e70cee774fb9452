package reach

import (
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
)

// endOf is the class of an end; none if the space does not have it.
func (s *Space) endOf(e Endpoint) int {
	if e.Pod == nil || e.Pod.HostNetwork {
		return s.outside(e.address(0))
	}
	i, known := s.classOf[e.Pod.Namespace]
	if !known {
		return none
	}
	c := &s.classes[i]
	seen := s.matched(c.asks, labels.Set(e.Pod.Labels))
	for k := c.first; k < c.after; k++ {
		if slices.Equal(c.kinds[s.ends[k].kind].matched, seen) && s.isIn(&s.ends[k], e.address(0)) {
			return k
		}
	}
	return none
}

// outside is the class of an address outside.
func (s *Space) outside(ip netip.Addr) int {
	place := slices.IndexFunc(s.parts, func(p part) bool { return p.contains(ip) })
	if place < 0 {
		return none
	}
	return len(s.ends) - len(s.parts) + place
}

// isIn tells whether pods of a class may have an address.
func (s *Space) isIn(e *classEnd, ip netip.Addr) bool {
	return e.part == none || s.parts[e.part].contains(ip)
}
