package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

const formatMarkdown = "markdown"

// print prints a change as text, markdown, or for machines.
func (c *planCommand) print(change *offline.Change) error {
	if c.output == formatJSON || c.output == formatYAML {
		return printMachine(c.streams.Out, c.output, jsonOf(change, c.unread))
	}
	s := &sections{markdown: c.output == formatMarkdown, painter: newPainter(c.streams.Out)}
	if change.IsEmpty() {
		s.line("Nothing changes.")
	} else {
		opened, closed := notedLines(change)
		s.section("Becomes reachable", opened)
		s.section("Ceases to be reachable", closed)
		if change.Among != nil && len(opened)+len(closed) > 0 {
			s.line("")
			s.line(podSummary(change.Among))
		}
		s.section("Access", accessLines(change))
		s.section("Namespaces", namespaceLines(change))
		s.section("Objects", objectLines(change))
	}
	s.leftOut(c.unread)
	_, err := io.WriteString(c.streams.Out, s.String())
	return err
}

// sections are parts of a text, each with a heading.
type sections struct {
	strings.Builder

	markdown bool
	painter  painter
}

// leftOut says what could not be read.
func (s *sections) leftOut(unread []string) {
	if len(unread) == 0 {
		return
	}
	s.line("")
	s.line("Not read, and left out:")
	for _, what := range unread {
		s.line("- " + what)
	}
}

func (s *sections) line(text string) {
	_, _ = s.WriteString(text + "\n") // It never fails.
}

// maxLines is how many lines a section has in markdown before the rest is folded away.
const maxLines = 20

// section adds a part. A line that has notes has them below itself.
func (s *sections) section(heading string, lines []string) {
	if s.Len() > 0 {
		s.line("")
	}
	heading = fmt.Sprintf("%s: %d", heading, len(lines))
	if !s.markdown {
		s.line(s.painter.paint(bold, heading))
		for _, l := range lines {
			line, notes, hasNotes := strings.Cut(l, "\n")
			s.line("  " + s.painter.paint(signColour(line), line))
			if hasNotes {
				s.line("  " + strings.ReplaceAll(notes, "\n", "\n  "))
			}
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
			opened = append(opened, rest)
		} else if rest, ok := strings.CutPrefix(line, "closed: "); ok {
			closed = append(closed, rest)
		}
	}
	return opened, closed
}

// notedLines are the same with signs, and with the pods that each concerns, if pods are known.
func notedLines(change *offline.Change) (opened, closed []string) {
	add := func(isOpened bool, text string) {
		if isOpened {
			opened = append(opened, "+ "+text)
		} else {
			closed = append(closed, "- "+text)
		}
	}
	if change.Among != nil {
		for i := range change.Among.Lines {
			line := &change.Among.Lines[i]
			add(line.Opened, textOf(line)+noteOf(change.Among, line))
		}
		return opened, closed
	}
	first, second := reachLines(change)
	for _, text := range first {
		add(true, text)
	}
	for _, text := range second {
		add(false, text)
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
		name := o.Name
		if o.Namespace != "" {
			name = o.Namespace + "/" + name
		}
		out = append(out, fmt.Sprintf("%s %s %s %s", signs[o.Verb], o.Verb, o.Kind, name))
	}
	return out
}

// changeJSON is a change for machines.
type changeJSON struct {
	Changed bool     `json:"changed"`
	Opened  []string `json:"opened"`
	Closed  []string `json:"closed"`
	// Pods are which pods it concerns; left out if pods are not known.
	Pods       *podsJSON                 `json:"pods,omitempty"`
	Access     []offline.AccessChange    `json:"access"`
	Namespaces []offline.NamespaceChange `json:"namespaces"`
	Objects    []offline.ObjectChange    `json:"objects"`
	Unread     []string                  `json:"unread"`
}

func jsonOf(change *offline.Change, unread []string) changeJSON {
	opened, closed := reachLines(change)
	return changeJSON{
		Changed: !change.IsEmpty(), Opened: orEmpty(opened), Closed: orEmpty(closed), Pods: podsOf(change.Among),
		Access: orEmpty(change.Access), Namespaces: orEmpty(change.Namespaces), Objects: orEmpty(change.Objects),
		Unread: orEmpty(unread),
	}
}
