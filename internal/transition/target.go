package transition

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// Target is what the policies of one namespace should be, for now.
type Target struct {
	// Policies are the policies as they should be, sorted by name.
	Policies []*networkingv1.NetworkPolicy
	// Retained are names of policies that stay as they are.
	Retained map[string]bool
}

// Exactly is the target of a namespace that has nothing to wait for.
func Exactly(desired []*networkingv1.NetworkPolicy) Target {
	return Target{Policies: desired}
}

// Widening says what has to stay of what a namespace allows until labels have changed.
type Widening struct {
	// Profile is the namespace's profile, and Linked those that have paths to it: their tiers count as its own.
	Profile string
	Linked  []string
	// Tiers is set if what was allowed to and from tiers of the profile has to stay: namespaces
	// are about to leave them.
	Tiers bool
	// Before and After are set if what was allowed to and from tiers of profiles before and after
	// this one, in the order of names, has to stay: namespaces are about to come from them.
	Before, After bool
	// Unsegmented is set if what was allowed to and from namespaces because they are no members has
	// to stay, and nothing of that kind may come: some are about to become members.
	Unsegmented bool
}

// Widened is the target of a namespace in which what was allowed has to stay allowed until
// labels have changed: what is desired, beside what is observed.
func Widened(desired, observed []*networkingv1.NetworkPolicy, w Widening) Target {
	out := Target{Retained: map[string]bool{}}
	current := byName(observed)
	declared := byName(desired)
	for _, want := range desired {
		now := w.now(want)
		have := current[want.Name]
		switch {
		case have != nil:
			out.widen(w, now, have, current)
		case want.Name == render.Prefix || len(atomsOf(&now.Spec)) > 0 || len(atomsOf(&want.Spec)) == 0:
			out.Policies = append(out.Policies, now)
		}
	}
	for _, have := range observed {
		if declared[have.Name] == nil && !out.has(have.Name) {
			out.keep(w.remaining(have), have)
		}
	}
	slices.SortFunc(out.Policies, func(a, b *networkingv1.NetworkPolicy) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// HaveUnsegmented tells whether a peer of the policies stands for namespaces because they are not
// members.
func HaveUnsegmented(policies []*networkingv1.NetworkPolicy) bool {
	return anyPeer(policies, func(peer networkingv1.NetworkPolicyPeer) bool { return isUnsegmented(&peer) })
}

func anyPeer(policies []*networkingv1.NetworkPolicy, is func(networkingv1.NetworkPolicyPeer) bool) bool {
	return slices.ContainsFunc(policies, func(p *networkingv1.NetworkPolicy) bool {
		return slices.ContainsFunc(directions(), func(direction networkingv1.PolicyType) bool {
			return slices.ContainsFunc(rulesOf(&p.Spec, direction), func(r rule) bool { return slices.ContainsFunc(r.peers, is) })
		})
	})
}

// WithoutUnsegmented returns policies without the peers that stand for namespaces because they are
// not members.
func WithoutUnsegmented(policies []*networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy {
	out := make([]*networkingv1.NetworkPolicy, 0, len(policies))
	for _, p := range policies {
		out = append(out, without(isUnsegmented, p))
	}
	return out
}

// SameAcross tells whether two lists of policies of a profile's namespace allow the same pods the same
// by labels that are not those of the profile or of those linked with it: for want of any, or to and from tiers of other profiles.
func SameAcross(profile string, desired, observed []*networkingv1.NetworkPolicy, linked ...string) bool {
	others := func(peer *networkingv1.NetworkPolicyPeer) bool {
		isOther := func(of string) bool { return of != profile && !slices.Contains(linked, of) }
		return !isUnsegmented(peer) && !slices.ContainsFunc(profilesOf(peer), isOther)
	}
	of := func(policies []*networkingv1.NetworkPolicy) map[string]atoms {
		out := map[string]atoms{}
		for _, p := range policies {
			if found := atomsOf(&without(others, p).Spec); len(found) > 0 {
				out[p.Name+render.Key(&p.Spec.PodSelector)] = found
			}
		}
		return out
	}
	return maps.EqualFunc(of(desired), of(observed), maps.Equal[atoms, atoms])
}

// GoBy tells whether policies choose the members of a tier by their labels. A namespace that
// still has these labels and is about to lose them would choose itself.
func GoBy(policies []*networkingv1.NetworkPolicy, tier Membership) bool {
	goesBy := func(peer networkingv1.NetworkPolicyPeer) bool {
		return slices.Contains(profilesOf(&peer), tier.Profile) &&
			peer.NamespaceSelector.MatchLabels[v1alpha1.TierLabel] == tier.Tier
	}
	return anyPeer(policies, goesBy)
}

// now is what may be written of a desired policy.
func (w Widening) now(want *networkingv1.NetworkPolicy) *networkingv1.NetworkPolicy {
	if !w.Unsegmented {
		return want
	}
	return without(isUnsegmented, want)
}

// remaining is what has to stay of an observed policy. What opened it as a whole has not: the namespace
// was about to leave, and is no more.
func (w Widening) remaining(have *networkingv1.NetworkPolicy) *networkingv1.NetworkPolicy {
	return without(func(p *networkingv1.NetworkPolicyPeer) bool {
		profiles := profilesOf(p)
		if len(profiles) == 0 {
			return !w.Unsegmented && isUnsegmented(p)
		}
		return !slices.ContainsFunc(profiles, w.keeps)
	}, shut(own(have)))
}

// keeps tells whether what is allowed by the labels of a profile has to stay.
func (w Widening) keeps(profile string) bool {
	switch {
	case profile == w.Profile, slices.Contains(w.Linked, profile):
		return w.Tiers
	case profile < w.Profile:
		return w.Before
	default:
		return w.After
	}
}

// widen adds one policy that is there already, and of which some has to stay.
func (t *Target) widen(w Widening, want, have *networkingv1.NetworkPolicy, current map[string]*networkingv1.NetworkPolicy) {
	stays := w.remaining(have)
	switch {
	case equality.Semantic.DeepEqual(want.Spec, have.Spec), len(atomsOf(&stays.Spec)) == 0:
		t.Policies = append(t.Policies, want)
	case !sameScope(&want.Spec, &have.Spec):
		// Two choices of pods cannot be said in one policy.
		t.keep(stays, have)
		second := standIn(want)
		if known := current[second.Name]; known != nil {
			t.widen(w, second, known, current)
			return
		}
		t.Policies = append(t.Policies, second)
	default:
		wide := union(want, stays)
		if wanted := atomsOf(&wide.Spec); wanted.hasAll(atomsOf(&have.Spec)) && atomsOf(&have.Spec).hasAll(wanted) {
			wide.Spec = have.Spec
		}
		t.Policies = append(t.Policies, wide)
	}
}

// keep adds what has to stay of a policy that is no longer declared, or not for these pods.
func (t *Target) keep(stays, have *networkingv1.NetworkPolicy) {
	switch {
	case equality.Semantic.DeepEqual(stays.Spec, have.Spec):
		t.Retained[have.Name] = true
	case len(atomsOf(&stays.Spec)) > 0:
		t.Policies = append(t.Policies, stays)
	}
}

func (t *Target) has(name string) bool {
	return slices.ContainsFunc(t.Policies, func(p *networkingv1.NetworkPolicy) bool { return p.Name == name })
}

// own returns a policy that was observed as the operator would write it: without what the API
// server and others added to its metadata.
func own(have *networkingv1.NetworkPolicy) *networkingv1.NetworkPolicy {
	out := &networkingv1.NetworkPolicy{ObjectMeta: render.OwnMeta(&have.ObjectMeta)}
	out.APIVersion, out.Kind = networkingv1.SchemeGroupVersion.String(), "NetworkPolicy"
	out.Spec = *have.Spec.DeepCopy()
	return out
}

// standIn is a policy under a name that no other choice of pods has. It holds the place of one
// whose choice of pods changes.
func standIn(policy *networkingv1.NetworkPolicy) *networkingv1.NetworkPolicy {
	sum := sha256.Sum256([]byte(render.Key(&policy.Spec.PodSelector)))
	out := policy.DeepCopy()
	out.Name += "-" + hex.EncodeToString(sum[:5])
	return out
}

func byName(policies []*networkingv1.NetworkPolicy) map[string]*networkingv1.NetworkPolicy {
	out := make(map[string]*networkingv1.NetworkPolicy, len(policies))
	for _, p := range policies {
		out[p.Name] = p
	}
	return out
}
