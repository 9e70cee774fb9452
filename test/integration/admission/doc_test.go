// Package admission has the tests of config/admission: the shipped policies on a real API server, against real users
// with real RBAC, and the operator's binary, which does its work beside them.
package admission
