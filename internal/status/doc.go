// Package status sums up what the operator knows about a profile in the profile's status. It
// is pure. Its words are chosen for what was observed: an object counts once it was seen in
// the cache as it should be, not once it was written.
package status
