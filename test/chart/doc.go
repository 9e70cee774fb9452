// Package chart has the tests of the Helm chart in config/chart, by Helm's own library: that it renders what kustomize
// builds, what each of its values changes and refuses, and what becomes of a cluster when it is installed, upgraded,
// uninstalled and installed again. It is a module of its own since Helm's library is large.
package chart
