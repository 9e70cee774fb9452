package reach

import (
	"encoding/binary"
	"slices"
)

// deltaKey is what is open between two groups before and after, over each route, and the naming of the called one.
type deltaKey struct {
	routes [maxRoutes]change
	naming int
}

// emission is what a group does in a line, to whichever groups.
type emission struct {
	line     int
	relation Relation
	ports    string
}

// from finds what changed for pods of a group that call.
func (w *amongWalk) from(g int) {
	called := map[emission][]int{}
	portsOf := map[string]Ports{}
	for h := range w.groups {
		if w.groups[g].keepsOut && w.groups[h].keepsIn && w.groups[g].class != w.groups[h].class {
			continue
		}
		w.pair(g, h, func(e emission, ports Ports) {
			called[e] = append(called[e], h)
			portsOf[e.ports] = ports
		})
	}
	for e, to := range called {
		w.add(e, g, to, portsOf[e.ports])
	}
}

// add adds pairs to a line: to those that have the same called groups, or as new ones.
func (w *amongWalk) add(e emission, from int, to []int, ports Ports) {
	key := binary.AppendVarint(nil, int64(e.line))
	key = appendText(appendText(key, string(e.relation)), e.ports)
	for _, h := range to {
		key = binary.AppendVarint(key, int64(h))
	}
	known := w.products[string(key)]
	if known == nil {
		known = &PodPairs{To: to, Relation: e.relation, Ports: ports}
		w.products[string(key)] = known
		line := w.line(e.line)
		line.pairs = append(line.pairs, known)
	}
	known.From = append(known.From, from)
}

// pair finds what changed between pods of two groups.
func (w *amongWalk) pair(from, to int, emit func(emission, Ports)) {
	g, h := &w.groups[from], &w.groups[to]
	if g.class == none && h.class == none {
		// Policies have no say between addresses.
		return
	}
	across, within := w.count(from, to)
	var otherwise, same []share
	if across > 0 {
		otherwise = w.between(g, h, false)
		w.tally(otherwise, across)
	}
	if within > 0 {
		same = w.between(g, h, true)
		w.tally(same, within)
	}
	switch {
	case across > 0 && within > 0 && !sameShares(otherwise, same):
		w.emit(otherwise, OtherNamespace, emit)
		w.emit(same, SameNamespace, emit)
	case across > 0:
		w.emit(otherwise, AnyNamespaces, emit)
	default:
		w.emit(same, AnyNamespaces, emit)
	}
}

func (*amongWalk) emit(shares []share, relation Relation, emit func(emission, Ports)) {
	for i := range shares {
		emit(emission{shares[i].line, relation, shares[i].ports.String()}, shares[i].ports)
	}
}

// tally counts pairs of pods of which each has the same shares.
func (w *amongWalk) tally(shares []share, pairs int) {
	isOpened, isClosed := false, false
	for i := range shares {
		line := w.line(shares[i].line)
		line.Pairs += pairs
		isOpened, isClosed = isOpened || line.Opened, isClosed || !line.Opened
	}
	if isOpened {
		w.out.Opened += pairs
	}
	if isClosed {
		w.out.Closed += pairs
	}
}

// count is how many pairs of pods there are between two groups, in two namespaces and in one.
func (w *amongWalk) count(from, to int) (across, within int) {
	g, h := &w.groups[from], &w.groups[to]
	all := len(g.pods) * len(h.pods)
	if g.class == none || g.class != h.class {
		return all, 0
	}
	for namespace, n := range g.spread {
		within += n * h.spread[namespace]
	}
	across = all - within
	if from == to {
		within -= len(g.pods)
	}
	return across, within
}

// between is what changed between pods of two groups, in two namespaces or in one, by the lines that say so.
func (w *amongWalk) between(g, h *podGroup, same bool) []share {
	key := deltaKey{naming: h.naming}
	changes, count := false, 0
	route := func(from, to int) {
		c := change{w.openedBetween(0, from, to, same), w.openedBetween(1, from, to, same)}
		key.routes[count] = c
		changes = changes || c.before != c.after
		count++
	}
	for _, from := range g.ends {
		for _, to := range h.ends {
			if w.pods.isOneFamily(from, to) && count < maxRoutes {
				route(from, to)
			}
		}
	}
	if count == 0 {
		w.unaddressed(g, h, route)
	}
	if !changes {
		return nil
	}
	for ; count < maxRoutes; count++ {
		// The same route twice says what it says once.
		key.routes[count] = key.routes[0]
	}
	place, known := w.deltas[key]
	if !known {
		place = len(w.pieces)
		w.deltas[key] = place
		w.pieces = append(w.pieces, w.delta(&key, h))
	}
	return w.sharesOf(place, g, h, same)
}

// unaddressed has the routes of two groups that do not each have an address of one family: over each address of the one
// if the other has none, or one without addresses.
func (*amongWalk) unaddressed(g, h *podGroup, route func(from, to int)) {
	from, to := g.ends, h.ends
	if len(from) > 0 && len(to) > 0 {
		from, to = nil, nil
	}
	if len(from) == 0 {
		from = []int{g.bare}
	}
	if len(to) == 0 {
		to = []int{h.bare}
	}
	for _, f := range from {
		for _, t := range to {
			route(f, t)
		}
	}
}

func (s *Space) isOneFamily(from, to int) bool {
	return s.parts[s.ends[from].part].address().Is4() == s.parts[s.ends[to].part].address().Is4()
}

func (w *amongWalk) openedBetween(side, from, to int, same bool) opened {
	o := &w.openings[side]
	return opened{o[0].between(from, to, same), o[1].between(to, from, same)}
}

func sameShares(a, b []share) bool {
	return slices.EqualFunc(a, b, func(x, y share) bool { return x.line == y.line && slices.Equal(x.ports, y.ports) })
}
