package faults

import "net/http"

// Kind is a kind of fault.
type Kind string

// The kinds of faults.
const (
	// Conflict answers a write with 409.
	Conflict Kind = "conflict"
	// TooManyRequests answers with 429, and asks to come back after a second.
	TooManyRequests Kind = "too-many-requests"
	// ServerError answers with 500.
	ServerError Kind = "server-error"
	// ResetBefore resets the connection, and the API server never sees the request.
	ResetBefore Kind = "reset-before"
	// ResetAfter resets the connection once the API server has answered: a write has
	// happened, and the client does not know.
	ResetAfter Kind = "reset-after"
	// Stall lets a request wait before it passes.
	Stall Kind = "stall"
	// Gone answers a watch with 410: what it asks for is too old.
	Gone Kind = "gone"
	// CutWatch ends a watch in the middle.
	CutWatch Kind = "cut-watch"
)

// possible are the faults that can happen to a request as a whole.
func possible(r *http.Request) []Kind {
	kinds := []Kind{TooManyRequests, ServerError, ResetBefore, Stall}
	switch {
	case isWatch(r):
		return append(kinds, Gone)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return append(kinds, ResetAfter)
	default:
		return append(kinds, Conflict, ResetAfter)
	}
}

func isWatch(r *http.Request) bool {
	watch := r.URL.Query().Get("watch")
	return r.Method == http.MethodGet && (watch == "true" || watch == "1")
}
