// Package backpressure is how the operator gives way to an API server that has no room for its writes, and
// answers them with 429: API priority and fairness does so, and says when to come back.
//
// Such a write was not made. That is no failure and nothing to be unsure of, only something to be tried later:
// who wrote is asked to Pause, and does other work meanwhile.
package backpressure
