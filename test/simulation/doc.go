// Package simulation runs the operator's own reconciler against an API server in memory, one
// write at a time, in any order of namespaces, with crashes at any write. After each write
// test/invariant judges which flows pass.
//
// It is for tests of what thousands of runs show. Whether the API server does what the one in
// memory does, test/integration/transitions shows.
package simulation
