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
	ends     product
	// effects is the place of the effects that the line is one way of.
	effects int
}

func (s *Said) way() way { return way{s.Opened, s.Egress, s.Ingress} }

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
	out, _ := d.say()
	return out
}

// caller is an end that calls across a border; all that it calls there is in the same lines.
type caller struct {
	border

	end int
}

// say are all lines, and for each caller the place of the first of those it is in. There is one for each way.
func (d *Difference) say() ([]Said, map[caller]int) {
	byBorder := map[border]map[int][]int{}
	for r, same := range d.runs() {
		for to := int(r.first); to < int(r.after); to++ {
			b := d.border(pair{int(r.from), to, same}, int(r.effects))
			if byBorder[b] == nil {
				byBorder[b] = map[int][]int{}
			}
			byBorder[b][int(r.from)] = append(byBorder[b][int(r.from)], to)
		}
	}
	var out []Said
	first := map[caller]int{}
	for _, b := range slices.SortedFunc(maps.Keys(byBorder), border.compare) {
		for _, ends := range products(byBorder[b]) {
			for _, from := range ends.from {
				first[caller{b, from}] = len(out)
			}
			for _, said := range sayEffects(d.effects[b.effects]) {
				said.From, said.To, said.relation = d.space.text(ends.from), d.space.text(ends.to), d.space.relation(b)
				said.ends, said.effects = ends, b.effects
				out = append(out, said)
			}
		}
	}
	return out, first
}

// border is the border that a pair of ends is across.
func (d *Difference) border(p pair, effects int) border {
	return border{d.space.ends[p.from].class, d.space.ends[p.to].class, p.same, effects}
}

// way is a way in which ports changed.
type way struct{ opened, egress, ingress bool }

func (e *effect) way() way { return way{e.opened, e.egress, e.ingress} }

// waysOf are the ways of effects, in the order of their lines.
func waysOf(effects []effect) []way {
	var out []way
	for i := range effects {
		if w := effects[i].way(); !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// sayEffects has a line without parties for each way in which ports changed.
func sayEffects(effects []effect) []Said {
	spans := map[way][]*Span{}
	for i := range effects {
		spans[effects[i].way()] = append(spans[effects[i].way()], &effects[i].Span)
	}
	ways := waysOf(effects)
	out := make([]Said, 0, len(ways))
	for _, w := range ways {
		out = append(out, Said{Opened: w.opened, Egress: w.egress, Ingress: w.ingress, Ports: spansText(spans[w])})
	}
	return out
}
