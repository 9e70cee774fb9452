package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// metrics are what the operator tells of itself.
type metrics map[string]*dto.MetricFamily

func (b *bed) scrape(ctx context.Context) (metrics, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.operator.Metrics()+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(strings.NewReader(string(text)))
}

// sum adds up the values of a metric that have certain labels.
func (m metrics) sum(name string, labels ...string) float64 {
	total := 0.0
	family := m[name]
	if family == nil {
		return 0
	}
	for _, metric := range family.Metric {
		if hasLabels(metric, labels) {
			total += metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + metric.GetUntyped().GetValue()
		}
	}
	return total
}

// hasLabels tells whether a metric has labels, given as names and values by turns.
func hasLabels(metric *dto.Metric, labels []string) bool {
	for i := 0; i+1 < len(labels); i += 2 {
		found := false
		for _, pair := range metric.Label {
			found = found || pair.GetName() == labels[i] && pair.GetValue() == labels[i+1]
		}
		if !found {
			return false
		}
	}
	return true
}

// writes are the requests so far by which the operator wrote objects and labels, failed ones too.
func (m metrics) writes() float64 {
	total := 0.0
	for kind := range versions {
		total += m.sum("segmentation_writes_total", "kind", kind)
	}
	return total
}

// statusWrites are the requests so far by which the operator wrote the status of profiles, failed ones too.
func (m metrics) statusWrites() float64 {
	return m.sum("segmentation_writes_total", "kind", "SegmentationProfile")
}

// allRequests are the requests that the operator has made so far, of any method.
func (m metrics) allRequests() float64 { return m.sum("rest_client_requests_total") }

// untilDrained waits until the operator has looked at all namespaces and has nothing more to do.
func (b *bed) untilDrained(ctx context.Context) error {
	return poll(ctx, b.isDrained)
}

func (b *bed) isDrained(ctx context.Context) (bool, error) {
	m, err := b.scrape(ctx)
	if err != nil {
		return false, nil //nolint:nilerr // Metrics are served a little later than probes.
	}
	looked := m.sum("controller_runtime_reconcile_total", "controller", "namespace")
	return looked >= float64(b.n) && m.sum("workqueue_depth") == 0 &&
		m.sum("controller_runtime_active_workers") == 0, nil
}

// residentBytes is the resident set of the operator's process.
func (b *bed) residentBytes() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.operator.PID()))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			return kib * 1024, err
		}
	}
	return 0, errors.New("the process has no resident set")
}

func since(start time.Time) float64 { return time.Since(start).Seconds() }
