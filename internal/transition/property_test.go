package transition

import (
	"fmt"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// allowed is what passes into and out of the pods of namespace one, by what it is.
type allowed map[string]bool

// judged asks reach about every pod, peer, port and direction of a small world.
func judged(t *rapid.T, policies []*networkingv1.NetworkPolicy) allowed {
	namespaces := []reach.Namespace{
		{Name: "one", Labels: render.MembershipLabels("shop", "web")},
		{Name: "two", Labels: render.MembershipLabels("shop", "api")},
		{Name: "three", Labels: render.MembershipLabels("wiki", "web")},
		{Name: "ops"},
	}
	cluster, err := reach.New(namespaces, policies)
	if err != nil {
		t.Fatal(err)
	}
	out := allowed{}
	for _, app := range []string{"", "a", "b"} {
		pod := reach.Endpoint{Pod: &reach.Pod{Namespace: "one", Name: "pod-" + app, Labels: map[string]string{"app": app}}}
		for _, other := range namespaces {
			peer := reach.Endpoint{Pod: &reach.Pod{Namespace: other.Name, Name: "peer"}}
			for _, port := range []int32{80, 81} {
				what := fmt.Sprintf("pod %q, %s on %d", app, other.Name, port)
				out["from "+what] = cluster.Allowed(reach.Flow{From: peer, To: pod, Port: port}).Ingress
				out["to "+what] = cluster.Allowed(reach.Flow{From: pod, To: peer, Port: port}).Egress
			}
		}
	}
	return out
}

func drawOpenings(t *rapid.T, words ...string) []string {
	out := make([]string, rapid.IntRange(0, 3).Draw(t, "openings"))
	for i := range out {
		out[i] = rapid.SampledFrom(words).Draw(t, "direction") + " " +
			rapid.SampledFrom([]string{"web", "api", "wiki+ops", "unsegmented", "own", "api+own"}).Draw(t, "peer") +
			rapid.SampledFrom([]string{"", " 80", " 81", " 80 81"}).Draw(t, "ports")
	}
	return out
}

// drawPolicies draws policies with few names, so that two sets of them have much in common.
func drawPolicies(t *rapid.T, withBase bool) []*networkingv1.NetworkPolicy {
	var out []*networkingv1.NetworkPolicy
	if withBase {
		out = append(out, base(drawOpenings(t, "in", "out")...))
	}
	for _, name := range []string{"c-egress", "c-ingress", "d-egress"} {
		if app := rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, name); app != "" {
			word := map[bool]string{true: "in", false: "out"}[name == "c-ingress"]
			out = append(out, pods(name, app, drawOpenings(t, word)...))
		}
	}
	return out
}

// checkSteps makes steps one by one, and judges the state after each of them by the first and
// the last.
func checkSteps(t *rapid.T, policies []*networkingv1.NetworkPolicy, steps []Step) {
	first, last := judged(t, policies), judged(t, after(policies, steps...))
	for i := range steps {
		now := judged(t, after(policies, steps[:i+1]...))
		for what, passes := range now {
			if first[what] && last[what] && !passes {
				t.Fatalf("lost %s after step %d of\n%q\nfrom\n%q", what, i, describeSteps(steps), describeAll(policies))
			}
			if !first[what] && !last[what] && passes {
				t.Fatalf("opened %s after step %d of\n%q\nfrom\n%q", what, i, describeSteps(steps), describeAll(policies))
			}
		}
	}
}

func checkSame(t *rapid.T, want, got []*networkingv1.NetworkPolicy) {
	wanted := judged(t, want)
	for what, passes := range judged(t, got) {
		if wanted[what] != passes {
			t.Fatalf("%s passes: %t\nwant what these allow:\n%q\ngot\n%q", what, passes, describeAll(want), describeAll(got))
		}
	}
}

// The first change may be broken off by a crash after any step, and another be wanted afterwards.
func TestEveryStepKeepsWhatPassesBeforeAndAfter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		policies := drawPolicies(t, true)
		for range 3 {
			desired := drawPolicies(t, true)
			steps := Steps(policies, Exactly(desired), Closed)
			checkSteps(t, policies, steps)
			checkSame(t, desired, after(policies, steps...))
			again := Steps(after(policies, steps...), Exactly(desired), Closed)
			if got := after(after(policies, steps...), again...); len(got) != len(desired) {
				t.Fatalf("two passes leave %q, want %q", describeAll(got), describeAll(desired))
			}
			policies = after(policies, steps[:rapid.IntRange(0, len(steps)).Draw(t, "crash")]...)
		}
	})
}

func TestEveryStepIntoAndOutOfANamespaceThatIsOpenIsSafe(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		desired := drawPolicies(t, true)
		in := Steps(nil, Exactly(desired), Open)
		checkSteps(t, nil, in)
		policies := after(nil, in[:rapid.IntRange(1, len(in)).Draw(t, "crash")]...)
		checkSteps(t, policies, Steps(policies, Exactly(desired), Open))
		checkSteps(t, policies, Opening(policies))

		out := Removal(policies, Open)
		checkSteps(t, policies, out)
		left := after(policies, out[:rapid.IntRange(0, len(out)).Draw(t, "crash")]...)
		checkSteps(t, left, Removal(left, Open))
		if got := after(left, Removal(left, Open)...); len(got) > 0 {
			t.Fatalf("%q are left", describeAll(got))
		}
	})
}

// What was allowed to and from tiers stays, beside what is declared. Another pass changes nothing.
func TestWidenedPoliciesAllowWhatIsKeptBesideWhatIsDeclared(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		observed, desired := drawPolicies(t, true), drawPolicies(t, true)
		w := Widening{
			Profile: "shop", Tiers: true, After: rapid.Bool().Draw(t, "after"), Before: rapid.Bool().Draw(t, "before"),
			Unsegmented: rapid.Bool().Draw(t, "unsegmented"),
		}
		target := Widened(desired, observed, w)
		steps := Steps(observed, target, Closed)
		checkSteps(t, observed, steps)
		got := after(observed, steps...)
		now, had, declared := judged(t, got), judged(t, observed), judged(t, desired)
		for what, passes := range now {
			kept := strings.Contains(what, "two") || w.After && strings.Contains(what, "three")
			if !passes && had[what] && kept {
				t.Fatalf("%s is lost in %q, from %q", what, describeAll(got), describeAll(observed))
			}
			if passes && !had[what] && !declared[what] {
				t.Fatalf("%s is opened by %q", what, describeAll(got))
			}
		}
		checkSame(t, got, after(got, Steps(got, Widened(desired, got, w), Closed)...))
	})
}
