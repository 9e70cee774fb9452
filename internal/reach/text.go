package reach

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
)

// String says what was opened and what was closed, a line for each group of changes that
// differ only in the pods or addresses: "none" if there is nothing to say.
func (d *Difference) String() string {
	if d.Empty() {
		return "none"
	}
	return strings.Join(d.Lines(), "\n")
}

// Lines are the lines of String, none if there is no difference.
//
//	opened: web +1 {app=a} to api: 80, 8000-8999 if named http (ingress)
//
// Pods of several namespaces that are alike are named for the first of them and for how many
// more there are. In braces are the labels of one pod of each class; without braces it is
// every pod there.
func (d *Difference) Lines() []string {
	all := d.Said()
	out := make([]string, 0, len(all))
	for i := range all {
		out = append(out, all[i].String())
	}
	merged, _ := mergeRelations(out)
	return merged
}

// border is what lines of a difference are about: two classes of namespaces, none for
// addresses, whether it is one and the same namespace, and what changed.
type border struct {
	from, to int
	same     bool
	effects  int
}

func (b border) compare(other border) int {
	// Addresses come last.
	return cmp.Or(cmp.Compare(uint(b.from), uint(other.from)), cmp.Compare(uint(b.to), uint(other.to)),
		cmp.Compare(b.effects, other.effects), compareBool(b.same, other.same))
}

// product is every pair of some ends that call and some that are called.
type product struct {
	from, to []int
}

// products puts together the ends that call the same ends.
func products(called map[int][]int) []product {
	var out []product
	byCalled := map[string]int{}
	for _, from := range slices.Sorted(maps.Keys(called)) {
		key := fmt.Sprint(called[from])
		i, known := byCalled[key]
		if !known {
			i = len(out)
			byCalled[key] = i
			out = append(out, product{to: called[from]})
		}
		out[i].from = append(out[i].from, from)
	}
	return out
}

const (
	insideOne  = ", inside one namespace"
	betweenTwo = ", between two namespaces"
)

// relation tells flows inside a namespace from those between two that are alike.
func (s *Space) relation(b border) string {
	switch {
	case b.from != b.to || b.from == none || len(s.classes[b.from].names) == 1:
		return ""
	case b.same:
		return insideOne
	default:
		return betweenTwo
	}
}

// mergeRelations leaves the relation out where both are said of the same, and says where each line is afterwards.
func mergeRelations(lines []string) (merged []string, at []int) {
	said, places := sets.New(lines...), map[string]int{}
	for _, line := range lines {
		text := line
		for _, relation := range []string{insideOne, betweenTwo} {
			bare := strings.Replace(line, relation, "", 1)
			if bare != line && said.HasAll(strings.Replace(line, relation, insideOne, 1), strings.Replace(line, relation, betweenTwo, 1)) {
				text = bare
			}
		}
		place, known := places[text]
		if !known {
			place = len(merged)
			places[text] = place
			merged = append(merged, text)
		}
		at = append(at, place)
	}
	return merged, at
}

// maxSaid is how many classes of pods, or ranges of addresses, a line names.
const maxSaid = 4

// text says what some ends are, all of them of one class of namespaces, or addresses.
func (s *Space) text(ends []int) PartyText {
	first := &s.ends[ends[0]]
	if first.class == none {
		if len(ends) == len(s.parts) {
			return PartyText{Narrowed: "every address"}
		}
		return PartyText{Narrowed: s.ranges(ends)}
	}
	c := &s.classes[first.class]
	out := PartyText{Namespaces: c.names}
	if len(ends) == c.after-c.first {
		return out
	}
	if at := s.firstOfEachPart(ends); len(ends) == len(at)*len(c.kinds) {
		out.Narrowed = "at " + s.ranges(at)
		return out
	}
	kinds := make([]string, 0, len(ends))
	for _, i := range ends {
		text := "{" + labels.FormatLabels(c.kinds[s.ends[i].kind].labels) + "}"
		if text == "{<none>}" {
			text = "{}"
		}
		if s.ends[i].part != none {
			text += " at " + s.ranges([]int{i})
		}
		kinds = append(kinds, text)
	}
	out.Narrowed = someOf(kinds)
	return out
}

// firstOfEachPart are ends of which no two are in one part of the addresses.
func (s *Space) firstOfEachPart(ends []int) []int {
	var out []int
	for _, i := range ends {
		if !slices.ContainsFunc(out, func(k int) bool { return s.ends[k].part == s.ends[i].part }) {
			out = append(out, i)
		}
	}
	return out
}

func (s *Space) ranges(ends []int) string {
	var out []string
	for _, i := range ends {
		for _, r := range s.parts[s.ends[i].part] {
			out = append(out, r.String())
		}
	}
	return someOf(out)
}

// someOf joins texts, or the first of them and how many more there are.
func someOf(all []string) string {
	if len(all) <= maxSaid {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:maxSaid], ", "), len(all)-maxSaid)
}

func spansText(spans []*Span) string {
	whole := map[corev1.Protocol]bool{}
	out := make([]string, 0, len(spans))
	for _, s := range spans {
		whole[s.Protocol] = whole[s.Protocol] || s.numbers().every() && !s.conditional()
		out = append(out, s.String())
	}
	if len(spans) == len(protocols()) && whole[corev1.ProtocolTCP] && whole[corev1.ProtocolUDP] && whole[corev1.ProtocolSCTP] {
		return "all"
	}
	return strings.Join(out, ", ")
}
