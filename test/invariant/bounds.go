package invariant

import (
	"math/bits"
	"slices"
)

// Bounds are what states between others must keep to.
type Bounds struct {
	world *World
	// kept are the flows that pass in each of the states.
	kept []uint64
	// flows are those that pass in any of the states; egress and ingress what any of them
	// opens on one side.
	flows, egress, ingress []uint64
	// bySides is set if a flow may pass whose sides are open in different states.
	bySides bool
}

// Between makes bounds of a first and a last state. If what is wanted changes more than
// once, each state that was wanted is one more.
func Between(first Flows, others ...Flows) *Bounds {
	b := &Bounds{world: first.world, egress: first.Clone().egress, ingress: first.Clone().ingress}
	for i := range first.egress {
		passes := first.egress[i] & first.ingress[i]
		b.kept, b.flows = append(b.kept, passes), append(b.flows, passes)
	}
	for _, f := range others {
		for i := range f.egress {
			passes := f.egress[i] & f.ingress[i]
			b.kept[i] &= passes
			b.flows[i] |= passes
			b.egress[i] |= f.egress[i]
			b.ingress[i] |= f.ingress[i]
		}
	}
	return b
}

// BySides lets a flow pass that passes in none of the states, if each of its sides by itself is open in
// one of them, or in one of some others, and returns the bounds. Nothing may be lost all the same.
func (b *Bounds) BySides(others ...Flows) *Bounds {
	b.bySides = true
	for _, f := range others {
		for i := range f.egress {
			b.egress[i] |= f.egress[i]
			b.ingress[i] |= f.ingress[i]
		}
	}
	return b
}

// Except lets flows from and to the pods of some namespaces be as they like, and returns the bounds.
// It is for namespaces that are not there, and for those of which nothing is promised.
func (b *Bounds) Except(namespaces ...string) *Bounds {
	ends, classes := b.world.ends(), len(b.world.Classes)
	for _, name := range namespaces {
		first := slices.Index(b.world.Namespaces, name) * classes
		for pod := first; pod < first+classes; pod++ {
			for other := range ends {
				b.ignore(pod*ends + other)
				b.ignore(other*ends + pod)
			}
		}
	}
	return b
}

// OneSided lets the flows between pods of some namespaces pass that only one of their sides closes in a state, and returns
// the bounds.
func (b *Bounds) OneSided(state Flows, namespaces ...string) *Bounds {
	ends, classes := b.world.ends(), len(b.world.Classes)
	isOneOf := func(end int) bool {
		return end/classes < len(b.world.Namespaces) && slices.Contains(namespaces, b.world.Namespaces[end/classes])
	}
	for from := range ends {
		for to := range ends {
			if pair := from*ends + to; isOneOf(from) && isOneOf(to) {
				b.flows[pair] |= state.egress[pair] ^ state.ingress[pair]
			}
		}
	}
	return b
}

func (b *Bounds) ignore(pair int) {
	b.kept[pair] = 0
	b.flows[pair], b.egress[pair], b.ingress[pair] = ^uint64(0), ^uint64(0), ^uint64(0)
}

// Kept is the number of flows that must pass.
func (b *Bounds) Kept() int {
	n := 0
	for _, word := range b.kept {
		n += bits.OnesCount64(word)
	}
	return n
}

// Check judges a state.
func (b *Bounds) Check(s Flows) Report {
	r := Report{}
	for i := range s.egress {
		e, in := s.egress[i], s.ingress[i]
		found := [kinds]uint64{
			Lost:    b.kept[i] &^ (e & in),
			Egress:  e &^ b.egress[i],
			Ingress: in &^ b.ingress[i],
			Opened:  (e & in) &^ b.flows[i],
		}
		if b.bySides {
			found[Opened] &= found[Egress] | found[Ingress]
		}
		if found != [kinds]uint64{} {
			r.add(s, i, found)
		}
	}
	return r
}

// Check judges a state between two others, and lists what is wrong with it: see Report for
// how much of it.
func Check(before, state, after Flows) []Violation {
	return Between(before, after).Check(state).First
}
