package judge

import (
	"testing"

	"pgregory.net/rapid"
)

// Other words must not change what policies mean, or a disagreement would be explained away
// by words that say something else.
func TestOtherWordsMeanTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		r := rapid.SampledFrom([]restatement{notIn, emptyValue, noRoute}).Draw(t, "restatement")
		other := *w
		// As cyclonus gets them: a policy from which rules are left out keeps its directions.
		other.policies = r.say(defaulted(w.policies))
		before, err := ours(w)
		if err != nil {
			t.Fatal(err)
		}
		after, err := ours(&other)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range w.flows() {
			if r.name == noRoute.name && routed(f) {
				continue // Blocks are left out only where there is no route.
			}
			if before(f) != after(f) {
				t.Fatalf("%s: reach says %+v, and %+v in other words\n%s", r.name, before(f), after(f), describe(w, f))
			}
		}
	})
}
