package reach

import (
	"cmp"
	"maps"
	"slices"
)

// piece is ports of a group that change alike: numbers in a row, and the names that the pods give to them.
type piece struct {
	portRange

	isOpened bool
	names    []string
}

// delta is what is open before and not after, or after and not before, over any of the routes to a group.
func (w *amongWalk) delta(key *deltaKey, called *podGroup) []piece {
	var out []piece
	for i, r := range w.sets.atoms.all {
		if r.name != "" {
			continue
		}
		for _, p := range called.cut(r) {
			before, after := false, false
			for _, c := range key.routes {
				before = before || w.passes(c.before, i, p.names)
				after = after || w.passes(c.after, i, p.names)
			}
			if before != after {
				p.isOpened = after
				out = append(out, p)
			}
		}
	}
	return out
}

func (w *amongWalk) passes(o opened, numbers int, names []string) bool {
	return w.sets.open(o.out, numbers, names) && w.sets.open(o.in, numbers, names)
}

// cut cuts numbers so that those with names are by themselves.
func (g *podGroup) cut(r portRange) []piece {
	var out []piece
	next := r.first
	for _, p := range g.ports {
		if p.Protocol != r.protocol || p.Number < next || p.Number > r.last {
			continue
		}
		if next < p.Number {
			out = append(out, piece{portRange: portRange{protocol: r.protocol, first: next, last: p.Number - 1}})
		}
		one := portRange{protocol: r.protocol, first: p.Number, last: p.Number}
		out = append(out, piece{portRange: one, names: g.namesOf(p.Protocol, p.Number)})
		next = p.Number + 1
	}
	if next <= r.last {
		out = append(out, piece{portRange: portRange{protocol: r.protocol, first: next, last: r.last}})
	}
	return out
}

// share is what a line says of the ports that changed between two groups.
type share struct {
	line  int
	ports Ports
}

// shareKey is what shares depend on: what changed, and the lines that are about the groups.
type shareKey struct {
	delta int
	lines [maxTold]int
}

// maxTold is how many pairs of ends a difference has two groups as, at most.
const maxTold = 4

// sharesOf divides what changed between two groups among the lines that say so.
func (w *amongWalk) sharesOf(delta int, g, h *podGroup, same bool) []share {
	key := shareKey{delta: delta}
	var effects [maxTold]int
	count := 0
	for _, from := range g.told {
		for _, to := range h.told {
			p := pair{from, to, same}
			if place := w.placeOf(p); place != none && count < maxTold {
				// Lines are counted from 1, as 0 stands for none.
				key.lines[count], effects[count] = w.first[caller{w.border(p, place), from}]+1, place
				count++
			}
		}
	}
	known, is := w.shares[key]
	if !is {
		known = w.divide(w.pieces[delta], key.lines[:count], effects[:count])
		w.shares[key] = known
	}
	return known
}

func (w *amongWalk) divide(pieces []piece, lines, effects []int) []share {
	byLine := map[int][]portRange{}
	for i := range pieces {
		line := w.lineOf(&pieces[i], lines, effects)
		byLine[line] = append(byLine[line], pieces[i].portRange)
	}
	out := make([]share, 0, len(byLine))
	for line, ranges := range byLine {
		out = append(out, share{line, portsText(ranges)})
	}
	slices.SortFunc(out, func(a, b share) int { return cmp.Compare(a.line, b.line) })
	return out
}

// lineOf is the line that says that a piece changed.
func (w *amongWalk) lineOf(p *piece, lines, effects []int) int {
	for i, place := range effects {
		of := w.effects[place]
		for k := range of {
			if of[k].opened == p.isOpened && of[k].holds(p.protocol, p.first, p.names) {
				return w.at[lines[i]-1+slices.Index(waysOf(of), of[k].way())]
			}
		}
	}
	if p.isOpened {
		return openedByAddress
	}
	return closedByAddress
}

// portsText writes ranges that are sorted by protocol and number.
func portsText(ranges []portRange) Ports {
	out := make(Ports, 0, len(ranges))
	whole := 0
	for _, protocol := range protocols() {
		var of []portRange
		for _, r := range ranges {
			if r.protocol == protocol {
				of = append(of, r)
			}
		}
		of = joined(of)
		if len(of) > 0 && of[0].every() {
			whole++
		}
		out = append(out, protocolText(protocol, of)...)
	}
	if whole == len(protocols()) {
		return Ports{"all"}
	}
	return out
}

// outside finds the pods of lines of which one party is addresses. The address of the pod does not matter there.
func (w *amongWalk) outside() {
	byKind := map[classEnd][]int{}
	for g := range w.groups {
		kind := classEnd{w.groups[g].class, w.groups[g].kind, none}
		byKind[kind] = append(byKind[kind], g)
	}
	for i := range w.said {
		from, to := w.space.ends[w.said[i].ends.from[0]], w.space.ends[w.said[i].ends.to[0]]
		switch none {
		case to.class:
			w.addOutside(i, byKind, w.said[i].ends.from, func(groups []int) PodPairs { return PodPairs{From: groups} })
		case from.class:
			w.addOutside(i, byKind, w.said[i].ends.to, func(groups []int) PodPairs { return PodPairs{To: groups} })
		}
	}
}

func (w *amongWalk) addOutside(said int, byKind map[classEnd][]int, ends []int, pairs func(groups []int) PodPairs) {
	byPorts := map[string][]int{}
	portsOf := map[string]Ports{}
	for _, end := range ends {
		kind := w.space.ends[end]
		kind.part = none
		for _, g := range byKind[kind] {
			ports := w.portsSaid(said, g, w.space.ends[w.said[said].ends.to[0]].class != none)
			if key := ports.String(); len(ports) > 0 && !slices.Contains(byPorts[key], g) {
				byPorts[key], portsOf[key] = append(byPorts[key], g), ports
			}
		}
	}
	line := w.line(w.at[said])
	for _, key := range slices.Sorted(maps.Keys(byPorts)) {
		slices.Sort(byPorts[key])
		of := pairs(byPorts[key])
		of.Ports = portsOf[key]
		line.pairs = append(line.pairs, &of)
	}
}

// portsSaid are the ports that a line says of a group, as numbers.
func (w *amongWalk) portsSaid(said, g int, isCalled bool) Ports {
	s := &w.said[said]
	group := &podGroup{}
	if isCalled {
		group = &w.groups[g]
	}
	var out []portRange
	for i := range w.effects[s.effects] {
		e := &w.effects[s.effects][i]
		if e.way() != s.way() {
			continue
		}
		for _, p := range group.cut(e.numbers()) {
			if e.holds(p.protocol, p.first, p.names) {
				out = append(out, p.portRange)
			}
		}
	}
	return portsText(out)
}
