package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

// printChange prints a change as text, markdown or json.
func printChange(out io.Writer, format string, change *offline.Change) error {
	if format == "json" {
		return printJSON(out, jsonOf(change))
	}
	s := &sections{markdown: format == "markdown"}
	if change.IsEmpty() {
		s.line("Nothing changes.")
		_, err := io.WriteString(out, s.String())
		return err
	}
	opened, closed := reachLines(change)
	s.section("Becomes reachable", opened)
	s.section("Ceases to be reachable", closed)
	s.section("Access", accessLines(change))
	s.section("Namespaces", namespaceLines(change))
	s.section("Objects", objectLines(change))
	_, err := io.WriteString(out, s.String())
	return err
}

// sections are parts of a text, each with a heading.
type sections struct {
	strings.Builder

	markdown bool
}

func (s *sections) line(text string) {
	_, _ = s.WriteString(text + "\n") // It never fails.
}

// maxLines is how many lines a section has in markdown before the rest is folded away.
const maxLines = 20

func (s *sections) section(heading string, lines []string) {
	if s.Len() > 0 {
		s.line("")
	}
	heading = fmt.Sprintf("%s: %d", heading, len(lines))
	if !s.markdown {
		s.line(heading)
		for _, l := range lines {
			s.line("  " + l)
		}
		return
	}
	s.line("### " + heading)
	if len(lines) == 0 {
		return
	}
	s.line("")
	if len(lines) > maxLines {
		s.line("<details><summary>all of them</summary>\n")
		defer s.line("\n</details>")
	}
	s.line("```diff")
	for _, l := range lines {
		s.line(l)
	}
	s.line("```")
}

// reachLines are what becomes reachable, and what ceases to be.
func reachLines(change *offline.Change) (opened, closed []string) {
	for _, line := range change.Reach.Lines() {
		if rest, ok := strings.CutPrefix(line, "opened: "); ok {
			opened = append(opened, "+ "+rest)
		} else if rest, ok := strings.CutPrefix(line, "closed: "); ok {
			closed = append(closed, "- "+rest)
		}
	}
	return opened, closed
}

func accessLines(change *offline.Change) []string {
	out := make([]string, 0, len(change.Access))
	for _, a := range change.Access {
		sign := "-"
		if a.Gained {
			sign = "+"
		}
		out = append(out, fmt.Sprintf("%s %s in %s: %s", sign, a.Subject, a.Namespace, a.Role))
	}
	return out
}

func namespaceLines(change *offline.Change) []string {
	out := make([]string, 0, len(change.Namespaces))
	for _, n := range change.Namespaces {
		switch {
		case n.Before == "":
			out = append(out, fmt.Sprintf("+ %s comes to %s", n.Name, n.After))
		case n.After == "":
			out = append(out, fmt.Sprintf("- %s leaves %s", n.Name, n.Before))
		default:
			out = append(out, fmt.Sprintf("! %s moves from %s to %s", n.Name, n.Before, n.After))
		}
	}
	return out
}

func objectLines(change *offline.Change) []string {
	signs := map[offline.Verb]string{offline.Created: "+", offline.Changed: "!", offline.Removed: "-"}
	out := make([]string, 0, len(change.Objects))
	for _, o := range change.Objects {
		out = append(out, fmt.Sprintf("%s %s %s %s/%s", signs[o.Verb], o.Verb, o.Kind, o.Namespace, o.Name))
	}
	return out
}

// changeJSON is a change for machines.
type changeJSON struct {
	Changed    bool                      `json:"changed"`
	Opened     []string                  `json:"opened"`
	Closed     []string                  `json:"closed"`
	Access     []offline.AccessChange    `json:"access"`
	Namespaces []offline.NamespaceChange `json:"namespaces"`
	Objects    []offline.ObjectChange    `json:"objects"`
}

func jsonOf(change *offline.Change) changeJSON {
	opened, closed := reachLines(change)
	plain := func(lines []string) []string {
		out := make([]string, 0, len(lines))
		for _, l := range lines {
			out = append(out, l[len("+ "):])
		}
		return out
	}
	out := changeJSON{
		Changed: !change.IsEmpty(), Opened: plain(opened), Closed: plain(closed),
		Access: change.Access, Namespaces: change.Namespaces, Objects: change.Objects,
	}
	if out.Access == nil {
		out.Access = []offline.AccessChange{}
	}
	if out.Namespaces == nil {
		out.Namespaces = []offline.NamespaceChange{}
	}
	if out.Objects == nil {
		out.Objects = []offline.ObjectChange{}
	}
	return out
}
