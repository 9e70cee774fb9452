package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// unit says how a figure is printed.
type unit string

const (
	seconds      unit = "s"
	milliseconds unit = "ms"
	microseconds unit = "µs"
	count        unit = ""
	mebibytes    unit = "MiB"
	kibibytes    unit = "KiB"
)

// format prints a figure.
func (u unit) format(v float64) string {
	switch {
	case u == count && v == float64(int64(v)):
		return fmt.Sprintf("%.0f", v)
	case v >= 100:
		return fmt.Sprintf("%.0f %s", v, u)
	case v >= 10:
		return fmt.Sprintf("%.1f %s", v, u)
	default:
		return fmt.Sprintf("%.2f %s", v, u)
	}
}

// result is one row of the table: the same measured several times, ours and the plain client's.
type result struct {
	measure string
	n       int
	unit    unit
	ours    []float64
	// plain is empty where there is nothing to compare with.
	plain  []float64
	target target
	note   string
}

// target says what a figure should be at most: the ratio of ours to the plain client's if that was
// measured, and ours if not. The zero value is none.
type target struct {
	most float64
	set  bool
}

func atMost(most float64) target { return target{most, true} }

// ratio is ours divided by the plain client's, by their medians.
func (r *result) ratio() (ratio float64, ok bool) {
	if len(r.plain) == 0 || median(r.plain) == 0 {
		return 0, false
	}
	return median(r.ours) / median(r.plain), true
}

// isMet tells whether the target is met.
func (r *result) isMet() bool {
	if ratio, ok := r.ratio(); ok {
		return ratio <= r.target.most
	}
	return median(r.ours) <= r.target.most
}

// results are the rows, in the order of measures, and of numbers of namespaces.
type results struct{ rows []result }

func (r *results) add(rows ...result) {
	r.rows = append(r.rows, rows...)
	slices.SortStableFunc(r.rows, func(a, b result) int {
		return cmp.Or(cmp.Compare(a.measure, b.measure), cmp.Compare(a.n, b.n))
	})
}

func median(values []float64) float64 { return percentile(values, 50) }

// percentile is the least value that so many percent of the values do not exceed; the mean of the two
// in the middle for the median of an even number.
func percentile(values []float64, p int) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); p == 50 && n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

func inMilliseconds(durations []time.Duration) []float64 {
	out := make([]float64, 0, len(durations))
	for _, d := range durations {
		out = append(out, float64(d.Microseconds())/1000)
	}
	return out
}
