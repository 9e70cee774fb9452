package monitoring

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"
)

// healthy are the series of two replicas with nothing wrong, in the notation of promtool: a start, and what is
// added to it in each minute.
var healthy = []string{
	`up{job="segmentation-operator-metrics",instance="a"} 1+0x90`,
	`up{job="segmentation-operator-metrics",instance="b"} 1+0x90`,
	`leader_election_master_status{job="segmentation-operator-metrics",instance="a",name="segmentation-operator"} 1+0x90`,
	`leader_election_master_status{job="segmentation-operator-metrics",instance="b",name="segmentation-operator"} 0+0x90`,
	`workqueue_depth{job="segmentation-operator-metrics",instance="a",name="namespace",priority="0"} 3+0x90`,
	`workqueue_depth{job="segmentation-operator-metrics",instance="b",name="namespace",priority="-100"} 10000+0x90`,
	`rest_client_requests_total{job="segmentation-operator-metrics",code="200"} 0+100x90`,
	`rest_client_requests_total{job="segmentation-operator-metrics",code="429"} 0+1x90`,
	`segmentation_pending_namespaces{profile="shop",instance="a"} 0+0x30 40 12 0+0x58`,
	`segmentation_conflicted_namespaces{profile="shop",reason="TiersOverlap"} 0+0x90`,
	`segmentation_findings{profile="shop",reason="NameTaken"} 0+0x90`,
	`segmentation_findings{profile="shop",reason="UndeclaredAccess"} 0+0x90`,
	`segmentation_undeclared_role_bindings{profile="shop"} 0+0x90`,
	`segmentation_profile_condition{profile="shop",condition="Accepted"} 1+0x90`,
	`segmentation_profile_condition{profile="shop",condition="Stalled"} 0+0x90`,
	`segmentation_writes_total{kind="NetworkPolicy",operation="update",result="success"} 0+100x90`,
	`segmentation_writes_total{kind="NetworkPolicy",operation="update",result="conflict"} 0+1x90`,
	`segmentation_writes_total{kind="NetworkPolicy",operation="update",result="error"} 0+0x30 50+0x59`,
	`segmentation_writes_total{kind="Role",operation="update",result="refused"} 0+0x90`,
	`segmentation_namespace_isolation_duration_seconds_bucket{le="0.1"} 0+10x90`,
	`segmentation_namespace_isolation_duration_seconds_bucket{le="10"} 0+10x90`,
	`segmentation_namespace_isolation_duration_seconds_bucket{le="+Inf"} 0+10x90`,
}

// TestAlerts replaces what is healthy by something that is not, and says what fires, and with which labels.
func TestAlerts(t *testing.T) {
	cases := map[string]struct {
		instead []string
		want    []string
	}{
		"all is well, with a burst and a restart of the API server": {},
		"no replica can be scraped": {
			[]string{
				`up{job="segmentation-operator-metrics",instance="a"} 0+0x90`, `up{job="segmentation-operator-metrics",instance="b"} 0+0x90`,
			},
			[]string{"SegmentationOperatorAbsent"},
		},
		"one of two replicas is enough": {
			[]string{`up{job="segmentation-operator-metrics",instance="a"} 0+0x90`}, nil,
		},
		"nobody leads": {
			[]string{`leader_election_master_status{job="segmentation-operator-metrics",instance="a",name="segmentation-operator"} 0+0x90`},
			[]string{"SegmentationOperatorNotLeading"},
		},
		"namespaces are pending for long": {
			[]string{`segmentation_pending_namespaces{profile="shop",instance="a"} 2+0x90`},
			[]string{"SegmentationNamespacesPending shop"},
		},
		"isolating is slow": {
			[]string{`segmentation_namespace_isolation_duration_seconds_bucket{le="0.1"} 0+1x90`},
			[]string{"SegmentationIsolationSlow"},
		},
		"one object cannot be written": {
			[]string{`segmentation_writes_total{kind="NetworkPolicy",operation="update",result="error"} 0+1x90`},
			[]string{"SegmentationWritesFailing NetworkPolicy"},
		},
		"one object is refused, once a minute": {
			[]string{`segmentation_writes_total{kind="Role",operation="update",result="refused"} 0+1x90`},
			[]string{"SegmentationWritesRefused Role"},
		},
		"the API server throttles": {
			[]string{`rest_client_requests_total{job="segmentation-operator-metrics",code="429"} 0+20x90`},
			[]string{"SegmentationThrottled"},
		},
		"a name is taken": {
			[]string{`segmentation_findings{profile="shop",reason="NameTaken"} 1+0x90`},
			[]string{"SegmentationFindings NameTaken shop"},
		},
		"the DNS Service and a Service that is called are missing": {
			[]string{
				`segmentation_findings{profile="shop",reason="DNSMissing"} 1+0x90`,
				`segmentation_findings{profile="shop",reason="ServiceMissing"} 1+0x90`,
			},
			[]string{"SegmentationFindings DNSMissing shop", "SegmentationFindings ServiceMissing shop"},
		},
		"what may be meant so, or waits for somebody else, is no alert": {
			[]string{
				`segmentation_findings{profile="shop",reason="PortNotExposed"} 1+0x90`,
				`segmentation_findings{profile="shop",reason="ServiceWithoutPods"} 1+0x90`,
				`segmentation_findings{profile="shop",reason="PendingConsent"} 1+0x90`,
				`segmentation_findings{profile="shop",reason="EngineNarrower"} 1+0x90`,
				`segmentation_findings{profile="shop",reason="PeerIsMember"} 1+0x90`,
			},
			nil,
		},
		"two tiers overlap": {
			[]string{`segmentation_conflicted_namespaces{profile="shop",reason="TiersOverlap"} 1+0x90`},
			[]string{"SegmentationConflict TiersOverlap shop"},
		},
		"a side door is a finding, and alerts once": {
			[]string{
				`segmentation_undeclared_role_bindings{profile="shop"} 1+0x90`,
				`segmentation_findings{profile="shop",reason="UndeclaredAccess"} 1+0x90`,
			},
			[]string{"SegmentationUndeclaredAccess shop"},
		},
		"a profile does not compile": {
			[]string{`segmentation_profile_condition{profile="shop",condition="Accepted"} 0+0x90`},
			[]string{"SegmentationProfileInvalid shop"},
		},
		"the leader's queue does not drain": {
			[]string{`workqueue_depth{job="segmentation-operator-metrics",instance="a",name="namespace",priority="0"} 500+0x90`},
			[]string{"SegmentationQueueStuck namespace"},
		},
	}
	rules := shippedRules(t)
	tried := map[string]bool{}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := &memory{}
			load(t, m, c.instead, healthy)
			var got []string
			for i := range rules {
				got = append(got, m.fired(t, &rules[i])...)
			}
			slices.Sort(got)
			if diff := cmp.Diff(c.want, slices.Compact(got)); diff != "" {
				t.Errorf("fired (-want +got):\n%s", diff)
			}
		})
		for _, fires := range c.want {
			alert, _, _ := strings.Cut(fires, " ")
			tried[alert] = true
		}
	}
	for i := range rules {
		if !tried[rules[i].Alert] {
			t.Errorf("no case has %s fire", rules[i].Alert)
		}
	}
}

// load adds series, a sample each minute. Of series with the same labels the first counts.
func load(t *testing.T, m *memory, descriptions ...[]string) {
	t.Helper()
	known := map[string]bool{}
	for _, description := range slices.Concat(descriptions...) {
		of, values, err := queries.ParseSeriesDesc(description)
		if err != nil {
			t.Fatalf("%s: %v", description, err)
		}
		if known[of.String()] {
			continue
		}
		known[of.String()] = true
		for i, v := range values {
			if !v.Omitted {
				m.add(of, start.Add(time.Duration(i)*time.Minute), v.Value)
			}
		}
	}
}

// fired evaluates an alert once a minute for an hour and a half, and returns its name and labels where it was
// active for as long as it has to be.
func (m *memory) fired(t *testing.T, rule *rulefmt.Rule) []string {
	t.Helper()
	active := map[string]time.Time{}
	var out []string
	for at := start; !at.After(start.Add(90 * time.Minute)); at = at.Add(time.Minute) {
		result := m.instant(t, rule.Expr, at)
		still := map[string]time.Time{}
		for i := range result {
			key := strings.Join(append([]string{rule.Alert}, told(result[i].Metric)...), " ")
			since, was := active[key]
			if !was {
				since = at
			}
			still[key] = since
			if at.Sub(since) >= time.Duration(rule.For) {
				out = append(out, key)
				checkTexts(t, rule, &result[i], at)
			}
		}
		active = still
	}
	return out
}

// told are the values of labels that tell one alert of a rule from another.
func told(of labels.Labels) []string {
	var out []string
	of.Range(func(l labels.Label) {
		if l.Name != "job" {
			out = append(out, l.Value)
		}
	})
	slices.Sort(out)
	return out
}

// checkTexts expands the annotations, as Prometheus does.
func checkTexts(t *testing.T, rule *rulefmt.Rule, alert *promql.Sample, at time.Time) {
	t.Helper()
	data := template.AlertTemplateData(alert.Metric.Map(), nil, "", *alert)
	none := func(context.Context, string, time.Time) (promql.Vector, error) { return nil, nil }
	for name, text := range rule.Annotations {
		defs := "{{$labels := .Labels}}{{$value := .Value}}"
		expanded, err := template.NewTemplateExpander(t.Context(), defs+text, rule.Alert, data, model.TimeFromUnixNano(at.UnixNano()), none, &url.URL{}, nil).Expand()
		if err != nil || strings.Contains(expanded, "no value") || strings.Contains(expanded, "  ") {
			t.Errorf("%s: %s becomes %q: %v", rule.Alert, name, expanded, err)
		}
	}
}
