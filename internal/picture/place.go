package picture

import (
	"cmp"
	"math"
	"slices"
)

// place gives each vertex its place: columns side by side, and in each of them as near to the neighbours as the order
// and the room allow.
func (l *layers) place() {
	x := margin
	for _, column := range l.columns {
		width := 0.0
		for _, v := range column {
			width = max(width, l.vertices[v].w)
		}
		y := 0.0
		for _, v := range column {
			l.vertices[v].x, l.vertices[v].y = x+width/2, y+l.vertices[v].h/2
			y += l.vertices[v].h + rowGap
		}
		l.sides = append(l.sides, span{x, x + width})
		x += width + columnGap
	}
	l.drawing.width = max(x-columnGap, margin) + margin
	for s := range 2 * sweeps {
		for c := range l.columns {
			if s%2 == 1 {
				c = len(l.columns) - 1 - c
			}
			l.placeColumn(l.columns[c])
		}
	}
	top, bottom := 0.0, 0.0
	for i := range l.vertices {
		v := &l.vertices[i]
		if i == 0 {
			top, bottom = v.y-v.h/2, v.y+v.h/2
		}
		top, bottom = min(top, v.y-v.h/2), max(bottom, v.y+v.h/2)
	}
	for i := range l.vertices {
		l.vertices[i].y += margin - top
	}
	l.drawing.height = bottom - top + 2*margin
}

// placeColumn moves a column's vertices to the middle of their neighbours, in their order and with gaps: the least
// squares of the distances, by pooling those that would overlap.
func (l *layers) placeColumn(column []int) {
	type pool struct {
		sum   float64
		count int
	}
	var pools []pool
	offsets, offset := make([]float64, len(column)), 0.0
	for i, v := range column {
		if i > 0 {
			offset += (l.vertices[column[i-1]].h+l.vertices[v].h)/2 + rowGap
		}
		offsets[i] = offset
		pools = append(pools, pool{l.wanted(v) - offset, 1})
		for n := len(pools); n > 1; n = len(pools) {
			a, b := pools[n-2], pools[n-1]
			if a.sum/float64(a.count) <= b.sum/float64(b.count) {
				break
			}
			pools = append(pools[:n-2], pool{a.sum + b.sum, a.count + b.count})
		}
	}
	i := 0
	for _, p := range pools {
		for range p.count {
			l.vertices[column[i]].y = p.sum/float64(p.count) + offsets[i]
			i++
		}
	}
}

// wanted is where a vertex would be best: between its neighbours.
func (l *layers) wanted(v int) float64 {
	neighbours := slices.Concat(l.vertices[v].left, l.vertices[v].right)
	if len(neighbours) == 0 {
		return l.vertices[v].y
	}
	sum := 0.0
	for _, n := range neighbours {
		sum += l.vertices[n].y
	}
	return sum / float64(len(neighbours))
}

// finish hands the places over to the drawing.
func (l *layers) finish() {
	d := l.drawing
	for i := range d.boxes {
		d.boxes[i].rect = l.vertices[i].rect
	}
	for i := range d.lines {
		chain := l.chains[i]
		first, last := chain[0], chain[len(chain)-1]
		y := l.port(first, chain[1], true)
		points := []point{{l.vertices[first].x + l.vertices[first].w/2, y}, {l.sides[l.vertices[first].column].to, y}}
		for _, v := range chain[1 : len(chain)-1] {
			r, side := l.vertices[v].rect, l.sides[l.vertices[v].column]
			points = append(points, point{side.from, r.y}, point{side.to, r.y})
			if r.w > 0 {
				d.lines[i].label = r
			}
		}
		y = l.port(last, chain[len(chain)-2], false)
		points = append(points, point{l.sides[l.vertices[last].column].from, y}, point{l.vertices[last].x - l.vertices[last].w/2, y})
		if d.quiet {
			middle := points[len(points)/2]
			d.lines[i].label.x, d.lines[i].label.y = middle.x, middle.y
		}
		points = slices.CompactFunc(points, func(a, b point) bool { return math.Abs(b.x-a.x) < 1 })
		if l.turned[i] {
			slices.Reverse(points)
		}
		d.lines[i].points = points
	}
}

// port is at which height a line to a neighbour leaves a box: lines are spread over its side, in the order of where
// they go.
func (l *layers) port(v, neighbour int, toRight bool) float64 {
	neighbours := l.vertices[v].left
	if toRight {
		neighbours = l.vertices[v].right
	}
	sorted := slices.SortedStableFunc(slices.Values(neighbours), func(a, b int) int {
		return cmp.Compare(l.vertices[a].y, l.vertices[b].y)
	})
	at := slices.Index(sorted, neighbour)
	room := l.vertices[v].h - padding
	return l.vertices[v].y - room/2 + room*(float64(at)+0.5)/float64(len(sorted))
}
