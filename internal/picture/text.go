package picture

import (
	"slices"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

const (
	// lineWidth is how many characters a line of a finding has where nobody else breaks lines.
	lineWidth = 44
	// maxLines is how many lines a party has in a drawing; what they are is said in full beside it.
	maxLines = 4
	// maxChars is how many characters a line has in a drawing.
	maxChars = 34
)

// nodeTitle is the name of a party as a heading.
func nodeTitle(n *offline.Node) string {
	if n.Kind == offline.RemoteNode {
		return n.Profile + "/" + n.Name
	}
	return n.Name
}

// nodeLines say what a party is, its kind first where the name does not say it.
func nodeLines(n *offline.Node) []string {
	switch n.Kind {
	case offline.PeerNode:
		return append([]string{"peer"}, n.About...)
	case offline.RemoteNode:
		return []string{"tier of another profile"}
	case offline.AllTiersNode:
		return n.About
	default:
		return append([]string{"tier"}, n.About...)
	}
}

// edgeLines say what a dependency opens and grants, without its name.
func edgeLines(e *offline.Edge) []string {
	var out []string
	switch {
	case e.Ports != "" && e.Service != "":
		out = append(out, "Service "+e.Service+": "+e.Ports)
	case e.Ports != "":
		out = append(out, e.Ports)
	}
	if e.FromPods != "" {
		out = append(out, "from "+e.FromPods)
	}
	if e.ToPods != "" {
		out = append(out, "to "+e.ToPods)
	}
	if len(e.Access) > 0 {
		out = append(out, "API: "+strings.Join(e.Access, ", "))
	}
	return out
}

// findingLines say what was found about a dependency, in lines of a width; what opens nothing first.
func findingLines(e *offline.Edge, width int) []string {
	var out []string
	if e.Closed {
		out = append(out, "OPENS NOTHING")
	}
	for _, f := range e.Findings {
		out = append(out, wrap(f, width)...)
	}
	return out
}

// wrap breaks a text at blanks into lines of at most a width, where words allow.
func wrap(text string, width int) []string {
	var out []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			out = append(out, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}

// shorten cuts a line to what there is room for.
func shorten(text string) string {
	if runes := []rune(text); len(runes) > maxChars {
		return string(runes[:maxChars-1]) + "…"
	}
	return text
}

// drawnLines are those of a dependency in a drawing, where there is room for the reason of a finding, not for its words.
func drawnLines(e *offline.Edge) []string {
	out := edgeLines(e)
	if !e.Closed {
		return out
	}
	var reasons []string
	for _, f := range e.Findings {
		if reason, _, _ := strings.Cut(f, ":"); !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	return append([]string{strings.TrimSuffix("opens nothing: "+strings.Join(reasons, ", "), ": ")}, out...)
}
