package render_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// The proof that the policies of a profile allow what it declares and nothing else: one flow
// of each class is judged by the policies and by the words of the profile, where classes are
// cut by every selector, port and block of either. What two flows of one class have in
// common is all that either judge looks at, so no flow is left out.

func TestPoliciesAreWhatIsDeclaredOverEveryFlow(t *testing.T) {
	t.Parallel()
	var profiles, flows atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		turn := rapid.IntRange(0, 30).Draw(t, "labels of named namespaces")
		profiles.Add(1)
		flows.Add(int64(proveFlows(t, profile, turn)))
	})
	t.Logf("prove: profiles proved = %d", profiles.Load())
	t.Logf("prove: flow classes proved = %d", flows.Load())
}

func TestPoliciesOfSamplesAndRecipesAreWhatIsDeclaredOverEveryFlow(t *testing.T) {
	t.Parallel()
	page := readPage(t)
	profiles := samples(t)
	for number := range recipes() {
		profiles["recipe "+number] = builders.MakeProfile("recipe").Spec(page.spec(t, number)).Obj()
	}
	for name, profile := range profiles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Logf("flows judged: %d", proveFlows(t, profile, 0))
		})
	}
}

// samples are the profiles that are delivered with the operator.
func samples(t *testing.T) map[string]*v1alpha1.SegmentationProfile {
	t.Helper()
	files, err := filepath.Glob("../../config/samples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*v1alpha1.SegmentationProfile{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for document := range strings.SplitSeq(string(source), "\n---\n") {
			profile := &v1alpha1.SegmentationProfile{}
			if err := yaml.Unmarshal([]byte(document), profile); err == nil && profile.Kind == "SegmentationProfile" {
				if profile.Name == "platform" {
					continue // It says what has to be looked up in a cluster, and there is none here.
				}
				out["sample "+profile.Name] = profile
			}
		}
	}
	if len(out) < 3 {
		t.Fatalf("only %d samples", len(out))
	}
	return out
}

// proveFlows judges every flow by both judges and returns how many there were.
func proveFlows(t rapid.TB, profile *v1alpha1.SegmentationProfile, turn int) int {
	t.Helper()
	flows, wrong := newProof(profile, turn).judge(t, mustRender(t, profile))
	if wrong != "" {
		t.Fatal(wrong)
	}
	return flows
}

// proof is a cluster with namespaces of every kind that a profile tells from others.
type proof struct {
	profile    *v1alpha1.SegmentationProfile
	namespaces []reach.Namespace
	declared   declaration
}

func newProof(profile *v1alpha1.SegmentationProfile, turn int) *proof {
	p := &proof{
		profile: profile, namespaces: namespacesFor(profile, turn),
		declared: declaration{spec: &profile.Spec, namespaces: map[string]map[string]string{}},
	}
	for _, ns := range p.namespaces {
		seen := maps.Clone(ns.Labels)
		if seen[v1alpha1.ProfileLabel] != profile.Name {
			// A tier of another profile is none of this one's.
			delete(seen, v1alpha1.TierLabel)
		}
		p.declared.namespaces[ns.Name] = seen
	}
	return p
}

// cluster has the given objects in the namespaces of the profile's tiers.
func (p *proof) cluster(t rapid.TB, objects map[string]render.Objects) *reach.Cluster {
	t.Helper()
	var policies []*networkingv1.NetworkPolicy
	for _, ns := range p.namespaces {
		if ns.Labels[v1alpha1.ProfileLabel] == p.profile.Name {
			policies = append(policies, objects[ns.Labels[v1alpha1.TierLabel]].In(ns.Name).Policies...)
		}
	}
	return mustCluster(t, p.namespaces, policies)
}

// judge judges every flow until the judges disagree, and says about which one they do.
func (p *proof) judge(t rapid.TB, objects map[string]render.Objects) (flows int, wrong string) {
	t.Helper()
	cluster := p.cluster(t, objects)
	space, err := reach.NewSpace([]*reach.Cluster{cluster, mustCluster(t, p.namespaces, words(p.profile))}, addressesFor(p.profile)...)
	if err != nil {
		t.Fatal(err)
	}
	for flow := range space.Flows() {
		flows++
		if want, got := p.declared.verdict(flow), cluster.Allowed(flow); want != got {
			return flows, fmt.Sprintf("%s: declared %+v, by the policies %+v: %s", text(flow), want, got, cluster.Explain(flow))
		}
	}
	return flows, ""
}

func mustCluster(t rapid.TB, namespaces []reach.Namespace, policies []*networkingv1.NetworkPolicy) *reach.Cluster {
	t.Helper()
	out, err := reach.New(namespaces, policies)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The proof is worth something only if it can fail: a rule is taken out of the policies, and
// the proof fails whenever that makes a difference, and only then.
func TestAProofFailsIfARuleIsMissing(t *testing.T) {
	t.Parallel()
	var different, same atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		p, whole := newProof(profile, 0), mustRender(t, profile)
		before := p.cluster(t, whole)
		if !takeOut(t, whole) {
			return
		}
		difference, err := reach.Compare(before, p.cluster(t, whole), addressesFor(profile)...)
		if err != nil {
			t.Fatal(err)
		}
		_, wrong := p.judge(t, whole)
		if difference.Empty() {
			// One side alone may have closed what the other never opened: that is no
			// difference in what passes.
			same.Add(1)
			return
		}
		different.Add(1)
		if wrong == "" || difference.Counts().Opened > 0 {
			t.Fatalf("the proof says %q, the comparison %s", wrong, difference)
		}
	})
	t.Logf("a rule was missing and that was found: %d, it made no difference: %d", different.Load(), same.Load())
}

// takeOut takes a rule out of a policy, if there is one.
func takeOut(t *rapid.T, from map[string]render.Objects) bool {
	tier := rapid.SampledFrom(slices.Sorted(maps.Keys(from))).Draw(t, "tier")
	policies := from[tier].Policies
	i := rapid.IntRange(0, len(policies)-1).Draw(t, "policy")
	changed := policies[i].DeepCopy()
	policies[i] = changed
	if n := len(changed.Spec.Egress); n > 0 && rapid.Bool().Draw(t, "egress") {
		k := rapid.IntRange(0, n-1).Draw(t, "rule")
		changed.Spec.Egress = slices.Delete(changed.Spec.Egress, k, k+1)
		return true
	}
	if n := len(changed.Spec.Ingress); n > 0 {
		k := rapid.IntRange(0, n-1).Draw(t, "rule")
		changed.Spec.Ingress = slices.Delete(changed.Spec.Ingress, k, k+1)
		return true
	}
	return false
}
