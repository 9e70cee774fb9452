package load

import (
	"context"
	"sync"
	"time"

	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// generator creates namespaces at a rate and deletes each of them a while later. It waits for no answer, so that
// a cluster that gets slow does not make the load less.
type generator struct {
	scene *scene
	all   sync.WaitGroup

	mu sync.Mutex
	// created is when the creation of each namespace was answered.
	created map[string]time.Time
	deleted int
	errs    []error
	// longest is how long an answer took, and late how much later than due a request was made.
	longest, late time.Duration
	// last is when the last deletion was answered.
	last time.Time
}

// run makes the load, and returns when the last request was answered.
func (g *generator) run(ctx context.Context, rate int, duration, life time.Duration) {
	start, n := time.Now(), int(duration.Seconds()*float64(rate))
	for i := range n {
		due := start.Add(time.Duration(i) * time.Second / time.Duration(rate))
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(due)):
		}
		late := time.Since(due)
		g.all.Go(func() { g.live(ctx, i, late, life) })
	}
	g.all.Wait()
}

// live is the life of one namespace.
func (g *generator) live(ctx context.Context, i int, late, life time.Duration) {
	name := g.scene.ns("load", i)
	asked := time.Now()
	err := g.scene.createNamespace(ctx, name, i)
	g.answered(asked, late, err, func() { g.created[name] = time.Now() })
	if err != nil {
		return
	}
	select {
	case <-ctx.Done():
		return
	case <-time.After(time.Until(asked.Add(life))):
	}
	asked = time.Now()
	err = env.admin.Delete(ctx, builders.MakeNamespace(name).Obj())
	g.answered(asked, 0, err, func() { g.deleted++; g.last = time.Now() })
}

func (g *generator) answered(asked time.Time, late time.Duration, err error, note func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.longest, g.late = max(g.longest, time.Since(asked)), max(g.late, late)
	if err != nil {
		g.errs = append(g.errs, err)
		return
	}
	note()
}
