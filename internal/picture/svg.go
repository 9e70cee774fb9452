package picture

import (
	_ "embed" // the style
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

//go:embed graph.css
var graphStyle string

// SVG draws a graph, light or dark as who looks at it prefers.
func SVG(g *offline.Graph) string {
	return svg(layOut(g), "<style>\n"+graphStyle+"</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n")
}

// svg writes a drawing after a head.
func svg(d *drawing, head string) string {
	var out strings.Builder
	kind := "graph"
	if d.quiet {
		kind = "graph quiet"
	}
	fmt.Fprintf(&out, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"%s\" "+
		"width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "+
		"role=\"group\" aria-label=\"Tiers, peers and dependencies\">\n", kind, d.width, d.height, d.width, d.height)
	out.WriteString(head)
	out.WriteString("<defs>")
	for _, id := range []string{"arrow", "arrow-closed"} {
		fmt.Fprintf(&out, "<marker id=\"%s\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" "+
			"markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">"+
			"<path class=\"%s\" d=\"M0 0L8 4L0 8z\"/></marker>", id, id)
	}
	out.WriteString("</defs>\n")
	for i := range d.lines {
		svgLine(&out, d, &d.lines[i])
	}
	for i := range d.boxes {
		svgBox(&out, &d.boxes[i])
	}
	// Labels come last, over the lines that pass.
	for i := range d.lines {
		svgLabel(&out, d, &d.lines[i])
	}
	out.WriteString("</svg>\n")
	return out.String()
}

// class says how a line looks: that of a path, of a permission alone, or of what opens nothing.
func (l *line) class() string {
	switch {
	case l.closed:
		return "closed"
	case l.apiOnly():
		return "api"
	default:
		return "open"
	}
}

func (l *line) apiOnly() bool {
	for _, e := range l.edges {
		if e.Ports != "" {
			return false
		}
	}
	return true
}

// attributes are those by which a script finds the line and its label.
func (l *line) attributes(d *drawing, part string) string {
	names := make([]string, 0, len(l.edges))
	for _, e := range l.edges {
		names = append(names, e.Profile+"/"+e.Name)
	}
	return `class="` + part + " " + l.class() + `" data-from="` + escape(d.boxes[l.from].node.ID) + `" data-to="` +
		escape(d.boxes[l.to].node.ID) + `" data-edges="` + escape(strings.Join(names, " ")) + `"`
}

// title says in full what a line stands for.
func (l *line) title() string {
	var out []string
	for _, e := range l.edges {
		out = append(out, e.Name+": "+strings.Join(edgeLines(e), "; "))
		if e.Closed {
			out = append(out, "opens nothing")
		}
		out = append(out, e.Findings...)
	}
	return strings.Join(out, "\n")
}

func svgLine(out *strings.Builder, d *drawing, l *line) {
	fmt.Fprintf(out, "<g %s><title>%s</title><path d=\"M%.1f %.1f", l.attributes(d, "line"),
		escape(l.title()), l.points[0].x, l.points[0].y)
	for i := 1; i < len(l.points); i++ {
		a, b := l.points[i-1], l.points[i]
		bend := (b.x - a.x) / 2
		fmt.Fprintf(out, "C%.1f %.1f %.1f %.1f %.1f %.1f", a.x+bend, a.y, b.x-bend, b.y, b.x, b.y)
	}
	marker := "arrow"
	if l.closed {
		marker = "arrow-closed"
	}
	fmt.Fprintf(out, "\" marker-end=\"url(#%s)\"/></g>\n", marker)
}

func svgLabel(out *strings.Builder, d *drawing, l *line) {
	r := l.label
	fmt.Fprintf(out, "<g %s><title>%s</title>"+
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"3\"/>",
		l.attributes(d, "label"), escape(l.title()), r.x-r.w/2, r.y-r.h/2, r.w, r.h)
	for i, t := range l.text {
		strong := ""
		if t.strong {
			strong = " class=\"name\""
		}
		fmt.Fprintf(out, "<text%s x=\"%.1f\" y=\"%.1f\">%s</text>", strong, r.x, r.y-r.h/2+float64(i+1)*labelHeight-1, escape(t.text))
	}
	out.WriteString("</g>\n")
}

func svgBox(out *strings.Builder, b *box) {
	n := b.node
	title := strings.Join(slices.Concat([]string{nodeTitle(n)}, nodeLines(n), n.Namespaces, n.Findings), "\n")
	fmt.Fprintf(out, "<g class=\"node %s\" data-node=\"%s\" tabindex=\"0\" role=\"img\" aria-label=\"%s\"><title>%s</title>"+
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%d\"/>",
		class(n.Kind), escape(n.ID), escape(strings.Join(append([]string{nodeTitle(n)}, nodeLines(n)...), ", ")),
		escape(title), b.x-b.w/2, b.y-b.h/2, b.w, b.h, map[bool]int{true: 2, false: 9}[n.Kind == offline.PeerNode])
	top := b.y - b.h/2 + padding
	fmt.Fprintf(out, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\">%s</text>", b.x, top+fontSize, escape(b.title))
	for i, t := range b.text {
		fmt.Fprintf(out, "<text x=\"%.1f\" y=\"%.1f\">%s</text>", b.x, top+fontSize+float64(i+1)*lineHeight, escape(t))
	}
	out.WriteString("</g>\n")
}

// escape writes a text as XML has it, without the control characters that it does not have.
func escape(text string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd")))
}
