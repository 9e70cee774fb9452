// Package observed reads flows that were seen in a cluster: connections that were opened, by whom, to whom and on which
// port. It reads lines of JSON, in a form of its own and in that of Cilium Hubble's exporter.
package observed
