package reach

// keep notes for which groups nothing changes across namespaces: neither at the one side for whoever is at the other. Most
// groups are such, and pairs of them need not be looked at.
func (w *amongWalk) keep() {
	out, in := w.kept(0), w.kept(1)
	for i := range w.groups {
		g := &w.groups[i]
		g.keepsOut, g.keepsIn = out[g.bare], in[g.bare]
		for _, end := range g.ends {
			g.keepsOut, g.keepsIn = g.keepsOut && out[end], g.keepsIn && in[end]
		}
	}
}

// kept are the ends from which (0) or to which (1) policies open the same before and after, in other namespaces.
func (w *amongWalk) kept(direction int) []bool {
	k := keeper{w.openings[0][direction], w.openings[1][direction], map[[2]int][]int{}}
	columns := map[[2]int]bool{}
	for end := range w.pods.ends {
		both := [2]int{k.before.columnOf[end], k.after.columnOf[end]}
		if !columns[both] {
			columns[both] = true
			k.other[[2]int{0, both[0]}] = append(k.other[[2]int{0, both[0]}], both[1])
			k.other[[2]int{1, both[1]}] = append(k.other[[2]int{1, both[1]}], both[0])
		}
	}
	known := map[[2]int]bool{}
	out := make([]bool, len(w.pods.ends))
	for end := range out {
		rows := [2]int{k.before.rowOf[end], k.after.rowOf[end]}
		same, is := known[rows]
		if !is {
			same = k.isSame(rows)
			known[rows] = same
		}
		out[end] = same
	}
	return out
}

// keeper compares rows of what is open before and after.
type keeper struct {
	before, after *openings
	// other are for each column of the one the columns of the other that have an end of it: by 0 and the column before, and
	// by 1 and the column after.
	other map[[2]int][]int
}

func (k *keeper) isSame(rows [2]int) bool {
	if rows[0] == none || rows[1] == none {
		return rows[0] == rows[1]
	}
	before, after := &k.before.rows[rows[0]].across, &k.after.rows[rows[1]].across
	return k.isWithin(0, before, after) && k.isWithin(1, after, before)
}

// isWithin tells whether what a row opens, another opens too.
func (k *keeper) isWithin(side int, row, other *portRow) bool {
	for column, id := range row.opened() {
		for _, of := range k.other[[2]int{side, column}] {
			if other.at(of) != id {
				return false
			}
		}
	}
	return true
}
