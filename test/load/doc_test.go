// Package load puts the operator under load, on a real control plane and under its own service account:
// namespaces that are created and deleted all the time while a profile changes, and namespaces that arrive while
// there is work for many others.
//
// By itself it is short enough to be one of the tests. The flags -load.… make it as long as one likes: see
// make load.
package load
