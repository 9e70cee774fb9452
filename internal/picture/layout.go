package picture

import (
	"slices"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

// Sizes of a drawing, in pixels.
const (
	fontSize    = 12.0
	charWidth   = 7.1 // of sans-serif fonts at that size, with room to spare
	lineHeight  = 16.0
	padding     = 10.0
	rowGap      = 14.0
	columnGap   = 48.0
	margin      = 16.0
	quietHeight = 6.0
	// maxLabels is how many lines have labels that are always there: with more of them nothing can be read any more, and
	// they show on the line that is looked at.
	maxLabels = 45
)

// drawing is a graph with its places.
type drawing struct {
	width, height float64
	boxes         []box
	lines         []line
	// quiet is set if there are too many lines for labels.
	quiet bool
}

// rect is a place: its middle and its size.
type rect struct{ x, y, w, h float64 }

type point struct{ x, y float64 }

// box is a party in its place.
type box struct {
	rect

	node  *offline.Node
	title string
	text  []string
}

// line is what is drawn for dependencies between the same two parties.
type line struct {
	from, to int
	edges    []*offline.Edge
	closed   bool
	points   []point
	label    rect
	text     []labelText
}

type labelText struct {
	text   string
	strong bool
}

// layOut lays a graph out: callers to the left of whom they call.
func layOut(g *offline.Graph) *drawing {
	d := &drawing{}
	index := map[string]int{}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		index[n.ID] = i
		d.boxes = append(d.boxes, box{node: n, title: shorten(nodeTitle(n)), text: shortened(nodeLines(n))})
	}
	for i := range g.Edges {
		d.add(&g.Edges[i], index[g.Edges[i].From], index[g.Edges[i].To])
	}
	d.quiet = len(d.lines) > maxLabels
	for i := range d.boxes {
		b := &d.boxes[i]
		chars := len([]rune(b.title)) + 1
		for _, t := range b.text {
			chars = max(chars, len([]rune(t)))
		}
		b.w, b.h = float64(chars)*charWidth+2*padding, float64(len(b.text)+1)*lineHeight+2*padding
	}
	for i := range d.lines {
		d.lines[i].size()
	}
	l := newLayers(d)
	l.order()
	l.place()
	l.finish()
	return d
}

// shortened are the lines that there is room for.
func shortened(lines []string) []string {
	out := make([]string, 0, maxLines)
	for i, text := range lines {
		if i == maxLines-1 && len(lines) > maxLines {
			return append(out, "…")
		}
		out = append(out, shorten(text))
	}
	return out
}

// add adds a dependency to the line between the two, or to the party that calls itself.
func (d *drawing) add(e *offline.Edge, from, to int) {
	if from == to {
		text := "itself: " + strings.Join(append([]string{e.Name}, drawnLines(e)...), ", ")
		d.boxes[from].text = append(d.boxes[from].text, shorten(text))
		return
	}
	i := slices.IndexFunc(d.lines, func(l line) bool { return l.from == from && l.to == to && l.closed == e.Closed })
	if i < 0 {
		i = len(d.lines)
		d.lines = append(d.lines, line{from: from, to: to, closed: e.Closed})
	}
	d.lines[i].edges = append(d.lines[i].edges, e)
}

// size says how large the label of a line is.
func (l *line) size() {
	for _, e := range l.edges {
		l.text = append(l.text, labelText{shorten(e.Name), true})
		for _, t := range shortened(drawnLines(e)) {
			l.text = append(l.text, labelText{shorten(t), false})
		}
	}
	chars := 0
	for _, t := range l.text {
		n := len([]rune(t.text))
		if t.strong {
			n++
		}
		chars = max(chars, n)
	}
	l.label.w, l.label.h = float64(chars)*charWidth*labelSize/fontSize+padding, float64(len(l.text))*labelHeight+6
}

// Sizes of labels of lines.
const (
	labelSize   = 11.0
	labelHeight = 14.0
)
