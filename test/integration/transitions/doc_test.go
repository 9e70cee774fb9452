// Package transitions proves on a real API server what the operator promises of transitions:
// while it takes a cluster from one settled state to another, every version of every policy
// and namespace in between keeps what both states allow, and opens nothing that neither does.
//
// Each test is a story on namespaces of its own: a chain of settled states, and what goes wrong
// between them, such as kills, faults and restarts. A recorder watches the whole cluster; when
// the next state has settled, all versions are replayed and judged, one by one.
package transitions
