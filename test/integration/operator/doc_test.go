// Package operator tests the operator as its users meet it: the real binary, under its own
// service account, against a real kube-apiserver, etcd and kube-controller-manager. All tests
// share one control plane and one operator; each has profiles and namespaces of its own.
package operator
