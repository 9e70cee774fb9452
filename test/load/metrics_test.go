package load

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// metrics are the operator's own, by name and labels as they are written.
type metrics map[string]float64

// sum adds up all values of a name whose labels contain all of the texts.
func (m metrics) sum(name string, labels ...string) float64 {
	total := 0.0
	for key, value := range m {
		of, rest, _ := strings.Cut(key, "{")
		if of != name {
			continue
		}
		matches := true
		for _, label := range labels {
			matches = matches && strings.Contains(rest, label)
		}
		if matches {
			total += value
		}
	}
	return total
}

// depth is how many namespaces are due to be looked at, or being looked at.
func (m metrics) depth() int {
	const namespaces = `controller="namespace"`
	return int(m.sum("workqueue_depth", namespaces) + m.sum("controller_runtime_active_workers", namespaces))
}

// usage is what the operator needs at one time.
type usage struct {
	resident, heap float64
	goroutines     int
}

func (m metrics) usage() usage {
	return usage{
		resident: m.sum("process_resident_memory_bytes"), heap: m.sum("go_memstats_heap_alloc_bytes"), goroutines: int(m.sum("go_goroutines")),
	}
}

func (u usage) String() string {
	const mebi = 1 << 20
	return fmt.Sprintf("%.1f MiB resident, %.1f MiB of heap, %d goroutines", u.resident/mebi, u.heap/mebi, u.goroutines)
}

// readMetrics asks the operator.
func readMetrics(ctx context.Context, address string) (metrics, error) {
	response, err := get(ctx, "http://"+address+"/metrics")
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	m := metrics{}
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		key, text, found := strings.Cut(lines.Text(), "} ")
		if !found {
			key, text, _ = strings.Cut(lines.Text(), " ")
		}
		if value, err := strconv.ParseFloat(text, 64); err == nil {
			m[key] = value
		}
	}
	return m, nil
}

// collectGarbage has the operator collect garbage.
func collectGarbage(ctx context.Context, address string) error {
	response, err := get(ctx, "http://"+address+"/debug/pprof/heap?gc=1")
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	return response, nil
}
