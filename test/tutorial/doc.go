// Package tutorial runs the commands of docs/tutorial.md, in the order in which a reader does, on a real API server, and
// compares what they print with what the page shows.
//
// It is a module of its own, since it builds kubectl.
package tutorial
