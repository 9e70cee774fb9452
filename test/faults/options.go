package faults

import (
	"net/http"
	"strings"
	"time"
)

const (
	// defaultRate is the part of requests that meet a fault.
	defaultRate = 0.1
	// defaultStall is how long a stalled request waits.
	defaultStall = 2 * time.Second
	// defaultWatchLife is how long a watch may last at most.
	defaultWatchLife = 5 * time.Second
)

// Option changes what a proxy does.
type Option func(*settings)

type settings struct {
	rate      float64
	seed      uint64
	stall     time.Duration
	watchLife time.Duration
	exempt    func(*http.Request) bool
	observe   func(*http.Response)
}

// Rate sets the part of requests that meet a fault: 0.1 is one in ten.
func Rate(rate float64) Option {
	return func(s *settings) { s.rate = rate }
}

// Seed makes the same choices be made again, as far as requests come in the same order.
func Seed(seed uint64) Option {
	return func(s *settings) { s.seed = seed }
}

// StallFor sets how long a stalled request waits.
func StallFor(d time.Duration) Option {
	return func(s *settings) { s.stall = d }
}

// WatchLife bounds how long watches last: each is cut at a random time before. They are so
// few and last so long that a rate of requests would hardly touch them.
func WatchLife(longest time.Duration) Option {
	return func(s *settings) { s.watchLife = longest }
}

// ExemptLeases lets leases pass, so that a leader is not lost.
func ExemptLeases() Option {
	return func(s *settings) {
		s.exempt = func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/apis/coordination.k8s.io/") }
	}
}

// Observe calls a function with each answer of the API server, before it is passed on. The answer has its
// request with it.
func Observe(observe func(*http.Response)) Option {
	return func(s *settings) { s.observe = observe }
}
