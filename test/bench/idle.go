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
	made := idleRequests(b.n, before, after, perMinute)
	return []result{cpu, made}, nil
}

// idleRequests is what was asked between two looks, without the lease and without GETs. PUTs are replacements, which
// the operator counts, and renewals of the lease, which it does not count. A watch is a GET that is counted when it is
// established; it is established anew now and then. Reads are GETs as well, and the count does not tell them apart.
func idleRequests(n int, before, after metrics, perMinute float64) result {
	made := func(name string, labels ...string) float64 {
		return (after.sum(name, labels...) - before.sum(name, labels...)) * perMinute
	}
	const requests, writes = "rest_client_requests_total", "segmentation_writes_total"
	lease := made(requests, "method", "PUT") - made(writes, "operation", "update")
	gets := made(requests, "method", "GET")
	r := result{
		measure: "6 idle: requests a minute", n: n, unit: count, target: atMost(0), ours: []float64{made(requests) - lease - gets},
		note: fmt.Sprintf("%.0f writes of objects, labels and status; besides, %.0f renewals of the lease", made(writes), lease),
	}
	if gets > 0 {
		r.note += fmt.Sprintf(" and %.0f GETs, as watches that are established anew", gets)
	}
	return r
}
