//go:build tools

package controlplane

// The programs below are built, never imported: these lines only keep their
// modules in go.mod, where the versions are read from.
import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
)
