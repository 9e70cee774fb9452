package reach

import (
	"fmt"
	"maps"
	"slices"
)

// Said is a line of a difference: changes that differ only in the pods or addresses.
type Said struct {
	// Opened is set if the flows pass after and not before.
	Opened bool
	// From and To are the parties.
	From, To PartyText
	// Ports are the ports in words, "all" for every port.
	Ports string
	// Egress and Ingress are set for the sides that were opened or closed.
	Egress, Ingress bool

	relation string
}

// PartyText is a party in words.
type PartyText struct {
	// Namespaces are the namespaces of the pods, sorted, which are alike; none for addresses.
	Namespaces []string
	// Narrowed says which pods there it is, empty for all of them; or which addresses.
	Narrowed string
}

// String names the first of the namespaces and how many more there are.
func (t PartyText) String() string {
	switch {
	case len(t.Namespaces) == 0:
		return t.Narrowed
	case t.Narrowed == "":
		return outsideName(t.Namespaces)
	default:
		return outsideName(t.Namespaces) + " " + t.Narrowed
	}
}

func (s *Said) String() string {
	verb, sides := "closed", "egress and ingress"
	if s.Opened {
		verb = "opened"
	}
	if !s.Ingress {
		sides = "egress"
	} else if !s.Egress {
		sides = "ingress"
	}
	return fmt.Sprintf("%s: %s to %s%s: %s (%s)", verb, s.From, s.To, s.relation, s.Ports, sides)
}

// Said are the lines of a difference in their parts. Unlike Lines, it does not put together what is said of pods in one
// namespace and of pods in two that are alike.
func (d *Difference) Said() []Said {
	byBorder := map[border]map[int][]int{}
	for r, same := range d.runs() {
		for to := int(r.first); to < int(r.after); to++ {
			b := border{d.space.ends[r.from].class, d.space.ends[to].class, same, int(r.effects)}
			if byBorder[b] == nil {
				byBorder[b] = map[int][]int{}
			}
			byBorder[b][int(r.from)] = append(byBorder[b][int(r.from)], to)
		}
	}
	var out []Said
	for _, b := range slices.SortedFunc(maps.Keys(byBorder), border.compare) {
		for _, ends := range products(byBorder[b]) {
			for _, said := range sayEffects(d.effects[b.effects]) {
				said.From, said.To, said.relation = d.space.text(ends.from), d.space.text(ends.to), d.space.relation(b)
				out = append(out, said)
			}
		}
	}
	return out
}

// sayEffects has a line without parties for each way in which ports changed.
func sayEffects(effects []effect) []Said {
	type way struct{ opened, egress, ingress bool }
	var ways []way
	spans := map[way][]*Span{}
	for i := range effects {
		w := way{effects[i].opened, effects[i].egress, effects[i].ingress}
		if spans[w] == nil {
			ways = append(ways, w)
		}
		spans[w] = append(spans[w], &effects[i].Span)
	}
	out := make([]Said, 0, len(ways))
	for _, w := range ways {
		out = append(out, Said{Opened: w.opened, Egress: w.egress, Ingress: w.ingress, Ports: spansText(spans[w])})
	}
	return out
}
