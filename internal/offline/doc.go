// Package offline works out what the operator would write, from objects that are at hand: from files, or read from a
// cluster once. It is pure, and calls the same functions as the operator: what it renders is what the operator writes.
package offline
