package picture

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

var (
	//go:embed page.html.tmpl
	pageTemplate string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string
)

// HTML writes a page that needs nothing else: no network, and no script but its own, which its policy names by its hash.
func HTML(p *Page) (string, error) {
	page, err := template.New("page").Funcs(template.FuncMap{"join": strings.Join}).Parse(pageTemplate)
	if err != nil {
		return "", fmt.Errorf("reading the page's template: %w", err)
	}
	style := "\n" + pageStyle + graphStyle
	script := "\n" + pageScript
	view := view{
		Policy: fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'",
			hashOf(style), hashOf(script)),
		Style:    template.CSS(style),                     //nolint:gosec // It is this package's own file.
		Script:   template.JS(script),                     //nolint:gosec // The same.
		Graph:    template.HTML(svg(layOut(p.Graph), "")), //nolint:gosec // Drawn here, with each text in it escaped.
		Profiles: p.Graph.Profiles(),
		Parties:  parties(p.Graph), Dependencies: dependencies(p.Graph), Findings: findings(p.Graph), Matrix: matrixOf(p.Matrix),
	}
	var out bytes.Buffer
	if err := page.Execute(&out, view); err != nil {
		return "", fmt.Errorf("writing the page: %w", err)
	}
	return out.String(), nil
}

// hashOf is how a content security policy names a script or a style: https://www.w3.org/TR/CSP3/#grammardef-hash-source
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// view is what the template shows.
type view struct {
	Policy       string
	Style        template.CSS
	Script       template.JS
	Graph        template.HTML
	Profiles     []string
	Parties      []partyRow
	Dependencies []dependencyRow
	Findings     []findingRow
	Matrix       matrixTable
}

type partyRow struct {
	ID, Name, Profile, Kind string
	About                   []string
	Namespaces              string
}

type dependencyRow struct {
	ID, Name, Profile, From, To, FromID, ToID string
	Opens, FromPods, ToPods, Access           string
	Closed                                    bool
	Findings                                  []string
}

type findingRow struct{ Reason, Profile, Namespace, Message string }

func parties(g *offline.Graph) []partyRow {
	out := make([]partyRow, 0, len(g.Nodes))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		out = append(out, partyRow{n.ID, n.Name, n.Profile, string(n.Kind), n.About, strings.Join(n.Namespaces, ", ")})
	}
	return out
}

func dependencies(g *offline.Graph) []dependencyRow {
	out := make([]dependencyRow, 0, len(g.Edges))
	for i := range g.Edges {
		e := &g.Edges[i]
		row := dependencyRow{
			ID: e.Profile + "/" + e.Name, Name: e.Name, Profile: e.Profile, From: nodeTitle(g.Node(e.From)), To: nodeTitle(g.Node(e.To)),
			FromID: e.From, ToID: e.To, Opens: e.Ports, FromPods: e.FromPods, ToPods: e.ToPods, Access: strings.Join(e.Access, ", "),
			Closed: e.Closed, Findings: e.Findings,
		}
		if e.Service != "" {
			row.Opens = "Service " + e.Service + ": " + e.Ports
		}
		out = append(out, row)
	}
	return out
}

func findings(g *offline.Graph) []findingRow {
	out := make([]findingRow, 0, len(g.Findings))
	for _, f := range g.Findings {
		out = append(out, findingRow{f.Reason, f.Profile, f.Namespace, f.Message})
	}
	return out
}

// matrixTable is a matrix without the ranges of addresses that no tier has to do with.
type matrixTable struct {
	Columns []string
	Rows    []matrixRow
}

type matrixRow struct {
	Name  string
	Cells []matrixCell
}

type matrixCell struct {
	Ports         []string
	Class, Column string
}

func matrixOf(m *reach.Matrix) matrixTable {
	var out matrixTable
	var columns []int
	for k := range m.Groups {
		if shown(m, k, func(i int) *reach.Cell { return &m.Cells[i][k] }) {
			columns = append(columns, k)
			out.Columns = append(out.Columns, groupTitle(&m.Groups[k]))
		}
	}
	for i := range m.Groups {
		if !shown(m, i, func(k int) *reach.Cell { return &m.Cells[i][k] }) {
			continue
		}
		row := matrixRow{Name: groupTitle(&m.Groups[i])}
		for _, k := range columns {
			row.Cells = append(row.Cells, cellOf(&m.Cells[i][k], groupTitle(&m.Groups[k])))
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

// shown tells whether a row or a column is worth a look; the cells are those between it and each group.
func shown(m *reach.Matrix, group int, cell func(other int) *reach.Cell) bool {
	if len(m.Groups[group].Namespaces) > 0 {
		return true
	}
	return slices.ContainsFunc(others(m), func(other int) bool { return cell(other).String() != "-" })
}

// others are the tiers of a matrix.
func others(m *reach.Matrix) []int {
	var out []int
	for i := range m.Groups {
		if !m.Groups[i].Outside && len(m.Groups[i].Namespaces) > 0 {
			out = append(out, i)
		}
	}
	return out
}

func groupTitle(g *reach.Group) string {
	if g.Outside {
		return "(" + g.Name + ")"
	}
	return g.Name
}

func cellOf(c *reach.Cell, column string) matrixCell {
	out := matrixCell{Ports: strings.Split(c.String(), ","), Class: "open", Column: column}
	switch {
	case c.Unjudged:
		out.Ports, out.Class = nil, "unjudged"
	case c.String() == "-":
		out.Ports, out.Class = []string{"–"}, "shut"
	case len(c.Every) == 0:
		out.Class = "partly"
	}
	return out
}
