// Package addresses knows which ranges of addresses are the cluster's own, which are never those of a host on the
// internet, and which hand out credentials, and says "the internet" as a NetworkPolicy can: every address, except.
//
// It is pure: the same nodes, Service ranges and EndpointSlices give the same answer, in whatever order they come.
//
// Where it cannot be exact it excepts too much rather than too little. What is closed by mistake is missed and can be
// declared as a range of its own; what is open by mistake is not noticed.
package addresses
