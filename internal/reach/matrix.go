package reach

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	networkingv1 "k8s.io/api/networking/v1"
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
// Namespaces outside that no policy tells apart share a group. Namespaces, pods and addresses
// are looked at by classes (see Space), so that the cost does not grow with the number of
// namespaces that are alike.
func NewMatrix(namespaces []Namespace, policies []*networkingv1.NetworkPolicy) (*Matrix, error) {
	c, err := New(namespaces, policies)
	if err != nil {
		return nil, err
	}
	return c.Matrix(namespaces)
}

// Matrix is NewMatrix for a cluster that was made before. The namespaces are those that the
// matrix is to show, as they were given to New.
func (c *Cluster) Matrix(namespaces []Namespace) (*Matrix, error) {
	for i := range namespaces {
		if c.namespaces[namespaces[i].Name] == nil {
			return nil, fmt.Errorf("the cluster has no namespace %s", namespaces[i].Name)
		}
	}
	space, err := NewSpace([]*Cluster{c})
	if err != nil {
		return nil, err
	}
	groups := space.groups(namespaces)
	ports := space.newSets()
	j := judge{
		space: space, sets: ports,
		plain: space.ports, every: space.ports.everything(), none: newBits(len(space.ports.all)),
		out: space.openings(0, egress, ports), in: space.openings(0, ingress, ports),
		sums: map[opened]tally{},
	}
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
