package load

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
	"github.com/segmentation-dev/segmentation-operator/test/invariant"
)

// failClosed judges the first promise at every version: a namespace that carries membership labels has its own
// base policy. One that is going loses its policies, and Kubernetes removes its pods before. It returns how many
// versions of members there were.
func failClosed(versions []version) (members int, broken []string) {
	based, labelled := map[string]bool{}, map[string]bool{}
	for i := range versions {
		v := &versions[i]
		switch {
		case v.policy == nil:
			labelled[v.namespace] = v.labels[v1alpha1.ProfileLabel] != "" && !v.isGoing && !v.deleted
		case v.policy.Name == render.Prefix:
			based[v.namespace] = !v.deleted
		}
		if !labelled[v.namespace] {
			continue
		}
		members++
		if !based[v.namespace] {
			broken = append(broken, fmt.Sprintf("at version %s namespace %s is a member without a base policy", v.revision, v.namespace))
		}
	}
	return members, broken
}

// sample is a part of the cluster: a few namespaces that stay, and a few that come and go.
type sample struct {
	scene       *scene
	world       *invariant.World
	staying     []string
	coming      []string
	plans       []*plan.Plan
	forms       []invariant.Flows
	boundsAmong map[string]*invariant.Bounds
	checked     int
	broken      []string
}

// sizeOfSample is how many namespaces of either kind are in a sample: two of each tier that stay, one of each
// tier that comes and goes.
const stayInSample, comeInSample = 6, 3

// plans compiles all forms of the profile.
func (s *scene) plans() []*plan.Plan {
	s.t.Helper()
	stored := &v1alpha1.SegmentationProfile{}
	s.Expect(env.admin.Get(s.ctx(), client.ObjectKey{Name: s.name}, stored)).To(Succeed())
	var plans []*plan.Plan
	for i := range forms {
		next := stored.DeepCopy()
		next.Spec = form(s.name, i).Spec
		// The API server fills in defaults; nothing is stored.
		s.Expect(env.admin.Update(s.ctx(), next, client.DryRunAll)).To(Succeed())
		compiled, err := deploy.Compile(s.ctx(), env.admin, next)
		s.Expect(err).NotTo(HaveOccurred())
		plans = append(plans, compiled)
	}
	return plans
}

// newSample takes the namespaces from two numbers on.
func (s *scene) newSample(plans []*plan.Plan, staying, coming int) *sample {
	s.t.Helper()
	sample := &sample{scene: s, plans: plans, boundsAmong: map[string]*invariant.Bounds{}}
	for i := range stayInSample {
		sample.staying = append(sample.staying, s.ns("base", staying+i))
	}
	for i := range comeInSample {
		sample.coming = append(sample.coming, s.ns("load", coming+i))
	}
	sample.world = &invariant.World{
		Namespaces: append(slices.Clone(sample.staying), sample.coming...),
		Classes: []invariant.Class{
			{Name: "a", Labels: map[string]string{"app": "a"}}, {Name: "b", Labels: map[string]string{"app": "b"}}, {Name: "none"},
		},
		Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("203.0.113.1")},
		Ports:     slices.Concat(invariant.TCP(53, 443, 444, 5432, 5433, 8080, 8081, 8082), invariant.UDP(53, 8080)),
	}
	for _, compiled := range plans {
		tracker, err := invariant.NewTracker(sample.world)
		s.Expect(err).NotTo(HaveOccurred())
		for i, name := range sample.world.Namespaces {
			number := staying + i
			if i >= stayInSample {
				number = coming + i - stayInSample
			}
			tier := tiers[number%len(tiers)]
			s.Expect(tracker.SetLabels(name, s.labels(render.MembershipLabels(s.name, tier), tier))).To(Succeed())
			s.Expect(tracker.SetPolicies(name, render.Tier(compiled, compiled.Tier(tier)).In(name).Policies)).To(Succeed())
		}
		sample.forms = append(sample.forms, tracker.Flows())
	}
	return sample
}

func (s *scene) labels(labels map[string]string, tier string) map[string]string {
	labels[s.name] = tier
	return labels
}

// bounds are what all forms of the profile allow, and what any of them does, of those who are members: nothing is
// promised of a namespace before it is one, and when it is going. The profile may change again before the last
// change is carried out everywhere, so the sides of a flow may be those of two forms.
func (s *sample) bounds(members map[string]bool) *invariant.Bounds {
	var others []string
	for _, name := range s.world.Namespaces {
		if !members[name] {
			others = append(others, name)
		}
	}
	key := strings.Join(others, " ")
	if s.boundsAmong[key] == nil {
		s.boundsAmong[key] = invariant.Between(s.forms[0], s.forms[1:]...).BySides().Except(others...)
	}
	return s.boundsAmong[key]
}

// judge judges the second promise at every version of the sample's namespaces after a revision.
func (s *sample) judge(versions []version, from string) {
	tracker, err := invariant.NewTracker(s.world)
	s.scene.Expect(err).NotTo(HaveOccurred())
	policies, members := map[string]map[string]*networkingv1.NetworkPolicy{}, map[string]bool{}
	for _, name := range s.world.Namespaces {
		policies[name] = map[string]*networkingv1.NetworkPolicy{}
	}
	for i := range versions {
		v := &versions[i]
		if policies[v.namespace] == nil {
			continue
		}
		if v.policy == nil {
			members[v.namespace] = v.labels[v1alpha1.ProfileLabel] != "" && !v.isGoing && !v.deleted
			s.scene.Expect(tracker.SetLabels(v.namespace, v.labels)).To(Succeed())
		} else {
			policies[v.namespace][v.policy.Name] = v.policy
			if v.deleted {
				delete(policies[v.namespace], v.policy.Name)
			}
			s.scene.Expect(tracker.SetPolicies(v.namespace, slices.Collect(maps.Values(policies[v.namespace])))).To(Succeed())
		}
		if !later(v.revision, from) {
			continue
		}
		s.checked++
		report := tracker.Check(s.bounds(members))
		if found := report.Counts[invariant.Lost] + report.Counts[invariant.Opened]; found > 0 {
			s.broken = append(s.broken, fmt.Sprintf("version %s of %s: %s", v.revision, v.namespace, report.String()))
		}
	}
}
