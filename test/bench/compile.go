package main

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// measureCompile compiles the profile and renders all objects of all namespaces, without an API server.
func measureCompile(n int) []result {
	profile := makeProfile()
	profile.UID = types.UID("0e0e0e0e-0000-4000-8000-000000000000")
	names := make([]string, n)
	for i := range names {
		names[i] = namespaceName(i)
	}
	made := 0
	bench := testing.Benchmark(func(b *testing.B) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			compiled, errs := plan.Compile(profile)
			if len(errs) > 0 {
				b.Fatal(errs.ToAggregate())
			}
			tiers := map[string]render.Objects{}
			for i := range compiled.Tiers {
				tiers[compiled.Tiers[i].Name] = render.Tier(compiled, &compiled.Tiers[i])
			}
			made = 0
			for i, name := range names {
				o := tiers[tierOf(i)].In(name).WithCallers(func(string) []string { return nil })
				made += len(o.Policies) + len(o.Roles) + len(o.Bindings)
			}
		}
	})
	perNamespace := float64(bench.NsPerOp()) / float64(n) / 1000
	allocations := float64(bench.AllocsPerOp()) / float64(n)
	return []result{
		{measure: "8 compile: per namespace", n: n, unit: microseconds, ours: []float64{perNamespace}, target: atMost(50)},
		{
			measure: "8 compile: allocations per namespace", n: n, unit: count, ours: []float64{allocations},
			note: fmt.Sprintf("%d objects", made),
		},
	}
}
