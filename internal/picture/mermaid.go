package picture

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

// Mermaid writes a graph as a flowchart: https://mermaid.js.org/syntax/flowchart.html
func Mermaid(g *offline.Graph) string {
	var out strings.Builder
	out.WriteString("flowchart LR\n")
	ids := map[string]string{}
	for i := range g.Nodes {
		ids[g.Nodes[i].ID] = fmt.Sprintf("n%d", i+1)
	}
	for i, profile := range g.Profiles() {
		fmt.Fprintf(&out, "  subgraph p%d[\"profile %s\"]\n", i+1, mermaidText(profile))
		for j := range g.Nodes {
			if n := &g.Nodes[j]; n.Profile == profile && inside(n) {
				out.WriteString("    " + mermaidNode(n, ids[n.ID]))
			}
		}
		out.WriteString("  end\n")
	}
	for i := range g.Nodes {
		if n := &g.Nodes[i]; !inside(n) {
			out.WriteString("  " + mermaidNode(n, ids[n.ID]))
		}
	}
	mermaidEdges(&out, g, ids)
	out.WriteString("  classDef tier fill:#dbeafe,stroke:#1d4ed8,color:#111827\n" +
		"  classDef all fill:#e0e7ff,stroke:#4338ca,color:#111827\n" +
		"  classDef peer fill:#fef3c7,stroke:#b45309,color:#111827\n" +
		"  classDef remote fill:#f3e8ff,stroke:#7e22ce,color:#111827\n")
	return out.String()
}

// mermaidEdges writes the dependencies, and the look of those that open nothing, which goes by their numbers.
func mermaidEdges(out *strings.Builder, g *offline.Graph, ids map[string]string) {
	var closed []string
	for i := range g.Edges {
		e := &g.Edges[i]
		arrow := "-->"
		if e.Closed || e.Ports == "" {
			arrow = "-.->"
		}
		if e.Closed {
			closed = append(closed, strconv.Itoa(i))
		}
		lines := slices.Concat([]string{e.Name}, edgeLines(e), findingLines(e, math.MaxInt)) // Mermaid breaks lines itself.
		fmt.Fprintf(out, "  %s %s|\"%s\"| %s\n", ids[e.From], arrow, mermaidLines(lines), ids[e.To])
	}
	if len(closed) > 0 {
		out.WriteString("  linkStyle " + strings.Join(closed, ",") + " stroke:#b91c1c,color:#b91c1c\n")
	}
}

func mermaidNode(n *offline.Node, id string) string {
	open, shut := "(", ")"
	if n.Kind == offline.PeerNode {
		open, shut = "[", "]"
	}
	lines := append([]string{nodeTitle(n)}, nodeLines(n)...)
	return id + open + `"` + mermaidLines(lines) + `"` + shut + ":::" + class(n.Kind) + "\n"
}

// class is a kind in one word.
func class(k offline.NodeKind) string {
	switch k {
	case offline.TierNode:
		return "tier"
	case offline.AllTiersNode:
		return "all"
	case offline.PeerNode:
		return "peer"
	default:
		return "remote"
	}
}

func mermaidLines(lines []string) string {
	escaped := make([]string, 0, len(lines))
	for _, l := range lines {
		escaped = append(escaped, mermaidText(l))
	}
	return strings.Join(escaped, "<br/>")
}

// mermaidText writes what may mean something to Mermaid, or to the HTML and Markdown in its labels, as a number, such
// as #35; for a number sign: https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
func mermaidText(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(" .,:/-+=()", r), r > 0x9f:
			out.WriteRune(r)
		case r == '\n' || r == '\t':
			out.WriteByte(' ')
		case r >= ' ' && r < 0x7f:
			fmt.Fprintf(&out, "#%d;", r)
		}
	}
	return out.String()
}
