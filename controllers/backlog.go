package controllers

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// overdueAfter is how long a namespace waits at most while others of higher priority keep coming.
	overdueAfter = 5 * time.Second
	// raiseEvery is how often some of those that have waited for longer are raised.
	raiseEvery = time.Second
)

// backlog remembers since when namespaces wait to be looked at that did not just arrive. Whoever creates namespaces
// all the time, or has objects mended, must not keep a profile from narrowing what it allowed. So of those that
// wait for too long the first are raised to those that arrived, every second as many as can be looked at together:
// enough for all to have their turn, and so few that a new namespace hardly waits for them.
type backlog struct {
	mu    sync.Mutex
	since map[string]time.Time
	queue queue
}

// on sets the queue that namespaces wait in.
func (b *backlog) on(q queue) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = q
}

// note takes note of namespaces that wait, since a time. Who waits already has waited for longer.
func (b *backlog) note(since time.Time, names ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.since == nil {
		b.since = map[string]time.Time{}
	}
	for _, name := range names {
		if _, waits := b.since[name]; !waits {
			b.since[name] = since
		}
	}
}

// served takes note that a namespace is being looked at.
func (b *backlog) served(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.since, name)
}

// overdue returns those that have waited the longest of those that wait for too long, and does not return them
// again before they have waited as long once more.
func (b *backlog) overdue(now time.Time, most int) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for name, since := range b.since {
		if now.Sub(since) >= overdueAfter {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(x, y string) int {
		return cmp.Or(b.since[x].Compare(b.since[y]), cmp.Compare(x, y))
	})
	names = names[:min(most, len(names))]
	for _, name := range names {
		b.since[name] = now
	}
	return names
}

// keepUp lets nobody wait for ever. It runs while namespaces are looked at: on a standby all of them wait.
func (r *NamespaceReconciler) keepUp(ctx context.Context, workers int) error {
	tick := time.NewTicker(raiseEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			r.raise(now, workers)
		}
	}
}

func (r *NamespaceReconciler) raise(now time.Time, most int) {
	r.backlog.mu.Lock()
	q := r.backlog.queue
	r.backlog.mu.Unlock()
	if q == nil {
		return // The sources have not started yet.
	}
	r.enqueue(q, arrived, 0, r.backlog.overdue(now, most)...)
}
