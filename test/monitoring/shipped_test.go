package monitoring

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

func repository(t *testing.T) string {
	t.Helper()
	return must(deploy.Root())(t)
}

func read(t *testing.T, elements ...string) []byte {
	t.Helper()
	return must(os.ReadFile(filepath.Join(append([]string{repository(t)}, elements...)...)))(t)
}

// shippedRules are the rules of config/prometheus, after the checks that promtool makes of a file of rules.
func shippedRules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	var shipped struct {
		Spec json.RawMessage `json:"spec"`
	}
	if err := yaml.Unmarshal(read(t, "config", "prometheus", "rules.yaml"), &shipped); err != nil {
		t.Fatal(err)
	}
	groups, errs := rulefmt.Parse(must(yaml.JSONToYAML(shipped.Spec))(t), false, model.UTF8Validation, queries, slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	if t.Failed() {
		t.FailNow()
	}
	var rules []rulefmt.Rule
	for i := range groups.Groups {
		rules = append(rules, groups.Groups[i].Rules...)
	}
	return rules
}

// panel is what a panel of the dashboard asks and says.
type panel struct {
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []struct {
		Expr         string `json:"expr"`
		LegendFormat string `json:"legendFormat"`
	} `json:"targets"`
}

// dashboard is the shipped dashboard.
type dashboard struct {
	Panels     []panel `json:"panels"`
	Templating struct {
		List []struct {
			Name       string `json:"name"`
			Type       string `json:"type"`
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
}

func shippedDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal(read(t, "config", "prometheus", "dashboard.json"), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// chosen fills in the dashboard's variables, as Grafana does with all profiles chosen.
func chosen(query string) string {
	return strings.NewReplacer("$__rate_interval", "2m", "$job", target.Get("job"), "$profile", ".*").Replace(query)
}

func TestEveryPanelSaysWhatItShows(t *testing.T) {
	n := 0
	for _, p := range shippedDashboard(t).Panels {
		if p.Type == "row" {
			continue
		}
		n++
		if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q lacks a title, a description, a unit or a query", p.Title)
		}
	}
	if n < 20 {
		t.Errorf("the dashboard has %d panels", n)
	}
}

// anchor is how a heading becomes a link.
var anchor = regexp.MustCompile(`[^a-z0-9 -]`)

func TestEveryAlertHasARunbook(t *testing.T) {
	sections := map[string]bool{}
	for line := range strings.Lines(string(read(t, "docs", "monitoring.md"))) {
		if heading, is := strings.CutPrefix(line, "### "); is {
			sections[anchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")] = true
		}
	}
	const runbooks = "https://github.com/segmentation-dev/segmentation-operator/blob/main/docs/monitoring.md#"
	for _, rule := range shippedRules(t) {
		section, is := strings.CutPrefix(rule.Annotations["runbook_url"], runbooks)
		if !is || !sections[section] {
			t.Errorf("%s: docs/monitoring.md has no section %q", rule.Alert, rule.Annotations["runbook_url"])
		}
		if rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" || rule.Labels["severity"] == "" || rule.For == 0 {
			t.Errorf("%s lacks a summary, a description, a severity or a time", rule.Alert)
		}
		delete(sections, section)
	}
	for section := range sections {
		t.Errorf("docs/monitoring.md has a section %q of no alert", section)
	}
}
