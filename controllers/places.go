package controllers

import (
	"cmp"
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/apply"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// asWritten is a namespace with the labels that the operator gave it, if the cache does not show them yet.
func (p *Profiles) asWritten(namespace *metav1.PartialObjectMetadata) *metav1.PartialObjectMetadata {
	before, now, wrote := p.census.Wrote(namespace.Name)
	if !wrote || membershipOf(namespace) != before {
		return namespace
	}
	labels := map[string]string{}
	maps.Copy(labels, namespace.Labels)
	delete(labels, v1alpha1.ProfileLabel)
	delete(labels, v1alpha1.TierLabel)
	if now.Profile != "" {
		maps.Copy(labels, render.MembershipLabels(now.Profile, now.Tier))
	}
	out := *namespace
	out.Labels = labels
	return &out
}

// membershipOf is what the labels of a namespace say.
func membershipOf(namespace client.Object) transition.Membership {
	labels := namespace.GetLabels()
	if labels[v1alpha1.ProfileLabel] == "" {
		return transition.Membership{}
	}
	return transition.Membership{Profile: labels[v1alpha1.ProfileLabel], Tier: labels[v1alpha1.TierLabel]}
}

// basis tells apart what a namespace is brought to. One that is held has reached all that it is to reach as
// long as it is, and nothing beyond.
type basis struct {
	ground
	isHeld bool
}

// place tells where a namespace is and where a decision has it.
func (s *snapshot) place(observed *apply.Observed, decision claim.Decision) transition.Place {
	has := membershipOf(observed.Namespace)
	place := transition.Place{
		Has:      has,
		Isolated: has.Profile == "" && observed.IsIsolated(),
		Vouched:  has.Profile != "" && observed.IsVouchedFor(),
		Basis:    basis{s.basisOf(cmp.Or(decision.Profile, has.Profile), cmp.Or(decision.Tier, has.Tier)), decision.Outcome == claim.Held},
	}
	switch decision.Outcome {
	case claim.Claimed:
		place.Due = transition.Membership{Profile: decision.Profile, Tier: decision.Tier}
	case claim.Held:
		place.Due, place.Held = has, true
	case claim.Unclaimed:
	}
	place.Kept = place.Due != transition.Membership{}
	for _, selection := range decision.Selections {
		for _, tier := range selection.Tiers {
			of := transition.Membership{Profile: selection.Profile, Tier: tier}
			if of == place.Due {
				place.Kept = false
				continue
			}
			place.Mistaken = append(place.Mistaken, of)
		}
	}
	return place
}
