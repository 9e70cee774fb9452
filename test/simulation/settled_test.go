package simulation

import (
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/apply"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/invariant"
)

// checkSettled compares what is in the cluster with what the compiler makes of the profiles.
func (s *simulated) checkSettled() {
	d := declare(s.store)
	due, now := s.rightsDue(s.store), s.rightsNow()
	if diff := cmp.Diff(due, now); diff != "" {
		s.t.Fatalf("rights are not as declared (-want +got):\n%s\n%s", diff, s.describe())
	}
	for _, name := range s.store.cluster() {
		n := s.store.namespaces[name]
		if s.store.profiles[n.Labels[v1alpha1.ProfileLabel]] == nil && n.Labels[v1alpha1.ProfileLabel] != "" {
			s.t.Fatalf("namespace %s is a member of a profile that was deleted\n%s", name, s.describe())
		}
		member, want, held := d.due(name)
		if held {
			continue
		}
		got := slices.DeleteFunc(s.store.policies(name), func(p *networkingv1.NetworkPolicy) bool { return !apply.IsManaged(p) })
		if diff := cmp.Diff(specs(want.Policies), specs(got)); diff != "" {
			s.t.Fatalf("namespace %s is not as declared (-want +got):\n%s\n%s", name, diff, s.describe())
		}
		has := map[string]string{}
		for _, key := range []string{v1alpha1.ProfileLabel, v1alpha1.TierLabel} {
			if value, ok := n.Labels[key]; ok {
				has[key] = value
			}
		}
		if !labels.Equals(member, has) {
			s.t.Fatalf("namespace %s is labelled %v, want %v\n%s", name, has, member, s.describe())
		}
	}
}

// anyHeld tells whether a namespace is held.
func (s *simulated) anyHeld() bool {
	d := declare(s.store)
	return slices.ContainsFunc(s.store.cluster(), func(name string) bool { return d.decisions[name].Outcome == claim.Held })
}

func specs(policies []*networkingv1.NetworkPolicy) map[string]networkingv1.NetworkPolicySpec {
	out := map[string]networkingv1.NetworkPolicySpec{}
	for _, p := range policies {
		spec := *p.Spec.DeepCopy()
		if len(spec.Ingress) == 0 {
			spec.Ingress = nil
		}
		if len(spec.Egress) == 0 {
			spec.Egress = nil
		}
		out[p.Name] = spec
	}
	return out
}

// callers are the namespaces whose service accounts have what is granted to a tier: those that belong to it,
// and those that are held in it.
func (d *declaration) callers(profile, tier string) []string {
	var out []string
	for _, name := range d.store.cluster() {
		decision, n := d.decisions[name], d.store.namespaces[name]
		observed := apply.Observed{Namespace: n}
		for _, p := range d.store.policies(name) {
			observed.Policies = append(observed.Policies, *p)
		}
		isHeld := decision.Outcome == claim.Held && n.Labels[v1alpha1.ProfileLabel] == profile &&
			n.Labels[v1alpha1.TierLabel] == tier && observed.IsVouchedFor()
		if isHeld || decision.Outcome == claim.Claimed && decision.Profile == profile && decision.Tier == tier {
			out = append(out, name)
		}
	}
	return out
}

// saw takes note of what the operator takes to be declared by now. It learns of one change after the
// other, and each of them is one more state that was wanted.
func (s *simulated) saw(shown *store) {
	seen := s.store.snapshot()
	seen.profiles, seen.objects[home] = shown.profiles, shown.objects[home]
	for name := range s.store.namespaces {
		old := shown.namespaces[name]
		if old == nil {
			delete(seen.namespaces, name)
			continue
		}
		seen.label(name, map[string]string{"layer": old.Labels["layer"]})
		seen.takeServices(shown, name)
	}
	maps.Copy(s.mayHave, s.rightsDue(seen))
	if flows := s.idealOf(seen); !flows.Equal(s.ideal()) {
		s.wanted = append(s.wanted, flows)
	}
}

// shut are policies of which none opens the namespace as a whole.
func shut(policies []*networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy {
	out := slices.Clone(policies)
	for _, step := range transition.Shutting(policies) {
		i := slices.IndexFunc(out, func(p *networkingv1.NetworkPolicy) bool { return p.Name == step.Name() })
		out[i] = step.Desired
	}
	return out
}

// ideal are the flows of the cluster if all were as it is declared now. A namespace that is held
// is as it is, but not open if it was about to leave.
func (s *simulated) ideal() invariant.Flows {
	return s.idealOf(s.store)
}

func (s *simulated) idealOf(store *store) invariant.Flows {
	d := declare(store)
	s.noteLinks(d)
	var namespaces []reach.Namespace
	var policies []*networkingv1.NetworkPolicy
	for _, name := range store.cluster() {
		member, want, held := d.due(name)
		has := maps.Clone(store.namespaces[name].Labels)
		if !held {
			delete(has, v1alpha1.ProfileLabel)
			delete(has, v1alpha1.TierLabel)
			maps.Copy(has, member)
			policies = append(policies, want.Policies...)
		}
		namespaces = append(namespaces, reach.Namespace{Name: name, Labels: has})
		of := store.policies(name)
		if held {
			of = shut(of)
		}
		for _, p := range of {
			if held || !apply.IsManaged(p) {
				policies = append(policies, p)
			}
		}
	}
	flows, err := s.world.Flows(namespaces, policies)
	if err != nil {
		s.t.Fatal(err)
	}
	return flows
}
