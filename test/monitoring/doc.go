// Package monitoring checks what config/prometheus ships, with Prometheus' own parser, rule checks and query
// engine: that alerts fire when they should and only then, and that every query of rules and dashboard finds
// what it names in the metrics of a running operator. It is a module of its own, so that Prometheus is no
// dependency of the operator.
package monitoring
