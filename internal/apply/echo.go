package apply

import "sigs.k8s.io/controller-runtime/pkg/client"

// Echo is what an event tells of the operator's own writes.
type Echo string

const (
	// NoEcho is an event of what somebody else did, or of a write whose answer has not come yet.
	NoEcho Echo = "NoEcho"
	// OneOfSeveral is the echo of a write to a namespace of which others are still to be shown: nothing can be done in
	// it before they are.
	OneOfSeveral Echo = "OneOfSeveral"
	// LastEcho is the echo of the last write to a namespace: now the cache shows what was written.
	LastEcho Echo = "LastEcho"
)

// Saw takes note of an object, or of a namespace, as the watch showed it, and tells whether that is the echo of a write.
func (a *Applier) Saw(obj client.Object) Echo {
	return a.expected.saw(obj, false)
}

// SawDeletion takes note of a deletion that the watch showed, so that what somebody else has deleted is written anew
// at once, and tells whether it is the echo of the operator's own.
func (a *Applier) SawDeletion(obj client.Object) Echo {
	return a.expected.saw(obj, true)
}
