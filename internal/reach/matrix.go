package reach

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Matrix says who may reach whom, group by group: tiers, namespaces outside any tier, and
// ranges of addresses that policies name.
type Matrix struct {
	// Groups are the rows, which call, and the columns, which are called.
	Groups []Group
	// Cells has a row for each group that calls, and in it a cell for each that is called.
	Cells [][]Cell
}

// Cell says which ports are open from one group to another. A port is in at most one of the
// three, but for ports that Some has as a part of "all".
type Cell struct {
	// Every are the ports open from every pod and address of the one group to every pod
	// and address of the other.
	Every Ports
	// Within are the ports open between all pods of one namespace, and closed between two
	// namespaces of the group. Only a group's cell with itself has them.
	Within Ports
	// Some are the ports open for some pods or addresses, or some namespaces, and not for
	// all of them.
	Some Ports
	// Unjudged is set between two ranges of addresses, where policies have no say.
	Unjudged bool
}

// String writes ports of Within with a "=", and ports of Some with a "*".
func (c Cell) String() string {
	if c.Unjudged {
		return ""
	}
	return slices.Concat(c.Every, c.Within.marked("="), c.Some.marked("*")).String()
}

// NewMatrix judges which ports are open between every two groups, according to the policies
// alone. No pod need exist: it asks for every pod that could, with whatever labels. What it
// says about all pods therefore holds for the next one too, and a "*" means that the labels
// of the pods decide, whether or not such pods are there. So it is with named ports, which
// it takes to be in every pod.
//
// Two things it leaves out. Pods have no addresses here, so a range of addresses that is the
// cluster's own is a group by itself and opens nothing between pods. And the ends of the
// flow are two pods: what one pod sends to itself always passes.
//
// Namespaces outside that no policy tells apart share a group. It is made for clusters that
// a person can look over: its cost grows with the square of the number of namespaces.
func NewMatrix(namespaces []Namespace, policies []*networkingv1.NetworkPolicy) (*Matrix, error) {
	c, err := New(namespaces, policies)
	if err != nil {
		return nil, err
	}
	groups, err := c.groups(namespaces)
	if err != nil {
		return nil, err
	}
	j := judge{cluster: c, ports: newAtoms(c.portsInPlay())}
	m := &Matrix{}
	for i := range groups {
		m.Groups = append(m.Groups, groups[i].Group)
		row := make([]Cell, 0, len(groups))
		for k := range groups {
			row = append(row, j.cell(&groups[i], &groups[k]))
		}
		m.Cells = append(m.Cells, row)
	}
	m.fold()
	return m, nil
}

func (c *Cluster) portsInPlay() []portRange {
	var out []portRange
	for _, r := range c.allRules() {
		out = append(out, r.ports...)
	}
	return out
}

// judge fills in cells.
type judge struct {
	cluster *Cluster
	ports   *atoms
}

// tally is what is open for all, and for any, of the pairs that were looked at.
type tally struct {
	pairs    bool
	all, any portSet
}

func (t *tally) add(sure, maybe portSet) {
	if !t.pairs {
		t.pairs, t.all, t.any = true, sure, portSet{}
	}
	t.all = t.all.Intersection(sure)
	t.any = t.any.Union(sure).Union(maybe)
}

// cell looks at each pair of ends of two groups. Pairs in one namespace are told from pairs
// in two.
func (j *judge) cell(from, to *group) Cell {
	if from.addresses() && to.addresses() {
		return Cell{Unjudged: true}
	}
	var within, across tally
	for _, a := range from.ends {
		for _, b := range to.ends {
			t := &across
			if a.pod != nil && b.pod != nil && a.pod.Namespace == b.pod.Namespace {
				t = &within
			}
			t.add(both(j.open(networkingv1.PolicyTypeEgress, a, b), j.open(networkingv1.PolicyTypeIngress, b, a)))
		}
	}
	return j.sum(within, across)
}

func (j *judge) sum(within, across tally) Cell {
	every := within.all.Intersection(across.all)
	switch {
	case !within.pairs:
		every = across.all
	case !across.pairs:
		every = within.all
	}
	own := within.all.Difference(across.any).Difference(every)
	some := j.ports.narrowed(within.any.Union(across.any), every.Union(own))
	return Cell{Every: j.ports.text(every), Within: j.ports.text(own), Some: j.ports.text(some)}
}

// open are the ports that the near end's policies open towards, or from, the far end.
func (j *judge) open(direction networkingv1.PolicyType, near, far end) portSet {
	rules, isolated := j.cluster.rulesOf(direction, near)
	if !isolated {
		return j.ports.everything()
	}
	out := portSet{}
	for _, r := range rules {
		if !r.reaches(j.cluster, far) {
			continue
		}
		for _, p := range r.ports {
			out = out.Union(j.ports.covered(p))
		}
	}
	if direction == networkingv1.PolicyTypeEgress && far.pod == nil {
		// An address has no named ports.
		return sets.New(slices.DeleteFunc(out.UnsortedList(), func(r portRange) bool { return r.name != "" })...)
	}
	return out
}

// fold joins groups of outside namespaces that have the same cells.
func (m *Matrix) fold() {
	for i := range m.Groups {
		for k := len(m.Groups) - 1; k > i; k-- {
			if m.alike(i, k) {
				m.Groups[i].join(m.Groups[k])
				m.drop(k)
			}
		}
	}
}

func (m *Matrix) alike(i, k int) bool {
	if !m.Groups[i].Outside || !m.Groups[k].Outside {
		return false
	}
	own := m.Cells[i][i].String()
	for _, cell := range []Cell{m.Cells[i][k], m.Cells[k][i], m.Cells[k][k]} {
		if cell.String() != own {
			return false
		}
	}
	for other := range m.Groups {
		if other != i && other != k && (m.Cells[i][other].String() != m.Cells[k][other].String() ||
			m.Cells[other][i].String() != m.Cells[other][k].String()) {
			return false
		}
	}
	return true
}

func (m *Matrix) drop(k int) {
	m.Groups = slices.Delete(m.Groups, k, k+1)
	m.Cells = slices.Delete(m.Cells, k, k+1)
	for i := range m.Cells {
		m.Cells[i] = slices.Delete(m.Cells[i], k, k+1)
	}
}

// String writes the matrix as a table, with a line that says what the marks mean. It leaves
// out rows of addresses from which no tier can be called, and columns of addresses that no
// tier can call: what is closed is what is not there.
func (m *Matrix) String() string {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	line := []string{"FROM / TO"}
	for k := range m.Groups {
		if m.shown(k, func(i int) Cell { return m.Cells[i][k] }) {
			line = append(line, m.Groups[k].title())
		}
	}
	fmt.Fprintln(table, strings.Join(line, "\t"))
	for i := range m.Groups {
		if m.shown(i, func(k int) Cell { return m.Cells[i][k] }) {
			fmt.Fprintln(table, strings.Join(m.row(i), "\t"))
		}
	}
	_ = table.Flush() // A strings.Builder takes everything.
	return withoutTrailingBlanks(out.String()) + "\n" + legend + "\n"
}

func withoutTrailingBlanks(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return out.String()
}

func (m *Matrix) row(i int) []string {
	line := []string{m.Groups[i].title()}
	for k := range m.Groups {
		if m.shown(k, func(i int) Cell { return m.Cells[i][k] }) {
			line = append(line, m.Cells[i][k].String())
		}
	}
	return line
}

// shown tells whether a row or a column is worth a look; the cells are those between it and
// each group.
func (m *Matrix) shown(group int, cell func(other int) Cell) bool {
	shown := !m.Groups[group].addresses()
	for other := range m.Groups {
		shown = shown || m.Groups[other].tier() && cell(other).String() != "-"
	}
	return shown
}

// legend explains the cells.
const legend = `- closed   * for some pods or addresses only   = inside one namespace only
(...) outside any tier   ports without a protocol are TCP`
