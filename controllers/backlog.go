package controllers

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// overdueAfter is how long a namespace waits before it may be raised, while others of higher priority keep coming.
	overdueAfter = 5 * time.Second
	// raiseEvery is how often some of those that have waited for longer are raised.
	raiseEvery = time.Second
	// shareOfRaised is what part of those that are looked at may have been raised: one of so many.
	shareOfRaised = 4
)

// backlog remembers since when namespaces wait to be looked at that did not just arrive. Whoever creates namespaces
// all the time, or has objects mended, must not keep a profile from narrowing what it allowed. So of those that
// wait for too long the first are raised to those that arrived, every second a share of what was looked at in the last
// one: all have their turn, and however few the API server lets be served, most of the looks are left to who is new.
type backlog struct {
	mu    sync.Mutex
	since map[string]time.Time
	queue queue
	// keeps tells whether it remembers anything. On a standby nobody has a turn, so nothing would be forgotten.
	keeps bool
	// looks counts the looks since the share was last asked for.
	looks int
}

// begin has it remember who waits from now on.
func (b *backlog) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keeps = true
}

// on sets the queue that namespaces wait in.
func (b *backlog) on(q queue) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = q
}

// note takes note of namespaces that wait, since a time, once it has begun. Who waits already has waited for longer.
func (b *backlog) note(since time.Time, names ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.keeps {
		return
	}
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
	b.looks++
}

// share returns how many may be raised: a share of what was looked at since it was last asked, at least one, and
// no more than can be looked at together.
func (b *backlog) share(workers int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	looks := b.looks
	b.looks = 0
	return min(workers, max(looks/shareOfRaised, 1))
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
	if err := r.takeOver(ctx, time.Now()); err != nil {
		return err
	}
	tick := time.NewTicker(raiseEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			r.raise(now, r.backlog.share(workers))
		}
	}
}

// takeOver has the backlog begin, with all namespaces: none has had its turn yet, and all are in the queue since the
// watch first showed them. One that had its turn this very moment is looked at once more, which makes no request.
func (r *NamespaceReconciler) takeOver(ctx context.Context, now time.Time) error {
	r.backlog.begin()
	namespaces, err := listNamespaces(ctx, r.Reader)
	if err != nil {
		return err
	}
	for i := range namespaces {
		r.backlog.note(now, namespaces[i].Name)
	}
	return nil
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
