// Package cluster runs a Kubernetes control plane on this machine, for the
// integration tests and the demo: etcd, kube-apiserver and, since owner
// references, namespace deletion and role aggregation are only real with them,
// the controllers of kube-controller-manager that do these.
//
// The binaries come from the directory that KUBEBUILDER_ASSETS names, which the
// module in test/controlplane provides. Everything listens on the loopback
// interface only, on free ports, and keeps its data in one temporary directory.
//
// The garbage collector looks for new kinds of resources every 30 seconds, which
// nothing can change. Kinds that own objects should therefore be there before it
// starts: see WithCRDs.
package cluster
