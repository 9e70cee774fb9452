package guardrail_test

import (
	"slices"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// mayBeWider tells whether guardrails may pass a flow that is not declared: inside of a tier of which only traffic inside of
// each namespace is declared, and on a port with a name, which has no protocol there.
func mayBeWider(tier *plan.Tier, from, to pod, p port) bool {
	isInside := tier != nil && tier.InternalTraffic == v1alpha1.InternalTrafficSameNamespace &&
		from.namespaceLabels[v1alpha1.TierLabel] == to.namespaceLabels[v1alpha1.TierLabel]
	return isInside || to.named != "" && p.number == 80
}

// isOneSided tells whether one side is as before and the other as in the end: each is between the two, and together they
// pass what is passed neither before nor after.
func isOneSided(before, after *cluster, from, to pod, p port) bool {
	egress := passes(before.list(), from, to, true, p) || passes(after.list(), from, to, true, p)
	ingress := passes(before.list(), to, from, false, p) || passes(after.list(), to, from, false, p)
	return egress && ingress
}

// isAbout tells whether a profile has what a dependency names.
func isAbout(d *v1alpha1.Dependency, profile *v1alpha1.SegmentationProfile) bool {
	for _, e := range []*v1alpha1.Endpoint{&d.From, &d.To} {
		hasTier := slices.ContainsFunc(profile.Spec.Tiers, func(t v1alpha1.Tier) bool { return t.Name == e.Tier })
		hasPeer := slices.ContainsFunc(profile.Spec.Peers, func(p v1alpha1.Peer) bool { return p.Name == e.Peer })
		if e.Tier != "" && !hasTier || e.Peer != "" && !hasPeer {
			return false
		}
	}
	return true
}
