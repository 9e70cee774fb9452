// Package audit compares what others grant in a namespace with what its profile declares. It is
// pure. Where it cannot tell, it says that something is not declared.
package audit
