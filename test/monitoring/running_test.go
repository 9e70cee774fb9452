package monitoring

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// TestQueriesFindWhatTheyName reads the metrics of a running operator, and evaluates every query over them.
func TestQueriesFindWhatTheyName(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a control plane, which -short leaves out; run make test")
	}
	o, m := startOperator(t), &memory{}
	o.live(t, m)
	rules := shippedRules(t)
	t.Run("every alert", func(t *testing.T) {
		for _, rule := range rules {
			m.checkNames(t, rule.Alert, rule.Expr)
			m.instant(t, rule.Expr, m.last())
		}
	})
	t.Run("every panel", func(t *testing.T) { m.checkPanels(t) })
	t.Run("every variable", func(t *testing.T) { m.checkVariables(t) })
	t.Run("every metric is explained, and every one that is explained is there", func(t *testing.T) { m.checkDocs(t) })
	t.Run("a profile that is gone is not measured", func(t *testing.T) {
		if err := o.admin.Delete(t.Context(), shop()); err != nil {
			t.Fatal(err)
		}
		o.wait(t, "end of what is measured of the profile", func(ctx context.Context) bool {
			text, err := o.metrics(ctx)
			return err == nil && !strings.Contains(string(text), `profile="shop"`)
		})
	})
	t.Run("a query that names what is not there is found out", func(t *testing.T) {
		for _, query := range []string{
			`segmentation_pending_namespace`, `sum by (namespaces) (segmentation_pending_namespaces)`, `segmentation_findings{cause="x"}`,
			`segmentation_writes_total{result="failure"}`,
		} {
			if len(m.missing(must(queries.ParseExpr(query))(t))) == 0 {
				t.Errorf("%s was not", query)
			}
		}
	})
}

func (m *memory) checkPanels(t *testing.T) {
	t.Helper()
	for _, p := range shippedDashboard(t).Panels {
		for _, q := range p.Targets {
			query := chosen(q.Expr)
			m.checkNames(t, p.Title, query)
			if strings.Contains(query, "$") {
				t.Errorf("%s: %s has a variable that the dashboard lacks", p.Title, query)
			}
			result := m.overTime(t, query)
			if !slices.ContainsFunc(result, isAnywhereANumber) {
				t.Errorf("%s: %s returns no number", p.Title, query)
			}
			for _, label := range legend.FindAllStringSubmatch(q.LegendFormat, -1) {
				for _, s := range result {
					if !s.Metric.Has(label[1]) {
						t.Errorf("%s: the legend names the label %s, which %s lacks", p.Title, label[1], s.Metric)
					}
				}
			}
		}
	}
}

var legend = regexp.MustCompile(`{{(\w+)}}`)

func isAnywhereANumber(s promql.Series) bool {
	return slices.ContainsFunc(s.Floats, func(p promql.FPoint) bool { return !math.IsNaN(p.F) && !math.IsInf(p.F, 0) })
}

var labelValues = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)

func (m *memory) checkVariables(t *testing.T) {
	t.Helper()
	for _, v := range shippedDashboard(t).Templating.List {
		if v.Type != "query" {
			continue
		}
		of := labelValues.FindStringSubmatch(v.Definition)
		if of == nil {
			t.Errorf("%s: %q is not understood", v.Name, v.Definition)
			continue
		}
		m.checkNames(t, v.Name, "sum by ("+of[2]+") ("+of[1]+")")
	}
}

// explained is a metric in the tables of docs/monitoring.md.
var explained = regexp.MustCompile("`((?:segmentation|controller_runtime|workqueue|rest_client|leader_election)_\\w+)`")

func (m *memory) checkDocs(t *testing.T) {
	t.Helper()
	docs := map[string]bool{}
	for line := range strings.Lines(string(read(t, "docs", "monitoring.md"))) {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		for _, name := range explained.FindAllStringSubmatch(first, -1) {
			if strings.HasPrefix(line, "|") {
				docs[name[1]] = true
			}
		}
	}
	there := map[string]bool{}
	for _, s := range m.series {
		there[histogramSuffix.ReplaceAllString(s.labels.Get(model.MetricNameLabel), "")] = true
	}
	for name := range docs {
		if !there[name] {
			t.Errorf("docs/monitoring.md explains %s, which the operator does not serve", name)
		}
	}
	for name := range there {
		if strings.HasPrefix(name, "segmentation_") && !docs[name] {
			t.Errorf("docs/monitoring.md does not explain %s", name)
		}
	}
}

var histogramSuffix = regexp.MustCompile(`_(bucket|sum|count)$`)

func (m *memory) checkNames(t *testing.T, where, query string) {
	t.Helper()
	for _, what := range m.missing(must(queries.ParseExpr(query))(t)) {
		t.Errorf("%s: %s: %s", where, query, what)
	}
}

// open are labels whose values come when there is something to tell: a code that no request was answered with.
var open = []string{"code", "profile"}

// missing names the metrics, labels and values of labels that a query names and that were not scraped.
func (m *memory) missing(query parser.Expr) []string {
	var out []string
	parser.Inspect(query, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			out = append(out, m.missingIn(n)...)
		case *parser.AggregateExpr:
			for _, label := range n.Grouping {
				out = append(out, m.missingLabel(n.Expr, label)...)
			}
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				for _, label := range n.VectorMatching.MatchingLabels {
					out = append(out, append(m.missingLabel(n.LHS, label), m.missingLabel(n.RHS, label)...)...)
				}
			}
		}
		return nil
	})
	return out
}

func (m *memory) missingIn(selector *parser.VectorSelector) []string {
	all := m.named(selector.Name)
	if len(all) == 0 {
		return []string{"there is no metric " + selector.Name}
	}
	var out []string
	for _, matcher := range selector.LabelMatchers {
		has := func(s *series) bool { return s.labels.Has(matcher.Name) && matcher.Matches(s.labels.Get(matcher.Name)) }
		if slices.Contains(open, matcher.Name) {
			has = func(s *series) bool { return s.labels.Has(matcher.Name) }
		}
		if !slices.ContainsFunc(all, has) {
			out = append(out, selector.Name+" has nothing with "+matcher.String())
		}
	}
	return out
}

// missingLabel says which selectors of an expression lack a label.
func (m *memory) missingLabel(in parser.Expr, label string) []string {
	var out []string
	parser.Inspect(in, func(node parser.Node, _ []parser.Node) error {
		if selector, is := node.(*parser.VectorSelector); is {
			if !slices.ContainsFunc(m.named(selector.Name), func(s *series) bool { return s.labels.Has(label) }) {
				out = append(out, selector.Name+" has no label "+label)
			}
		}
		return nil
	})
	return out
}

func (m *memory) named(name string) []*series {
	var out []*series
	for _, s := range m.series {
		if s.labels.Get(model.MetricNameLabel) == name {
			out = append(out, s)
		}
	}
	return out
}
