// Package apply brings the objects of one namespace to what was rendered for it. It is the
// only package that writes to namespaces.
//
// What has to be done is decided by pure functions from what the cache shows: Diff for access, and
// internal/transition for policies. The Applier then does it in a fixed order: access is
// taken away, policies are written and removed, and access is given. The membership labels come after the policies: of
// a namespace that joins before access is given, of others after that. If a write failed, nothing is removed.
package apply
