package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// arrivalRows are the rows of arrivals, of which each turn has so many.
func arrivalRows(n, turn int, ours, plain, limited *arrivals) []result {
	row := func(what string, plain *arrivals, of func(*arrivals) []time.Duration, p int, most float64) result {
		return arrivalRow("2 arrival: "+what, n, turn, of(ours), of(plain), p, most)
	}
	isolated := func(a *arrivals) []time.Duration { return a.isolated }
	member := func(a *arrivals) []time.Duration { return a.member }
	complete := func(a *arrivals) []time.Duration { return a.complete }
	arrived := float64(len(ours.complete))
	return []result{
		row("until isolated, p50", plain, isolated, 50, 2), row("until isolated, p99", plain, isolated, 99, 3),
		row("until member, p50", plain, member, 50, 2), row("until member, p99", plain, member, 99, 3),
		row("with access, p50", plain, complete, 50, 2), row("with access, p99", plain, complete, 99, 3),
		row("with access, same rights, p50", limited, complete, 50, 2), row("with access, same rights, p99", limited, complete, 99, 3),
		{
			measure: "2 arrival: requests", n: n, unit: count, target: atMost(1),
			ours: []float64{ours.writes / arrived}, plain: []float64{perNamespace + 1},
			note: fmt.Sprintf("of objects and labels; %.0f arrivals; besides, for each, %.2f of the status and %.2f others, as the lease",
				arrived, ours.status/arrived, ours.others/arrived),
		},
	}
}

// arrivalRow has the percentile of each turn, so that their spread shows. The one of all arrivals is remarked.
func arrivalRow(measure string, n, turn int, ours, plain []time.Duration, p int, most float64) result {
	of := func(durations []time.Duration) float64 { return percentile(inMilliseconds(durations), p) }
	r := result{measure: measure, n: n, unit: milliseconds, target: atMost(most)}
	for part := range slices.Chunk(ours, turn) {
		r.ours = append(r.ours, of(part))
	}
	for part := range slices.Chunk(plain, turn) {
		r.plain = append(r.plain, of(part))
	}
	r.note = fmt.Sprintf("over all turns: %s, plain client %s",
		strings.TrimSpace(r.unit.format(of(ours))), strings.TrimSpace(r.unit.format(of(plain))))
	return r
}
