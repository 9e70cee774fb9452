// Package gitops delivers the operator and its profiles as Argo CD does: with Argo CD's own settings, health scripts,
// tracking, comparison and sync engine, against a real API server on which the operator runs. What is not a library
// there, the loop of its application controller, is repeated here in few lines.
//
// It is a module of its own, with the versions that Argo CD is built with. Those of Kubernetes' libraries are older than
// the operator's, so that it cannot import the operator's packages: control plane and operator are programs that it
// starts.
package gitops
