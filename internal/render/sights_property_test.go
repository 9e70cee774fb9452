package render_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// renderedBy renders all tiers of a profile by a sight.
func renderedBy(t *rapid.T, profile *v1alpha1.SegmentationProfile, sight render.Sight, except *render.Exceptions) map[string]render.Objects {
	p, errs := plan.Compile(profile)
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	out := map[string]render.Objects{}
	for i := range p.Tiers {
		out[p.Tiers[i].Name] = render.Objects{Policies: render.Policies(p, &p.Tiers[i], sight, except)}
	}
	return out
}

// settled is a cluster in which selectors and labels agree on who is a member of which tier, but
// for the exceptions.
func settled(t *rapid.T, profile *v1alpha1.SegmentationProfile) (*world, *render.Exceptions) {
	w := &world{spec: &profile.Spec}
	except := &render.Exceptions{Mistaken: map[string][]string{}, Kept: map[string][]string{}, Leaving: []string{"leaver"}}
	w.add("outside", map[string]string{"team": "ops"})
	w.add("leaver", nil)
	for i := range profile.Spec.Tiers {
		tier := &profile.Spec.Tiers[i]
		name := string(tier.Name)
		member := render.MembershipLabels(profile.Name, name)
		selected := map[string]string{"tier": name}
		maps.Copy(selected, member)
		for n, namespace := range []string{name, name + "-2"} {
			if rapid.Bool().Draw(t, "mistaken") {
				except.Mistaken[name] = append(except.Mistaken[name], namespace)
				w.add(namespace, map[string]string{"tier": name, v1alpha1.ProfileLabel: "other", v1alpha1.TierLabel: "elsewhere"})
			} else {
				w.add(namespace, selected)
			}
			if rapid.Bool().Draw(t, "kept") {
				kept := fmt.Sprintf("kept-%d-%d", i, n)
				except.Kept[name] = append(except.Kept[name], kept)
				w.add(kept, member)
			}
		}
	}
	return w, except
}

// While labels change, policies go by something else. Where none is due to change, that is the same.
func TestAllSightsAllowTheSameWhereSelectorsAndLabelsAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		w, except := settled(t, profile)
		want := w.cluster(t, renderedBy(t, profile, render.ByLabels, &render.Exceptions{}))
		for _, sight := range sights() {
			got := w.cluster(t, renderedBy(t, profile, sight, except))
			for range flowsPerProfile / 4 {
				flow := w.flow(t)
				if diff := cmp.Diff(want.Allowed(flow), got.Allowed(flow)); diff != "" {
					t.Fatalf("%s (-by labels +%s):\n%s", text(flow), sight, diff)
				}
			}
		}
	})
}

// A namespace that joins takes those that leave for what they will be.
func TestWhoJoinsSeesWhoLeavesAsNoMember(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		sight := rapid.SampledFrom([]render.Sight{render.ByChoice, render.ByEither}).Draw(t, "sight")
		w, except := settled(t, profile)
		will := w.cluster(t, renderedBy(t, profile, sight, except))
		for i := range w.namespaces {
			if w.namespaces[i].Name == "leaver" {
				maps.Copy(w.namespaces[i].Labels, render.MembershipLabels("gone", "elsewhere"))
			}
		}
		is := w.cluster(t, renderedBy(t, profile, sight, except))
		for range flowsPerProfile {
			flow := w.flow(t)
			if diff := cmp.Diff(will.Allowed(flow), is.Allowed(flow)); diff != "" {
				t.Fatalf("%s (-once it has left +now):\n%s", text(flow), diff)
			}
		}
	})
}

func TestTheAPIServerTakesWhatIsWrittenWhileLabelsChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		_, except := settled(t, profile)
		for i := range 256 {
			except.Leaving = append(except.Leaving, fmt.Sprint("leaver-", i))
		}
		for _, sight := range sights() {
			for tier, objects := range renderedBy(t, profile, sight, except) {
				checkAccepted(t, tier, objects)
			}
		}
	})
}
