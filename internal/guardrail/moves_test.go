package guardrail_test

import (
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// move is a namespace that goes from one tier to another; empty is none.
type move struct{ namespace, from, to string }

// labels are those of the namespace while its own say what it is due, and those of membership what it has.
func (m move) labels(due, has string) map[string]string {
	out := map[string]string{"kubernetes.io/metadata.name": m.namespace, "tier": due}
	if has != "" {
		maps.Copy(out, render.MembershipLabels("shop", has))
	}
	return out
}

// removal is a world of moves: which labels each namespace has.
type removal struct {
	moves []move
	has   map[string]string
}

// changing are those that are about to get other labels, with the profiles concerned.
func (r *removal) changing() map[string][]string {
	out := map[string][]string{}
	for _, m := range r.moves {
		if r.has[m.namespace] != m.to {
			out[m.namespace] = []string{"shop"}
		}
	}
	return out
}

// TestMovesInterruptNothing has namespaces get, change and lose their labels one after the other, together with a change of
// the profile. No flow is denied that passes before and after; and what passes neither before nor after does so only from
// and to namespaces that move, where NetworkPolicies alone decide.
func TestMovesInterruptNothing(t *testing.T) {
	t.Parallel()
	checked := 0
	rapid.Check(t, func(t *rapid.T) {
		r := &removal{has: map[string]string{}}
		tiers := []string{"", "a", "b", "c"}
		for _, name := range []string{"n1", "n2", "n3", "n4"} {
			m := move{name, rapid.SampledFrom(tiers).Draw(t, "from"), rapid.SampledFrom(tiers).Draw(t, "to")}
			r.moves, r.has[name] = append(r.moves, m), m.from
		}
		first, second := drawShop(t), drawShop(t)
		before, after, c := newCluster(t), newCluster(t), newCluster(t)
		for _, one := range []*cluster{before, c} {
			one.settle(guardrail.UsualBand(), guardOf(compiled(t, first)))
		}
		after.settle(guardrail.UsualBand(), guardOf(compiled(t, second)))
		c.after = func(what string) { checked += r.check(t, before, after, c, what) }
		c.order = inAnyOrder(t)
		target, transit, now := compiled(t, second), guardrail.Transit{Patience: time.Minute}, time.Unix(0, 0)
		settle := func() {
			now = now.Add(time.Second)
			exempt, waits := transit.Update(r.changing(), c.list(), 2, now)
			g := guardOf(target, exempt["shop"]...)
			g.Waits = waits
			c.settle(guardrail.UsualBand(), g)
		}
		transit.Update(nil, nil, 1, now)
		settle()
		for _, m := range rapid.Permutation(r.moves).Draw(t, "order") {
			deny := c.objects[guardrail.DenyName("shop")]
			if m.from != m.to && guardrail.Holds(deny, m.namespace) {
				t.Fatalf("%s is held for ever", m.namespace)
			}
			r.has[m.namespace] = m.to
			c.after("relabelling " + m.namespace)
			settle()
		}
		settle()
		if len(c.objects[guardrail.DenyName("shop")].Spec.Subject.Namespaces.MatchExpressions) > 0 {
			t.Fatalf("namespaces are exempt when all is over")
		}
	})
	if checked == 0 {
		t.Error("no flow was looked at")
	}
}

func drawShop(t *rapid.T) *v1alpha1.SegmentationProfile {
	b := builders.MakeProfile("shop").UID("u").NoDNS()
	for _, name := range []string{"a", "b", "c"} {
		b.Tier(builders.MakeTier(name).Selector(map[string]string{"tier": name}).InternalTraffic(rapid.SampledFrom(
			[]v1alpha1.InternalTraffic{v1alpha1.InternalTrafficDeny, v1alpha1.InternalTrafficSameTier}).Draw(t, "internal")).Obj())
	}
	tier := rapid.SampledFrom([]string{"a", "b", "c"})
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"d", "e", "f"}), 0, 3, rapid.ID).Draw(t, "dependencies") {
		b.Dependency(builders.MakeDependency(name).FromTier(tier.Draw(t, "calls")).ToTier(tier.Draw(t, "called")).Port(80).Obj())
	}
	return b.Obj()
}

// check judges all flows between the namespaces, and returns how many.
func (r *removal) check(t *rapid.T, before, after, c *cluster, what string) int {
	n := 0
	for _, from := range r.moves {
		for _, to := range r.moves {
			one := func(w *cluster, labels func(move) map[string]string) bool {
				return w.both(pod{namespaceLabels: labels(from)}, pod{namespaceLabels: labels(to)}, port{"TCP", 80})
			}
			was := one(before, func(m move) map[string]string { return m.labels(m.from, m.from) })
			will := one(after, func(m move) map[string]string { return m.labels(m.to, m.to) })
			is := one(c, func(m move) map[string]string { return m.labels(m.to, r.has[m.namespace]) })
			n++
			isAtRest := from.from == from.to && to.from == to.to
			if was && will && !is {
				t.Fatalf("after %s: %v to %v is denied, and passes before and after", what, from, to)
			}
			if isAtRest && is && !was && !will && !r.sidesDiffer(before, after, from, to) {
				t.Fatalf("after %s: %v to %v passes, and does so neither before nor after", what, from, to)
			}
		}
	}
	return n
}

// sidesDiffer tells whether each side of a flow passes it before or after.
func (r *removal) sidesDiffer(before, after *cluster, from, to move) bool {
	f, g := pod{namespaceLabels: from.labels(from.to, from.to)}, pod{namespaceLabels: to.labels(to.to, to.to)}
	p := port{"TCP", 80}
	return (passes(before.list(), f, g, true, p) || passes(after.list(), f, g, true, p)) &&
		(passes(before.list(), g, f, false, p) || passes(after.list(), g, f, false, p))
}
