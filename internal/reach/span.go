package reach

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Span is ports that two clusters treat in the same way: numbers in a row, and what names
// the called pod has to give them for it to be so.
type Span struct {
	// Protocol is the protocol.
	Protocol corev1.Protocol
	// First and Last are the first and the last number.
	First, Last int32
	// Named are sets of names. The called pod has to give a number in the span all names of
	// one of the sets; the empty set asks for nothing.
	Named [][]string
	// Unless are sets of names of which the called pod may not give all of any to the number.
	Unless [][]string
}

// holds tells whether a port is in the span: its number, and the names that the called pod
// gives to it.
func (s *Span) holds(protocol corev1.Protocol, port int32, names []string) bool {
	return s.Protocol == protocol && s.First <= port && port <= s.Last &&
		holds(s.Named, names) && !holds(s.Unless, names)
}

// holds tells whether names have all of one of the sets.
func holds(reasons [][]string, names []string) bool {
	return slices.ContainsFunc(reasons, func(reason []string) bool {
		return !slices.ContainsFunc(reason, func(name string) bool { return !slices.Contains(names, name) })
	})
}

// conditional tells whether names matter.
func (s *Span) conditional() bool {
	return len(s.Unless) > 0 || len(s.Named) == 0 || len(s.Named[0]) > 0
}

func (s *Span) numbers() portRange {
	return portRange{protocol: s.Protocol, first: s.First, last: s.Last}
}

// String writes the span as ports are written everywhere, with what names have to be given:
// "8000-8999 if named http", "53/UDP".
func (s *Span) String() string {
	out := protocolText(s.Protocol, []portRange{s.numbers()}).String()
	if !s.conditional() {
		return out
	}
	if len(s.Named) > 0 && len(s.Named[0]) > 0 {
		out += " if named " + namesText(s.Named)
	}
	if len(s.Unless) > 0 {
		out += fmt.Sprintf(" unless named %s", namesText(s.Unless))
	}
	return out
}

func namesText(reasons [][]string) string {
	out := make([]string, 0, len(reasons))
	for _, names := range reasons {
		out = append(out, strings.Join(names, " and "))
	}
	return strings.Join(out, " or ")
}

func sameReasons(a, b [][]string) bool {
	return slices.EqualFunc(a, b, slices.Equal)
}
