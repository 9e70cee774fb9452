package reach

import (
	"encoding/binary"

	"k8s.io/apimachinery/pkg/util/sets"
)

// openings are the ports that the policies of one cluster open in one direction, between any
// two ends of a space.
type openings struct {
	space     *Space
	sets      *portSets
	direction direction
	// rowOf is the row of each end that is near; none for one that is not isolated.
	rowOf []int
	rows  []openingRow
	// columnOf is the column of each end that is far. Ends that the same peers include share
	// it, whatever policies apply to them; ends has one of them for each column.
	columnOf []int
	ends     []int
}

// openingRow is what some rules open. Ends to which the same rules apply share it.
type openingRow struct {
	rules []int
	// guarded are for each column what ClusterNetworkPolicies decide; nil if none applies.
	guarded []guardedPorts
	// across has for each column what is open to or from it, in another namespace.
	across portRow
	// within has the same for far ends in the same namespace, by the class of that
	// namespace, from the first end of it on.
	within map[int][]setID
}

// between is what is open between two ends, in one namespace or in two.
func (o *openings) between(near, far int, same bool) setID {
	row := o.rowOf[near]
	if row == none {
		return everything
	}
	if same {
		i := o.space.ends[near].class
		return o.rows[row].within[i][far-o.space.classes[i].first]
	}
	return o.rows[row].across.at(o.columnOf[far])
}

// openings computes what a cluster's policies open in one direction.
func (s *Space) openings(cluster int, d direction, of *portSets) *openings {
	o := &openings{space: s, sets: of, direction: d, rowOf: make([]int, len(s.ends))}
	o.columnOf, o.ends = s.columns(cluster)
	f := &filler{
		openings: o, cluster: cluster, reached: map[int]bits{}, opened: map[int]setID{}, byRules: map[string]int{},
		byGuards: map[string][]guardedPorts{},
	}
	for i := range s.ends {
		o.rowOf[i] = f.row(&s.ends[i])
	}
	return o
}

// filler fills in openings.
type filler struct {
	*openings
	cluster int
	// reached are the far ends that a rule reaches in whatever namespace, by its id.
	reached map[int]bits
	// opened are the ports of a rule, by its id.
	opened  map[int]setID
	byRules map[string]int
	// byGuards are what ClusterNetworkPolicies decide, by which of them.
	byGuards map[string][]guardedPorts
}

// row finds or makes the row of an end.
func (f *filler) row(e *classEnd) int {
	if e.class == none {
		return none
	}
	rules, isolated := f.rulesOf(e)
	guards := f.guardsOf(e, isolated)
	if !isolated && guards.empty() {
		return none
	}
	key := guards.key(isolated)
	for _, id := range rules {
		key = binary.AppendUvarint(key, uint64(id))
	}
	i, known := f.byRules[string(key)]
	if !known {
		i = len(f.rows)
		f.byRules[string(key)] = i
		row := openingRow{rules: rules, guarded: f.guarded(&guards), within: map[int][]setID{}}
		row.across = f.across(&row, isolated)
		f.rows = append(f.rows, row)
	}
	if f.rows[i].within[e.class] == nil {
		f.rows[i].within[e.class] = f.within(&f.rows[i], e.class)
	}
	return i
}

// rulesOf are the ids of the rules that apply to a pod, and whether it is isolated.
func (f *filler) rulesOf(e *classEnd) (rules []int, isolated bool) {
	found := sets.New[int]()
	c := &f.space.classes[e.class]
	for _, p := range c.seen[f.cluster].policies {
		if !p.spec.isolates[f.direction] || !c.kinds[e.kind].matched.has(f.space.places[f.cluster][p.spec.pods.id]) {
			continue
		}
		isolated = true
		for _, r := range p.spec.rules[f.direction] {
			found.Insert(r.id)
		}
	}
	return sets.List(found), isolated
}

func (f *filler) across(row *openingRow, isolated bool) portRow {
	out := make([]setID, len(f.ends))
	if !isolated {
		for column := range out {
			out[column] = everything
		}
	}
	for _, id := range row.rules {
		opened := f.ports(id)
		for column := range f.reach(id).all() {
			out[column] = f.sets.union(out[column], opened)
		}
	}
	for column, g := range row.guarded {
		out[column] = f.sets.union(g.accepted, f.sets.intersection(g.left, out[column]))
	}
	if f.direction == egress {
		f.strip(out)
	}
	return newPortRow(out)
}

func (f *filler) ports(id int) setID {
	out, known := f.opened[id]
	if !known {
		out = f.sets.of(f.space.clusters[f.cluster].rules[id].ports)
		f.opened[id] = out
	}
	return out
}

// strip takes the names out of what is open to addresses, which have none.
func (f *filler) strip(row []setID) {
	for i := range row {
		if f.space.ends[f.ends[i]].class == none {
			row[i] = f.sets.numbers(row[i])
		}
	}
}

// reach are the columns that a rule reaches, but for the pods that it looks for in its own
// namespace.
func (f *filler) reach(id int) bits {
	out, known := f.reached[id]
	if known {
		return out
	}
	r := f.space.clusters[f.cluster].rules[id]
	if r.anyone {
		out = allBits(len(f.ends))
	} else {
		out = newBits(len(f.ends))
		for _, p := range r.peers {
			f.include(p, out)
		}
	}
	f.reached[id] = out
	return out
}

func (f *filler) include(p *peer, into bits) {
	for column, i := range f.ends {
		e := &f.space.ends[i]
		if p.block != nil {
			if e.part != none && p.block.contains(f.space.parts[e.part].address()) {
				into.add(column)
			}
			continue
		}
		if e.class == none || p.namespaces == nil {
			continue
		}
		c := &f.space.classes[e.class]
		if c.seen[f.cluster].chosen.has(p.namespaces.id) && c.kinds[e.kind].matched.has(f.space.places[f.cluster][p.pods.id]) {
			into.add(column)
		}
	}
}

// within is what is open inside one namespace of a class: what is open from anywhere, and
// what rules open to pods of their own namespace.
func (f *filler) within(row *openingRow, i int) []setID {
	c := &f.space.classes[i]
	out := make([]setID, 0, c.after-c.first)
	for far := c.first; far < c.after; far++ {
		out = append(out, row.across.at(f.columnOf[far]))
	}
	for _, id := range row.rules {
		opened := f.ports(id)
		for _, p := range f.space.clusters[f.cluster].rules[id].peers {
			if p.block != nil || p.namespaces != nil {
				continue
			}
			place := f.space.places[f.cluster][p.pods.id]
			for far := range out {
				if c.kinds[f.space.ends[c.first+far].kind].matched.has(place) {
					out[far] = f.sets.union(out[far], row.left(f.columnOf[c.first+far], opened, f.sets))
				}
			}
		}
	}
	return out
}
