package guardrail_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
)

// flowsPerProfile is how many flows are judged for each profile.
const flowsPerProfile = 300

func drawFlow(t *rapid.T, all []pod) (from, to pod, at port) {
	return rapid.SampledFrom(all).Draw(t, "from"), rapid.SampledFrom(all).Draw(t, "to"), rapid.SampledFrom(ports()).Draw(t, "port")
}

// TestGuardrailsPassWhatIsDeclaredAndNothingElse compares them with the operator's own NetworkPolicies: what these let pass
// the guardrails leave to them, and what else they do is inside of one tier.
func TestGuardrailsPassWhatIsDeclaredAndNothingElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		p, all, c := compiled(t, profile), pods(profile), newCluster(t)
		c.settle(guardrail.UsualBand(), guardOf(p))
		declared := networkPolicies(t, p, all)
		for range flowsPerProfile {
			from, to, at := drawFlow(t, all)
			if from.isOutsideProfiles && to.isOutsideProfiles {
				continue
			}
			isAllowed, isPassed := declared.Allowed(flow(from, to, at)).Allowed(), c.both(from, to, at)
			switch {
			case isAllowed && !isPassed:
				t.Fatalf("%+v to %+v on %+v is declared, and denied", from, to, at)
			case !isAllowed && isPassed && !mayBeWider(p.Tier(from.namespaceLabels[v1alpha1.TierLabel]), from, to, at):
				t.Fatalf("%+v to %+v on %+v is not declared, and passed on", from, to, at)
			}
		}
	})
}

// TestChangesOfAProfileInterruptNothing goes from one profile to another. After each write the guardrails pass what they pass
// before and after, and nothing that they pass neither before nor after.
func TestChangesOfAProfileInterruptNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		changed := profile.DeepCopy()
		other := plantest.Profile().Draw(t, "other")
		changed.Spec.Dependencies = nil
		for i := range other.Spec.Dependencies {
			if isAbout(&other.Spec.Dependencies[i], profile) {
				changed.Spec.Dependencies = append(changed.Spec.Dependencies, other.Spec.Dependencies[i])
			}
		}
		if _, errs := plan.Compile(changed); len(errs) > 0 {
			t.Skip("a port with a name towards addresses")
		}
		changed.Spec.DNS = other.Spec.DNS
		all := pods(profile)
		before, after, c := newCluster(t), newCluster(t), newCluster(t)
		before.settle(guardrail.UsualBand(), guardOf(compiled(t, profile)))
		after.settle(guardrail.UsualBand(), guardOf(compiled(t, changed)))
		c.settle(guardrail.UsualBand(), guardOf(compiled(t, profile)))
		c.order = inAnyOrder(t)
		c.after = func(what string) {
			for range 40 {
				from, to, at := drawFlow(t, all)
				was, will, is := before.both(from, to, at), after.both(from, to, at), c.both(from, to, at)
				if was && will && !is || !was && !will && is && !isOneSided(before, after, from, to, at) {
					t.Fatalf("after %s: %+v to %+v on %+v: before %t, now %t, in the end %t", what, from, to, at, was, is, will)
				}
			}
		}
		c.settle(guardrail.UsualBand(), guardOf(compiled(t, changed)))
		for range flowsPerProfile {
			from, to, at := drawFlow(t, all)
			if c.both(from, to, at) != after.both(from, to, at) {
				t.Fatalf("in the end %+v to %+v on %+v is another than by the profile alone", from, to, at)
			}
		}
	})
}
