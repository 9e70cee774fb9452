package monitoring

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// step is the time between two samples: what ServiceMonitors that say nothing else usually get.
const step = 30 * time.Second

// target is what Prometheus adds to what it reads from the operator by config/prometheus/service_monitor.yaml.
var target = labels.FromStrings(
	"job", "segmentation-operator-metrics", "instance", "10.0.0.1:8443", "namespace", "segmentation-system",
	"pod", "segmentation-operator-1", "service", "segmentation-operator-metrics", "endpoint", "https", "container", "operator")

// start is when the first scrape is a step ahead.
var start = time.Unix(1_800_000_000, 0)

// memory is a storage of series, enough for the query engine. Prometheus' own would bring along every cloud
// that it can discover targets in.
type memory struct {
	series map[string]*series
	// scrapes is how many there were, a step apart from each other.
	scrapes int
}

type series struct {
	labels  labels.Labels
	samples []chunks.Sample
}

// sample is a value at a time.
type sample struct {
	t int64
	v float64
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.v }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

func (m *memory) add(of labels.Labels, at time.Time, value float64) {
	if m.series == nil {
		m.series = map[string]*series{}
	}
	key := of.String()
	if m.series[key] == nil {
		m.series[key] = &series{labels: of}
	}
	m.series[key].samples = append(m.series[key].samples, sample{at.UnixMilli(), value})
}

// last is the time of the last scrape.
func (m *memory) last() time.Time { return start.Add(time.Duration(m.scrapes) * step) }

// scrape adds what a text of metrics says, a step after what was there.
func (m *memory) scrape(text []byte) error {
	p, err := textparse.New(text, "text/plain", labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		return err
	}
	at := m.last().Add(step)
	for {
		entry, err := p.Next()
		switch {
		case errors.Is(err, io.EOF):
			m.add(withTarget(labels.FromStrings(model.MetricNameLabel, "up")), at, 1)
			m.scrapes++
			return nil
		case err != nil:
			return err
		case entry != textparse.EntrySeries:
			continue
		}
		var of labels.Labels
		p.Labels(&of)
		_, _, value := p.Series()
		m.add(withTarget(of), at, value)
	}
}

// withTarget adds the labels of the target, as honorLabels: false does.
func withTarget(of labels.Labels) labels.Labels {
	b := labels.NewBuilder(of)
	target.Range(func(l labels.Label) {
		if own := of.Get(l.Name); own != "" {
			b.Set("exported_"+l.Name, own)
		}
		b.Set(l.Name, l.Value)
	})
	return b.Labels()
}

// Querier implements storage.Queryable.
func (m *memory) Querier(int64, int64) (storage.Querier, error) { return querier{memory: m}, nil }

type querier struct {
	storage.LabelQuerier

	memory *memory
}

// Close implements storage.Querier.
func (querier) Close() error { return nil }

// Select implements storage.Querier.
func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	set := &seriesSet{}
	for _, s := range q.memory.series {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.labels.Get(m.Name)) }) {
			set.series = append(set.series, storage.NewListSeries(s.labels, s.samples))
		}
	}
	slices.SortFunc(set.series, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return set
}

type seriesSet struct {
	series []storage.Series
	at     int
}

func (s *seriesSet) Next() bool                      { s.at++; return s.at <= len(s.series) }
func (s *seriesSet) At() storage.Series              { return s.series[s.at-1] }
func (*seriesSet) Err() error                        { return nil }
func (*seriesSet) Warnings() annotations.Annotations { return nil }

// queries parses queries as Prometheus does, without its experiments.
var queries = parser.NewParser(parser.Options{})

var engine = promql.NewEngine(promql.EngineOpts{
	MaxSamples: 1_000_000, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true, Parser: queries,
})

// instant evaluates a query at a time.
func (m *memory) instant(t *testing.T, query string, at time.Time) promql.Vector {
	t.Helper()
	q := must(engine.NewInstantQuery(t.Context(), m, nil, query, at))(t)
	defer q.Close()
	result := q.Exec(t.Context())
	if result.Err != nil {
		t.Fatalf("%s: %v", query, result.Err)
	}
	vector, err := result.Vector()
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return vector
}

// overTime evaluates a query for a graph of all that was scraped.
func (m *memory) overTime(t *testing.T, query string) promql.Matrix {
	t.Helper()
	q := must(engine.NewRangeQuery(t.Context(), m, nil, query, start, m.last(), step))(t)
	defer q.Close()
	result := q.Exec(t.Context())
	if result.Err != nil {
		t.Fatalf("%s: %v", query, result.Err)
	}
	matrix, err := result.Matrix()
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return matrix
}
