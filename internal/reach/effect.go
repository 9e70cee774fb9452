package reach

import (
	"slices"
)

// effect is what becomes otherwise for some ports between two ends.
type effect struct {
	Span

	opened, egress, ingress bool
}

// change is what two sides open before and after.
type change struct {
	before, after opened
}

// effects are the exact difference between what is open before and after.
//
// Whether a port is open depends on its number, and on the names that the called pod gives
// to it, of those in play. More names never close it. So what is open is told by the least
// sets of names that open it, of which none has more than two names: one for each side. Two
// such lists say the same if each set of the one opens by the other, and what is in one and
// not in the other can be said in these sets.
//
// By ClusterNetworkPolicies names may close a port, too: then it is told name by name.
func (s *portSets) effects(c change) []effect {
	var out []effect
	for _, protocol := range protocols() {
		for _, isOpened := range []bool{true, false} {
			from, to := c.before, c.after
			if !isOpened {
				from, to = to, from
			}
			for i, r := range s.atoms.all {
				if r.protocol != protocol || r.name != "" {
					continue
				}
				if e, some := s.effect(from, to, i); some {
					e.opened = isOpened
					out = joinEffect(out, e)
				}
			}
		}
	}
	return out
}

// effect is what is open in the second case and not in the first, for one range of numbers.
func (s *portSets) effect(from, to opened, numbers int) (effect, bool) {
	if s.atoms.namings != nil && !s.areSteady(numbers, from.out, from.in, to.out, to.in) {
		return s.effectByName(from, to, numbers)
	}
	r := s.atoms.all[numbers]
	had := s.reasons(from, numbers)
	out := effect{Span: Span{Protocol: r.protocol, First: r.first, Last: r.last}}
	for _, reason := range s.reasons(to, numbers) {
		if holds(had, reason) {
			continue
		}
		out.Named = append(out.Named, reason)
		out.egress = out.egress || !s.open(from.out, numbers, reason)
		out.ingress = out.ingress || !s.open(from.in, numbers, reason)
	}
	if len(had) > 0 {
		out.Unless = had
	}
	return out, len(out.Named) > 0
}

// reasons are the least sets of names that open some numbers at both sides. The empty set
// says that they are open without a name; no set, that they are closed.
func (s *portSets) reasons(o opened, numbers int) [][]string {
	out, in := s.list[o.out].has(numbers), s.list[o.in].has(numbers)
	switch {
	case out && in:
		return [][]string{{}}
	case out:
		return s.singles(s.names(o.in, numbers))
	case in:
		return s.singles(s.names(o.out, numbers))
	}
	outNames, inNames := s.names(o.out, numbers), s.names(o.in, numbers)
	var reasons [][]string
	for _, a := range outNames {
		if slices.Contains(inNames, a) {
			reasons = append(reasons, []string{a})
			continue
		}
		for _, b := range inNames {
			if !slices.Contains(outNames, b) {
				reasons = append(reasons, []string{a, b})
			}
		}
	}
	return reasons
}

func (*portSets) singles(names []string) [][]string {
	out := make([][]string, 0, len(names))
	for _, name := range names {
		out = append(out, []string{name})
	}
	return out
}

// names are the names by which a set has some numbers, in order.
func (s *portSets) names(id setID, numbers int) []string {
	var out []string
	protocol := s.atoms.all[numbers].protocol
	if n := s.atoms.namings; n != nil {
		for i, name := range n.names[protocol] {
			if s.list[id].has(numbers + 1 + i) {
				out = append(out, name)
			}
		}
		return out
	}
	for i := range s.list[id].intersection(s.atoms.names).all() {
		if s.atoms.all[i].protocol == protocol {
			out = append(out, s.atoms.all[i].name)
		}
	}
	return out
}

// open tells whether a set has some numbers under some names.
func (s *portSets) open(id setID, numbers int, names []string) bool {
	if s.atoms.namings != nil {
		return s.hasAny(id, numbers, names)
	}
	return s.list[id].has(numbers) || slices.ContainsFunc(s.names(id, numbers), func(name string) bool {
		return slices.Contains(names, name)
	})
}

// joinEffect appends an effect, or joins it to the last one if it is the same for the
// numbers that follow.
func joinEffect(to []effect, e effect) []effect {
	if n := len(to); n > 0 {
		last := &to[n-1]
		if last.Protocol == e.Protocol && last.Last+1 == e.First &&
			last.opened == e.opened && last.egress == e.egress && last.ingress == e.ingress &&
			sameReasons(last.Named, e.Named) && sameReasons(last.Unless, e.Unless) {
			last.Last = e.Last
			return to
		}
	}
	return append(to, e)
}
