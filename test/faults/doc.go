// Package faults stands between a client and an API server and lets things go wrong: it
// answers with conflicts and errors, resets connections before or after a request has had its
// effect, stalls, and cuts watches. Everything else passes as it is, credentials included.
//
//	proxy, err := faults.Start(cluster.AdminConfig(), faults.Seed(7), faults.ExemptLeases())
//	…
//	config := proxy.Config(serviceAccount)
package faults
