package judge

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// leastFlows is how many flows are compared at least, whatever the flags of rapid say.
const leastFlows = 250_000

func TestReachAndCyclonusAgreeOnEveryFlow(t *testing.T) {
	t.Parallel()
	seen := &tally{explained: map[string]int{}}
	for seen.flows < leastFlows {
		rapid.Check(t, func(t *rapid.T) { compare(t, drawWorld(t), seen) })
	}
	fmt.Print(seen)
	// Worlds in which nearly everything, or nearly nothing, passes would show little.
	if share := float64(seen.refused) / float64(seen.flows); share < 0.2 || share > 0.8 {
		t.Errorf("%.2f of all flows were refused: the worlds are too much alike", share)
	}
}

// Fuzz it with -fuzzminimizetime=1x: worlds are drawn from long inputs, and Go would spend a
// minute on making each new one shorter.
func FuzzReachAndCyclonusAgree(f *testing.F) {
	for seed := range uint64(4) {
		// Enough to draw a world from: less is thrown away.
		data := make([]byte, 16<<10)
		if _, err := rand.NewChaCha8([32]byte{byte(seed)}).Read(data); err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		compare(t, drawWorld(t), &tally{explained: map[string]int{}})
	}))
}

// compare compares the answers to every flow of a world.
func compare(t *rapid.T, w *world, seen *tally) {
	mine, err := ours(w)
	if err != nil {
		t.Fatal(err)
	}
	plain, exact := theirs(w), restated(w)
	for _, f := range w.flows() {
		got, said := mine(f), plain(f)
		// That a pod reaches itself cannot be said to cyclonus, which does not know one pod
		// from another with the same labels.
		want := verdict{egress: true, ingress: true}
		if !itself(f) {
			want = exact(f)
		}
		if got != want {
			t.Fatalf("reach says %+v, cyclonus %+v, in other words %+v\n%s", got, said, want, describe(w, f))
		}
		seen.count(got, said, func() string { return explanation(w, f, want) })
	}
	seen.policies += len(w.policies)
}

const (
	onItself = "a pod reaching itself"
	several  = "several of these at once"
)

var explanations = []string{onItself, notIn.name, emptyValue.name, noRoute.name, several}

// explanation names what cyclonus reads in another way in a flow where it disagrees: the one
// restatement that ends the disagreement, where one alone does.
func explanation(w *world, f reach.Flow, want verdict) string {
	if itself(f) {
		return onItself
	}
	for _, r := range restatementsFor(f) {
		if theirs(w, r)(f) == want {
			return r.name
		}
	}
	return several
}

// tally counts what was compared.
type tally struct {
	flows, policies, refused int
	explained                map[string]int
}

func (s *tally) count(got, said verdict, why func() string) {
	s.flows++
	if !got.allowed() {
		s.refused++
	}
	if got != said {
		s.explained[why()]++
	}
}

// String has one line for each count, and is the same for the same counts.
func (s *tally) String() string {
	total, parts := 0, &strings.Builder{}
	for _, why := range explanations {
		total += s.explained[why]
		fmt.Fprintf(parts, "judge: explained by %s = %d\n", why, s.explained[why])
	}
	return fmt.Sprintf("judge: flows = %d\njudge: policies = %d\njudge: flows refused = %d\njudge: explained disagreements = %d\n%s",
		s.flows, s.policies, s.refused, total, parts)
}

// describe shows a flow and the world as people write them.
func describe(w *world, f reach.Flow) string {
	out, err := yaml.Marshal(map[string]any{"flow": f, "namespaces": w.namespaces, "policies": w.policies})
	if err != nil {
		return err.Error()
	}
	return string(out)
}
