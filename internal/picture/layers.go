package picture

import (
	"cmp"
	"slices"
)

// layers are the columns of a drawing while it is laid out: parties in the even ones, labels in the odd ones, and in both
// what keeps room for a line that passes by. It is how Sugiyama, Tagawa and Toda draw hierarchies.
type layers struct {
	drawing  *drawing
	vertices []vertex
	columns  [][]int
	// sides are the left and the right of each column.
	sides []span
	// chains are the vertices of each line, from left to right.
	chains [][]int
	// turned are the lines that go from right to left, since they close a cycle.
	turned []bool
}

// span is from where to where something goes.
type span struct{ from, to float64 }

// vertex is something that has a place in a column.
type vertex struct {
	rect

	column      int
	left, right []int
}

func newLayers(d *drawing) *layers {
	l := &layers{drawing: d, turned: make([]bool, len(d.lines)), chains: make([][]int, len(d.lines))}
	columns := l.columnsOfBoxes()
	for i := range d.boxes {
		l.vertex(2*columns[i], d.boxes[i].w, d.boxes[i].h)
	}
	for i := range d.lines {
		first, last := d.lines[i].from, d.lines[i].to
		if l.turned[i] {
			first, last = last, first
		}
		middle := (columns[first]+columns[last]-1)/2*2 + 1
		chain := []int{first}
		for c := 2*columns[first] + 1; c < 2*columns[last]; c++ {
			w, h := 0.0, quietHeight
			if c == middle && !d.quiet {
				w, h = d.lines[i].label.w, d.lines[i].label.h
			}
			chain = append(chain, l.vertex(c, w, h))
		}
		chain = append(chain, last)
		for j := 1; j < len(chain); j++ {
			left, right := &l.vertices[chain[j-1]], &l.vertices[chain[j]]
			left.right, right.left = append(left.right, chain[j]), append(right.left, chain[j-1])
		}
		l.chains[i] = chain
	}
	return l
}

func (l *layers) vertex(column int, w, h float64) int {
	for len(l.columns) <= column {
		l.columns = append(l.columns, nil)
	}
	l.vertices = append(l.vertices, vertex{rect: rect{w: w, h: h}, column: column})
	l.columns[column] = append(l.columns[column], len(l.vertices)-1)
	return len(l.vertices) - 1
}

// columnsOfBoxes puts each party to the right of all who call it, but for lines that close a cycle, which it turns.
func (l *layers) columnsOfBoxes() []int {
	d := l.drawing
	out, calls := make([][]int, len(d.boxes)), make([]int, len(d.boxes))
	for i := range d.lines {
		out[d.lines[i].from] = append(out[d.lines[i].from], i)
		calls[d.lines[i].to]++
	}
	starts := make([]int, len(d.boxes))
	for i := range starts {
		starts[i] = i
	}
	slices.SortStableFunc(starts, func(a, b int) int { return cmp.Compare(calls[a], calls[b]) })
	state, finished := make([]int, len(d.boxes)), []int{}
	var visit func(int)
	visit = func(i int) {
		state[i] = 1
		for _, e := range out[i] {
			switch to := d.lines[e].to; state[to] {
			case 0:
				visit(to)
			case 1:
				l.turned[e] = true
			}
		}
		state[i] = 2
		finished = append(finished, i)
	}
	for _, i := range starts {
		if state[i] == 0 {
			visit(i)
		}
	}
	columns := make([]int, len(d.boxes))
	slices.Reverse(finished)
	for _, i := range finished {
		for e := range d.lines {
			first, last := d.lines[e].from, d.lines[e].to
			if l.turned[e] {
				first, last = last, first
			}
			if first == i {
				columns[last] = max(columns[last], columns[i]+1)
			}
		}
	}
	return columns
}

// sweeps is how often columns are ordered, and how often they are moved.
const sweeps = 12

// order orders each column by where the neighbours are, to and fro, and keeps the order with the fewest crossings.
func (l *layers) order() {
	best, fewest := l.copied(), l.crossings()
	for s := range sweeps {
		for c := range l.columns {
			if s%2 == 1 {
				c = len(l.columns) - 1 - c
			}
			l.orderColumn(c, s%2 == 0)
		}
		if n := l.crossings(); n < fewest {
			best, fewest = l.copied(), n
		}
	}
	l.columns = best
}

func (l *layers) copied() [][]int {
	out := make([][]int, 0, len(l.columns))
	for _, c := range l.columns {
		out = append(out, slices.Clone(c))
	}
	return out
}

func (l *layers) positions() []int {
	out := make([]int, len(l.vertices))
	for _, c := range l.columns {
		for i, v := range c {
			out[v] = i
		}
	}
	return out
}

func (l *layers) orderColumn(c int, byLeft bool) {
	at := l.positions()
	weight := make(map[int]float64, len(l.columns[c]))
	for _, v := range l.columns[c] {
		neighbours := l.vertices[v].right
		if byLeft {
			neighbours = l.vertices[v].left
		}
		weight[v] = float64(at[v])
		if len(neighbours) > 0 {
			sum := 0
			for _, n := range neighbours {
				sum += at[n]
			}
			weight[v] = float64(sum) / float64(len(neighbours))
		}
	}
	slices.SortStableFunc(l.columns[c], func(a, b int) int { return cmp.Compare(weight[a], weight[b]) })
}

// crossings counts how many lines cross between columns.
func (l *layers) crossings() int {
	at, n := l.positions(), 0
	for _, column := range l.columns {
		var ends []int // of the lines to the right, in the order of where they begin
		for _, v := range column {
			begun := len(ends)
			for _, right := range l.vertices[v].right {
				for _, other := range ends[:begun] {
					if other > at[right] {
						n++
					}
				}
				ends = append(ends, at[right])
			}
		}
	}
	return n
}
