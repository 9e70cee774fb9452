package apply

import (
	"sync"
	"time"

	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

const (
	// maxContests is how often in a row others may be faster in a namespace. After that the operator writes whatever
	// they have made of an object: who changes it again and again must not keep it from being mended.
	maxContests = 3
	// maxContested is for how long nobody has to read of it.
	maxContested = transition.Patience
)

// contests count, for each namespace, the passes in a row in which somebody else was faster.
type contests struct {
	mu   sync.Mutex
	byNS map[string]contest
}

type contest struct {
	lost  int
	since time.Time
}

func newContests() *contests {
	return &contests{byNS: map[string]contest{}}
}

// note takes note of how a pass ended.
func (c *contests) note(namespace string, lost bool, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !lost {
		delete(c.byNS, namespace)
		return
	}
	was, known := c.byNS[namespace]
	if !known {
		was.since = now
	}
	was.lost++
	c.byNS[namespace] = was
}

// isDecided tells whether others were faster often enough.
func (c *contests) isDecided(namespace string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byNS[namespace].lost >= maxContests
}

// isOld tells whether others have been faster for so long that somebody has to read of it.
func (c *contests) isOld(namespace string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was, known := c.byNS[namespace]
	return known && now.Sub(was.since) >= maxContested
}

func (c *contests) forget(namespace string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byNS, namespace)
}

// settle takes note of whether others were faster with what is in the namespace. What they do to the
// namespace itself decides on where it belongs, and is waited for.
func (r *run) settle() {
	lost := false
	for i := range r.Failures {
		f := &r.Failures[i]
		if f.Class != Overtaken || r.IsGoing {
			continue
		}
		lost = lost || f.Kind != KindNamespace
		if r.contests.isOld(r.observed.Namespace.Name, r.expected.clock()) {
			f.Class = Retry
		}
	}
	if !r.Outdated && r.Paused == 0 {
		r.contests.note(r.observed.Namespace.Name, lost, r.expected.clock())
	}
}
