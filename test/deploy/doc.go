// Package deploy puts the operator into a test cluster: it applies the shipped manifests,
// builds the program, and runs it as a process under its own service account. There is no
// kubelet that would.
package deploy
