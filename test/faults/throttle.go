package faults

import "net/http"

// Throttle answers every write with 429 until it is called again with false, and asks to come back after a
// second: so an API server does that has no room for them. What is exempt passes all the same.
func (p *Proxy) Throttle(throttle bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.throttle = throttle
}

func (p *Proxy) throttles(r *http.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.throttle || r.Method == http.MethodGet || r.Method == http.MethodHead || p.settings.exempt(r) {
		return false
	}
	p.requests++
	p.counts[TooManyRequests]++
	return true
}

// throttled answers as the filter of API priority and fairness does: with a text, and not with a Status
// (k8s.io/apiserver/pkg/server/filters/priority-and-fairness.go).
func throttled(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "Too many requests, please try again later.", http.StatusTooManyRequests)
}
