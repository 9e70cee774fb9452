package controllers

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// What is measured is of the process, as the registry is that serves it. What each metric means, and what to
// do about it, is in docs/monitoring.md. None has a label whose values grow with the number of namespaces.
var (
	isolation = histogram("segmentation_namespace_isolation_duration_seconds",
		"Time from when the operator knew that a namespace is claimed and not isolated until all of its NetworkPolicies were written.",
		waits)
	joining = histogram("segmentation_namespace_join_duration_seconds",
		"Time from when the operator knew that a namespace is claimed and not isolated until it was labelled as a member.",
		waits)
	compilation = histogram("segmentation_compile_duration_seconds",
		"Time that it took to compile a generation of a profile and to render the objects of its tiers.",
		prometheus.ExponentialBuckets(0.0001, 4, 8)) // 0.1 ms to 1.6 s.
	profileGauges = newProfileMetrics()
)

// waits are the limits of what is waited for: milliseconds if all is well, a minute if writes are tried again.
var waits = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// histogram is a registered histogram. It is of all profiles together: a histogram of each would be many
// series where tenants have profiles of their own, and which profile has to wait is told by its gauges.
func histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	metrics.Registry.MustRegister(h)
	return h
}

// observeSince is for defer: it observes the time since the start.
func observeSince(h prometheus.Observer, start time.Time) {
	h.Observe(time.Since(start).Seconds())
}
