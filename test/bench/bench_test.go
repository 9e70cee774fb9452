package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func TestPercentile(t *testing.T) {
	hundred := make([]float64, 0, 100)
	for i := range 100 {
		hundred = append(hundred, float64(100-i))
	}
	for name, c := range map[string]struct {
		values []float64
		p      int
		want   float64
	}{
		"nothing":                     {nil, 50, 0},
		"one":                         {[]float64{3}, 99, 3},
		"the middle of three":         {[]float64{3, 1, 2}, 50, 2},
		"the mean of the two between": {[]float64{4, 1, 2, 3}, 50, 2.5},
		"one of a hundred is above":   {hundred, 99, 99},
		"all":                         {hundred, 100, 100},
	} {
		t.Run(name, func(t *testing.T) {
			if got := percentile(c.values, c.p); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestTargets(t *testing.T) {
	for name, c := range map[string]struct {
		row  result
		want bool
	}{
		"a ratio that is met":        {result{ours: []float64{2}, plain: []float64{2}, target: atMost(1.3)}, true},
		"a ratio that is not":        {result{ours: []float64{3}, plain: []float64{2}, target: atMost(1.3)}, false},
		"a figure without a ratio":   {result{ours: []float64{9}, target: atMost(10)}, true},
		"a figure that is too large": {result{ours: []float64{11}, target: atMost(10)}, false},
		"nothing is to be written":   {result{ours: []float64{1}, target: atMost(0)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.row.isMet(); got != c.want {
				t.Errorf("it is met: %t, want %t", got, c.want)
			}
		})
	}
}

func TestTable(t *testing.T) {
	var rows results
	rows.add(
		result{measure: "2 later", n: 5000, unit: milliseconds, ours: []float64{1.5}},
		result{measure: "1 first", n: 5000, unit: seconds, ours: []float64{10, 12, 11}, plain: []float64{10}, target: atMost(1.3), note: "x"},
		result{measure: "1 first", n: 1000, unit: seconds, ours: []float64{2.2}, plain: []float64{2}},
	)
	var out bytes.Buffer
	printTable(&out, rows.rows)
	printGrowth(&out, rows.rows)
	want := strings.TrimLeft(`
| measure | namespaces | operator                  | plain client | ratio | target | met | remarks |
| ------- | ---------- | ------------------------- | ------------ | ----- | ------ | --- | ------- |
| 1 first | 1000       | 2.20 s                    | 2.00 s       | 1.10  |        |     |         |
| 1 first | 5000       | 11.0 s (10.0 s to 12.0 s) | 10.0 s       | 1.10  | ≤ 1.30 | yes | x       |
| 2 later | 5000       | 1.50 ms                   |              |       |        |     |         |
growth from 1000 to 5000 namespaces: 1 first: 5.00 times, plain client 5.00 times
`, "\n")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestVerdictOnGrowth(t *testing.T) {
	for name, c := range map[string]struct {
		measure      string
		small, large float64
		want         string
	}{
		"all namespaces are worked on":      {"1 convergence", 2, 11, "; linear within 15 %: yes"},
		"more than the namespaces":          {"1 convergence", 2, 12, "; linear within 15 %: no"},
		"a restart":                         {"5 restart until all was verified", 1, 5, "; linear within 15 %: yes"},
		"memory":                            {"7 resident set after convergence", 50, 300, "; linear within 15 %: no"},
		"memory for each object":            {"7 resident set per managed object", 8, 9, "; flat within 15 %: yes"},
		"as much is to be done":             {"4 drift: 100 objects back", 100, 110, "; flat within 15 %: yes"},
		"an arrival among more":             {"2 arrival: until member, p99", 10, 12, "; flat within 15 %: no"},
		"nothing is said of processor time": {"6 idle: processor seconds a minute", 1, 9, ""},
	} {
		t.Run(name, func(t *testing.T) {
			small, large := result{measure: c.measure, ours: []float64{c.small}}, result{measure: c.measure, ours: []float64{c.large}}
			if got := verdict(&small, &large); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Each turn has a figure of its own, and all together are remarked.
func TestArrivalsByTurns(t *testing.T) {
	ms := func(values ...int) []time.Duration {
		out := make([]time.Duration, 0, len(values))
		for _, v := range values {
			out = append(out, time.Duration(v)*time.Millisecond)
		}
		return out
	}
	row := arrivalRow("2 arrival", 100, 2, ms(1, 2, 3, 9), ms(1, 1, 2, 2), 99, 3)
	want := []string{
		"2 arrival", "100", "5.50 ms (2.00 ms to 9.00 ms)", "1.50 ms (1.00 ms to 2.00 ms)", "3.67", "≤ 3.00", "no",
		"over all turns: 9.00 ms, plain client 2.00 ms",
	}
	if diff := cmp.Diff(want, row.cells()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMemoryOfTheMachine(t *testing.T) {
	if got := memoryIn("MemFree: 1 kB\nMemTotal:       25165824 kB\n"); got != "24.0 GiB" {
		t.Errorf("got %q", got)
	}
}

// What is idle renews its lease and its watches, and asks for nothing else.
func TestIdleRequests(t *testing.T) {
	scraped := func(text string) metrics {
		parser := expfmt.NewTextParser(model.UTF8Validation)
		m, err := parser.TextToMetricFamilies(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for name, c := range map[string]struct {
		after string
		want  float64
		note  string
	}{
		"the lease": {
			`rest_client_requests_total{method="PUT"} 30` + "\n", 0,
			"0 writes of objects, labels and status; besides, 30 renewals of the lease",
		},
		"a replacement, a status and a watch": {`rest_client_requests_total{method="PUT"} 31
rest_client_requests_total{method="PATCH"} 1
rest_client_requests_total{method="GET"} 2
segmentation_writes_total{kind="NetworkPolicy",operation="update"} 1
segmentation_writes_total{kind="SegmentationProfile",operation="status"} 1
`, 2, "2 writes of objects, labels and status; besides, 30 renewals of the lease and 2 GETs, as watches that are established anew"},
	} {
		t.Run(name, func(t *testing.T) {
			got := idleRequests(100, metrics{}, scraped(c.after), 1)
			if got.ours[0] != c.want || got.note != c.note {
				t.Errorf("got %v, %q, want %v, %q", got.ours, got.note, c.want, c.note)
			}
		})
	}
}

// Wrong use is answered in one sentence.
func TestWrongUse(t *testing.T) {
	for args, want := range map[string]string{
		"--namespaces=ten": `bench: --namespaces has "ten": give numbers of at least 10, with commas between; see --help`,
		"--namespaces=5":   `bench: --namespaces has "5": give numbers of at least 10, with commas between; see --help`,
		"--only=speed":     `bench: --only has "speed": give some of convergence, arrival, change, drift, restart, idle, compile; see --help`,
		"--rounds=0":       `bench: --rounds is 0: give at least 1; see --help`,
		"--arrivals=1":     `bench: --arrivals is 1: give at least 4; see --help`,
		"--idle=1ms":       `bench: --idle is 1ms: give at least 1s; see --help`,
		"stray":            `bench: unexpected argument "stray": there are flags only; see --help`,
	} {
		t.Run(args, func(t *testing.T) {
			var stderr bytes.Buffer
			if code := run([]string{args}, io.Discard, &stderr); code != exitUsage || strings.TrimSpace(stderr.String()) != want {
				t.Errorf("exit code %d, said %q, want %q", code, stderr.String(), want)
			}
		})
	}
}

// The profile that is measured with gives each namespace what is counted with.
func TestEachNamespaceHasThreeObjects(t *testing.T) {
	for _, row := range measureCompile(smallest) {
		if strings.Contains(row.note, "objects") && row.note != "30 objects" {
			t.Errorf("%s: %s", row.measure, row.note)
		}
	}
}

func TestTiersHaveTheirShare(t *testing.T) {
	got := map[string]int{}
	for i := range 100 {
		got[tierOf(i)]++
	}
	if diff := cmp.Diff(map[string]int{"web": 50, "api": 40, "data": 10}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
