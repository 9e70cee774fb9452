package reach

// judge fills in the cells of a matrix.
type judge struct {
	space *Space
	sets  *portSets
	// plain are the pieces of ports that people read of, and every and none are all and none of them.
	plain       *atoms
	every, none portSet
	// out and in are what is open at the end that calls, and at the one that is called.
	out, in *openings
	// sums has what was said of each pair of sets before.
	sums map[opened]tally
}

// opened is what the two sides open for some pair of ends.
type opened struct {
	out, in setID
}

// tally is what is open for all, and for any, of the pairs that were looked at.
type tally struct {
	all, any portSet
}

// cell looks at each pair of ends of two groups. Pairs in one namespace are told from pairs
// in two.
func (j *judge) cell(from, to *group) Cell {
	if from.addresses() && to.addresses() {
		return Cell{Unjudged: true}
	}
	within, across := map[opened]bool{}, map[opened]bool{}
	for _, a := range j.blocksOf(from) {
		for _, b := range j.blocksOf(to) {
			if a.class != b.class || a.class == none || from != to || a.namespaces > 1 {
				j.gather(a, b, false, across)
			}
			if a.class == b.class && a.class != none && from == to {
				j.gather(a, b, true, within)
			}
		}
	}
	return j.sum(j.tally(within), j.tally(across))
}

// endBlock is a run of ends: those in some namespaces of a class, or one that is addresses.
type endBlock struct {
	class, namespaces int
	first, after      int
}

func (j *judge) blocksOf(g *group) []endBlock {
	out := make([]endBlock, 0, len(g.classes)+len(g.ends))
	for i, n := range g.classes {
		out = append(out, endBlock{i, n, j.space.classes[i].first, j.space.classes[i].after})
	}
	for _, e := range g.ends {
		out = append(out, endBlock{none, 0, e, e + 1})
	}
	return out
}

// gather collects what is open between the ends of two blocks.
func (j *judge) gather(from, to endBlock, same bool, into map[opened]bool) {
	for a := from.first; a < from.after; a++ {
		for b := to.first; b < to.after; b++ {
			into[opened{j.out.between(a, b, same), j.in.between(b, a, same)}] = true
		}
	}
}

// tally sums up; it is nil if there was no pair.
func (j *judge) tally(found map[opened]bool) *tally {
	if len(found) == 0 {
		return nil
	}
	out := &tally{all: j.every, any: j.none}
	for o := range found {
		one := j.both(o)
		out.all = out.all.intersection(one.all)
		out.any = out.any.union(one.any)
	}
	return out
}

// both is what is open for a pair, for sure and perhaps.
func (j *judge) both(o opened) tally {
	out, known := j.sums[o]
	if !known {
		sure, maybe := j.sets.both(o)
		out = tally{all: sure, any: sure.union(maybe)}
		j.sums[o] = out
	}
	return out
}

func (j *judge) sum(within, across *tally) Cell {
	none := &tally{all: j.none, any: j.none}
	every := none.all
	switch {
	case within == nil && across == nil:
		within, across = none, none
	case within == nil:
		within, every = none, across.all
	case across == nil:
		across, every = none, within.all
	default:
		every = within.all.intersection(across.all)
	}
	own := within.all.difference(across.any).difference(every)
	some := j.plain.narrowed(within.any.union(across.any), every.union(own))
	return Cell{Every: j.plain.text(every), Within: j.plain.text(own), Some: j.plain.text(some)}
}
