package reach

import (
	"cmp"
	"iter"
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"
)

// Among says which of the pods that exist a difference concerns.
type Among struct {
	// Groups are the pods. Those of a group are alike to both clusters: what is said of one of them is true of each.
	Groups [][]*Pod
	// Lines has for each of Difference.Lines whom it concerns. After them there is at most one line for what is opened,
	// and one for what is closed, by the addresses of pods alone.
	Lines []Concerned
	// Opened and Closed are the pairs of pods between which a port was opened or closed; both count a pair that has both.
	Opened, Closed int
	// Unknown are pods of namespaces that neither cluster has, of which nothing is said.
	Unknown []*Pod
}

// Concerned is whom a line of a difference concerns.
type Concerned struct {
	// Text is the line as Difference.Lines has it; empty for what is opened or closed by the addresses of pods alone: pods
	// have none in a difference, unless options give them some, but pods that exist do.
	Text string
	// Opened is set if the flows pass after and not before.
	Opened bool
	// Pods are the pairs of pods, and pods that call addresses of the line or are called from there.
	Pods []PodPairs
	// Pairs is how many pairs of pods there are in Pods.
	Pairs int

	pairs []*PodPairs
}

// Relation says which pairs of the pods of two groups are meant, by their namespaces.
type Relation string

// The relations. A pod and itself is never a pair.
const (
	// AnyNamespaces: all pairs.
	AnyNamespaces Relation = ""
	// SameNamespace: pairs of pods in one namespace.
	SameNamespace Relation = "same"
	// OtherNamespace: pairs of pods in two namespaces.
	OtherNamespace Relation = "different"
)

// PodPairs are all pairs of a pod that calls and one that is called.
type PodPairs struct {
	// From and To are places in Groups, sorted. One of the two is empty where it is the addresses of the line.
	From, To []int
	// Relation says which pairs are meant.
	Relation Relation
	// Ports are the ports, as numbers: those that have names by what the pods that are called say.
	Ports Ports
}

// Each are the pairs of pods that PodPairs stand for, of a caller and who is called; none where one party is addresses.
func (a *Among) Each(p PodPairs) iter.Seq2[*Pod, *Pod] {
	return func(yield func(from, to *Pod) bool) {
		for from := range a.of(p.From) {
			for to := range a.of(p.To) {
				isOne, same := from == to, from.Namespace == to.Namespace
				if !isOne && (p.Relation == AnyNamespaces || same == (p.Relation == SameNamespace)) && !yield(from, to) {
					return
				}
			}
		}
	}
}

// of are the pods of some groups.
func (a *Among) of(groups []int) iter.Seq[*Pod] {
	return func(yield func(*Pod) bool) {
		for _, g := range groups {
			for _, p := range a.Groups[g] {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// Among looks at which of the pods that exist the difference concerns, exactly: with their addresses, whatever options
// the difference was made with, and with the ports that they name. Of each family it looks at a pod's first address.
//
// Pods are looked at in groups that are alike, and pairs of groups between which the same is open are worked out once.
func (d *Difference) Among(pods []*Pod) *Among {
	w := &amongWalk{
		Difference: d, out: &Among{}, deltas: map[deltaKey]int{}, shares: map[shareKey][]share{}, products: map[string]*PodPairs{},
	}
	w.lines()
	w.gather(pods)
	w.makeSpace()
	w.sets = w.pods.newSets()
	for i := range w.openings {
		w.openings[i] = [2]*openings{w.pods.openings(i, egress, w.sets), w.pods.openings(i, ingress, w.sets)}
	}
	w.keep()
	for g := range w.groups {
		w.from(g)
	}
	w.outside()
	w.finish()
	return w.out
}

// amongWalk is the work of Difference.Among.
type amongWalk struct {
	*Difference

	out  *Among
	said []Said
	// first is the place in said of a caller's first line, and at the place of each of said in the lines.
	first map[caller]int
	at    []int
	// groups are the groups of pods, and pods is a space of them alone, each with its addresses.
	groups []podGroup
	pods   *Space
	sets   *portSets
	// openings are those before and after, out and in.
	openings [2][2]*openings
	deltas   map[deltaKey]int
	pieces   [][]piece
	shares   map[shareKey][]share
	products map[string]*PodPairs
	// named are the named ports of policies.
	named sets.Set[portRange]
	// byAddress are the places of the lines of what changes by addresses alone: what is closed, and what is opened.
	byAddress [2]*Concerned
}

func (w *amongWalk) lines() {
	w.said, w.first = w.say()
	texts := make([]string, 0, len(w.said))
	for i := range w.said {
		texts = append(texts, w.said[i].String())
	}
	var merged []string
	merged, w.at = mergeRelations(texts)
	w.out.Lines = make([]Concerned, len(merged))
	for i, place := range w.at {
		w.out.Lines[place].Text, w.out.Lines[place].Opened = merged[place], w.said[i].Opened
	}
	w.byAddress = [2]*Concerned{{}, {Opened: true}}
}

// line is a line by its place, or that of what changes by addresses alone.
func (w *amongWalk) line(place int) *Concerned {
	if place < 0 {
		return w.byAddress[place-closedByAddress]
	}
	return &w.out.Lines[place]
}

// The places of lines of what changes by the addresses of pods alone.
const (
	closedByAddress = -2
	openedByAddress = -1
)

func (w *amongWalk) finish() {
	for _, line := range []*Concerned{w.byAddress[1], w.byAddress[0]} {
		if len(line.pairs) > 0 {
			w.out.Lines = append(w.out.Lines, *line)
		}
	}
	for i := range w.out.Lines {
		line := &w.out.Lines[i]
		for _, pairs := range line.pairs {
			line.Pods = append(line.Pods, *pairs)
		}
		slices.SortFunc(line.Pods, func(a, b PodPairs) int {
			return cmp.Or(slices.Compare(a.From, b.From), slices.Compare(a.To, b.To),
				cmp.Compare(a.Relation, b.Relation), slices.Compare(a.Ports, b.Ports))
		})
	}
	for i := range w.groups {
		w.out.Groups = append(w.out.Groups, w.groups[i].pods)
	}
}
