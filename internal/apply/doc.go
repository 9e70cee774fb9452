// Package apply brings the objects of one namespace to what was rendered for it. It is the
// only package that writes to namespaces.
//
// What has to be done is decided by pure functions (Diff and its parts) from what the cache
// shows; the Applier then does it in a fixed order: policies, roles, bindings, then removal
// of what is left over, then the membership labels. If a write failed, nothing is removed.
package apply
