package backpressure

import (
	"math/rand/v2"
	"sync"
	"time"
)

// least is how long a pause lasts at least, if the API server does not ask for more.
const least = time.Second

// longest is how much is added to what the API server asks for at most. An API server that had no room for
// minutes is to have the operator back soon once it has some. With a thousand namespaces that are all put off,
// it is about 60 requests a second to be turned down, which costs it next to nothing.
const longest = 30 * time.Second

// Pauses remembers who is to make no write for a while. Each name pauses for itself: one that could not be
// written to says nothing of whether the next one can, where some writes pass and others do not. Together they
// give way all the same, since each comes back later every time. The zero value has nobody pause. It may be used
// by several goroutines.
type Pauses struct {
	// Clock tells the time, and Jitter draws from zero up to its argument, that itself left out; optional.
	Clock  func() time.Time
	Jitter func(time.Duration) time.Duration

	mu    sync.Mutex
	names map[string]pause
}

// pause is that of one name.
type pause struct {
	until time.Time
	// times is how often in a row it was put off.
	times int
}

func (p *Pauses) now() time.Time {
	if p.Clock == nil {
		return time.Now()
	}
	return p.Clock()
}

func (p *Pauses) jitter(below time.Duration) time.Duration {
	if p.Jitter == nil {
		return time.Duration(rand.Int64N(int64(below))) //nolint:gosec // Spreading load needs no secrecy.
	}
	return p.Jitter(below)
}

// Left is how much is left of a pause; zero if there is none.
func (p *Pauses) Left(name string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.names[name].until.Sub(p.now()))
}

// Note takes note of how a write was answered. One that was throttled begins a pause: as long as the API server
// asks for, and a part of a time that doubles while this goes on, so that not all come back at once.
func (p *Pauses) Note(name string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !IsThrottled(err) {
		delete(p.names, name) // Whatever came of it, there was room.
		return
	}
	before := p.names[name]
	asked := max(after(err), least)
	more := longest
	if before.times < 5 { // 2^5 s are more than the longest.
		more = min(longest, least<<before.times)
	}
	if p.names == nil {
		p.names = map[string]pause{}
	}
	p.names[name] = pause{until: p.now().Add(asked + p.jitter(more)), times: before.times + 1}
}

// Forget drops what is remembered of a name.
func (p *Pauses) Forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.names, name)
}
