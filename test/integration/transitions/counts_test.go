package transitions

import (
	"maps"
	"slices"
	"testing"
)

// counts are what one test adds up to.
type counts map[string]int

// newCounts begins to count. What was counted is logged when the test ends, one line each, for
// make prove to add up.
func newCounts(t *testing.T) counts {
	t.Helper()
	c := counts{violations: 0}
	t.Cleanup(func() {
		for _, name := range slices.Sorted(maps.Keys(c)) {
			t.Logf("prove: %s = %d%s", name, c[name], units[name])
		}
	})
	return c
}

// units are what counts are told in, if they are no numbers of things.
var units = map[string]string{takeoverTime: " ms"}

// The names of counts.
const (
	// kills are how often the operator was killed while it had work left.
	kills = "kills"
	// restarts are how often a part of the control plane was.
	restarts = "restarts"
	// transitionsMade are the ways from one settled state to another.
	transitionsMade = "transitions"
	// versionsChecked are the versions of policies and namespaces that were judged, and
	// flowsCompared the flows that were judged in them.
	versionsChecked, flowsCompared = "versions", "flows"
	// violations are flows that were lost or opened in between: there must be none.
	violations = "violations"
	// faultsMet are the faults that were injected. Those of each kind are told too.
	faultsMet = "faults"
	// labelChanges are the changes of membership labels.
	labelChanges = "label changes"
	// statusesJudged are statuses that were compared with the objects in the cluster, and
	// statusesReady those of them that said that all is as declared.
	statusesJudged, statusesReady = "statuses judged", "statuses ready"
	// heldMidway are the namespaces that were held in the middle of a move.
	heldMidway = "held midway"
	// takeoverTime is the time from the end of a leader to the first write of its successor.
	takeoverTime = "takeover"
)
