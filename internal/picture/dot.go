package picture

import (
	"fmt"
	"slices"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

// DOT writes a graph in Graphviz' language: https://graphviz.org/doc/info/lang.html
func DOT(g *offline.Graph) string {
	var out strings.Builder
	out.WriteString("digraph segmentation {\n" +
		"  rankdir=LR\n" +
		"  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11]\n" +
		"  edge [fontname=\"Helvetica\", fontsize=9]\n")
	drawn := g.Profiles()
	for i, profile := range drawn {
		fmt.Fprintf(&out, "  subgraph cluster_%d {\n    label=%s\n    style=\"rounded\"\n    color=\"#6b7280\"\n",
			i, dotText("profile "+profile))
		for j := range g.Nodes {
			if n := &g.Nodes[j]; n.Profile == profile && inside(n) {
				out.WriteString("    " + dotNode(n))
			}
		}
		out.WriteString("  }\n")
	}
	for i := range g.Nodes {
		if n := &g.Nodes[i]; !inside(n) {
			out.WriteString("  " + dotNode(n))
		}
	}
	for i := range g.Edges {
		out.WriteString("  " + dotEdge(&g.Edges[i]))
	}
	out.WriteString("}\n")
	return out.String()
}

// inside tells whether a party belongs to its profile: a peer is named there, and is somewhere else.
func inside(n *offline.Node) bool {
	return n.Kind == offline.TierNode || n.Kind == offline.AllTiersNode
}

func dotNode(n *offline.Node) string {
	fill := map[offline.NodeKind]string{
		offline.TierNode: "#dbeafe", offline.AllTiersNode: "#e0e7ff", offline.PeerNode: "#fef3c7", offline.RemoteNode: "#f3e8ff",
	}
	tooltip := strings.Join(slices.Concat([]string{n.ID}, n.Namespaces, n.Findings), "\n")
	return fmt.Sprintf("%s [label=%s, fillcolor=%q, tooltip=%s]\n", dotText(n.ID),
		dotText(strings.Join(append([]string{nodeTitle(n)}, nodeLines(n)...), "\n")), fill[n.Kind], dotText(tooltip))
}

func dotEdge(e *offline.Edge) string {
	style := ""
	switch {
	case e.Closed:
		style = `, style=dashed, color="#b91c1c", fontcolor="#b91c1c"`
	case e.Ports == "":
		style = ", style=dotted"
	}
	lines := slices.Concat([]string{e.Name}, edgeLines(e), findingLines(e, lineWidth))
	return fmt.Sprintf("%s -> %s [label=%s%s]\n", dotText(e.From), dotText(e.To), dotText(strings.Join(lines, "\n")), style)
}

// dotText is a text as a quoted string. A backslash would begin an escape of a label's own, such as \N for the name of
// the node, and is doubled; other control characters than the end of a line are left out.
func dotText(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '\n':
			out.WriteString(`\n`)
		case r == '"' || r == '\\':
			out.WriteString(`\` + string(r))
		case r >= ' ' && r != 0x7f:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}
