package main

import (
	"context"
	"fmt"
	"time"
)

// measureIdle looks at the operator while nothing happens.
func (b *bed) measureIdle(ctx context.Context) ([]result, error) {
	if err := b.converged(ctx); err != nil {
		return nil, err
	}
	if err := pause(ctx, settling); err != nil { // The status is written once a second.
		return nil, err
	}
	before, err := b.scrape(ctx)
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, b.idle); err != nil {
		return nil, err
	}
	after, err := b.scrape(ctx)
	if err != nil {
		return nil, err
	}
	perMinute := time.Minute.Seconds() / b.idle.Seconds()
	const used = "process_cpu_seconds_total"
	cpu := result{
		measure: "6 idle: processor seconds a minute", n: b.n, unit: seconds,
		ours: []float64{(after.sum(used) - before.sum(used)) * perMinute},
	}
	requests, lease := 0.0, 0.0
	was := before.requests()
	for method, n := range after.requests() {
		switch made := n - was[method]; method {
		case "PUT": // Nothing but the lease is written by PUT, and it is read before.
			lease += made
		case "GET":
			// Watches are renewed now and then, and the lease is read.
		default:
			requests += made
		}
	}
	made := result{
		measure: "6 idle: writes a minute", n: b.n, unit: count, ours: []float64{requests * perMinute}, target: atMost(0),
		note: fmt.Sprintf("and %.0f renewals of the lease", lease*perMinute),
	}
	return []result{cpu, made}, nil
}
