package reach

import "encoding/binary"

// columns groups the ends of a space by the peers of a cluster that include them: by the
// selectors of namespaces and of pods that match, and by the address. It returns the column
// of each end, and one end of each column. There may be far fewer of them than ends: many
// namespaces differ only in their own policies.
func (s *Space) columns(cluster int) (columnOf, ends []int) {
	asked := newBits(len(s.selectors))
	for _, p := range s.clusters[cluster].peers {
		if p.pods != nil && p.namespaces != nil {
			asked.add(s.places[cluster][p.pods.id])
		}
	}
	columnOf = make([]int, len(s.ends))
	known := map[string]int{}
	for i := range s.ends {
		e := &s.ends[i]
		key := binary.AppendVarint(nil, int64(e.part))
		if e.class != none {
			c := &s.classes[e.class]
			key = appendText(key, c.seen[cluster].chosen.key())
			key = appendText(key, c.kinds[e.kind].matched.intersection(asked).key())
		}
		column, seen := known[string(key)]
		if !seen {
			column = len(ends)
			known[string(key)] = column
			ends = append(ends, i)
		}
		columnOf[i] = column
	}
	return columnOf, ends
}
