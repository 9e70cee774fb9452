// Package cli is kubectl-segmentation: its commands, what they read and how they print. What they tell is worked out by
// the pure packages; this one reads files and clusters, never writes to one, and prints.
package cli
