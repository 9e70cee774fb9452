package render

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// partyPeers are the peers that stand for the other side of a dependency.
func partyPeers(m metadata, party *plan.Party) []networkingv1.NetworkPolicyPeer {
	switch {
	case party.Profile != "":
		return otherPeers(m, tierOf(m, party), party.Pods)
	case party.AllTiers:
		return allTiersPeers(m, party.Pods)
	case party.Tier != "":
		return tierPeers(m, party.Tier, party.Pods)
	case party.Namespaces != nil:
		return outsidePeers(m, party)
	default:
		return addressPeers(party.CIDRs)
	}
}

// memberSelector chooses the members of a tier. It goes by the membership labels and not by
// the tier's own selector, so that a namespace is reached only once it is isolated itself.
func memberSelector(profile, tier string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: MembershipLabels(profile, tier)}
}

// outsidePeers are the peers that stand for namespaces outside the profile.
func outsidePeers(m metadata, party *plan.Party) []networkingv1.NetworkPolicyPeer {
	selector := SelectorOf(party.Namespaces)
	out := []networkingv1.NetworkPolicyPeer{{NamespaceSelector: selector, PodSelector: party.Pods}}
	if (m.sight == ByChoice || m.sight == ByEither) && len(m.except.Leaving) > 0 && ChoosesUnsegmented(selector) {
		leaving := leavingSelector(selector, m.except.Leaving)
		out = append(out, networkingv1.NetworkPolicyPeer{NamespaceSelector: leaving, PodSelector: party.Pods})
	}
	return out
}

// ChoosesUnsegmented tells whether a selector chooses namespaces for not being members.
func ChoosesUnsegmented(selector *metav1.LabelSelector) bool {
	return selector != nil && slices.ContainsFunc(selector.MatchExpressions, isAboutAbsence)
}

func isAboutAbsence(r metav1.LabelSelectorRequirement) bool {
	return (r.Key == v1alpha1.ProfileLabel || r.Key == v1alpha1.TierLabel) &&
		(r.Operator == metav1.LabelSelectorOpDoesNotExist || r.Operator == metav1.LabelSelectorOpNotIn)
}

// leavingSelector chooses those of some namespaces that the selector will choose once they are no
// members any more.
func leavingSelector(selector *metav1.LabelSelector, leaving []string) *metav1.LabelSelector {
	out := selector.DeepCopy()
	out.MatchExpressions = append(slices.DeleteFunc(out.MatchExpressions, isAboutAbsence), metav1.LabelSelectorRequirement{
		Key:      corev1.LabelMetadataName,
		Operator: metav1.LabelSelectorOpIn,
		Values:   leaving,
	})
	return out
}

// tierPeers are the peers that stand for the pods of a tier. The namespace itself, if it is of
// that tier, is chosen by the absence of a namespace selector, so that what passes inside it does
// not depend on its labels.
func tierPeers(m metadata, tier string, pods *metav1.LabelSelector) []networkingv1.NetworkPolicyPeer {
	others := otherPeers(m, ownTier(m, tier), pods)
	if tier != m.tier.Name {
		return others
	}
	if pods == nil {
		pods = &metav1.LabelSelector{}
	}
	return append([]networkingv1.NetworkPolicyPeer{{PodSelector: pods}}, others...)
}

// allTiersPeers are the peers that stand for the pods of every tier. The order in which a profile has its tiers does not
// matter.
func allTiersPeers(m metadata, pods *metav1.LabelSelector) []networkingv1.NetworkPolicyPeer {
	names := make([]string, 0, len(m.plan.Tiers))
	for i := range m.plan.Tiers {
		names = append(names, m.plan.Tiers[i].Name)
	}
	slices.Sort(names)
	out := make([]networkingv1.NetworkPolicyPeer, 0, len(names)+1)
	for _, name := range names {
		out = append(out, tierPeers(m, name, pods)...)
	}
	return out
}

// tierSeen is a tier and all by which its namespaces can be told.
type tierSeen struct {
	profile, tier string
	// chosen is what it selects; nil if that is not known.
	chosen         *plan.NamespaceSet
	mistaken, kept []string
}

// ownTier is a tier of the profile.
func ownTier(m metadata, tier string) tierSeen {
	out := tierSeen{profile: m.plan.Profile, tier: tier, chosen: &m.plan.Tier(tier).Namespaces}
	if m.except != nil {
		out.mistaken, out.kept = m.except.Mistaken[tier], m.except.Kept[tier]
	}
	return out
}

// tierOf is a tier of another profile.
func tierOf(m metadata, party *plan.Party) tierSeen {
	out := tierSeen{profile: party.Profile, tier: party.Tier, chosen: party.Chosen}
	if m.except != nil && m.except.Others[party.Profile] != nil {
		except := m.except.Others[party.Profile]
		out.mistaken, out.kept = except.Mistaken[party.Tier], except.Kept[party.Tier]
	}
	return out
}

func otherPeers(m metadata, tier tierSeen, pods *metav1.LabelSelector) []networkingv1.NetworkPolicyPeer {
	peer := func(namespaces *metav1.LabelSelector) networkingv1.NetworkPolicyPeer {
		return networkingv1.NetworkPolicyPeer{NamespaceSelector: namespaces, PodSelector: pods}
	}
	members := peer(memberSelector(tier.profile, tier.tier))
	if m.sight == ByLabels || tier.chosen == nil {
		return []networkingv1.NetworkPolicyPeer{members}
	}
	var out []networkingv1.NetworkPolicyPeer
	switch m.sight {
	case BySelection:
		// What the tier selects of the members of its profile, in whatever tier they still are; or of those of all that
		// have paths to one another, in whatever profile.
		out = append(out, peer(amongMembers(m.group(tier.profile), tier.selector())))
	case ByChoice:
		out = append(out, peer(tier.selector()))
	default:
		out = append(out, members, peer(tier.selector()))
	}
	if len(tier.kept) > 0 {
		out = append(out, peer(amongMembers([]string{tier.profile}, namesSelector(tier.kept...))))
	}
	return out
}

// selector chooses what a tier selects, whether or not it is a member yet, less what is known not to belong to the
// tier.
func (t *tierSeen) selector() *metav1.LabelSelector {
	out := SelectorOf(t.chosen).DeepCopy()
	if len(t.mistaken) > 0 {
		out.MatchExpressions = append(out.MatchExpressions, metav1.LabelSelectorRequirement{
			Key:      corev1.LabelMetadataName,
			Operator: metav1.LabelSelectorOpNotIn,
			Values:   t.mistaken,
		})
	}
	return out
}

// group are the profiles whose members may come to be in a tier by a move that is counted as one inside a profile.
func (m metadata) group(profile string) []string {
	out := []string{m.plan.Profile}
	if m.except != nil {
		out = slices.AppendSeq(out, maps.Keys(m.except.Others))
	}
	if !slices.Contains(out, profile) {
		return []string{profile}
	}
	slices.Sort(out)
	return out
}

// amongMembers narrows a selector to members of profiles. The selector is changed.
func amongMembers(profiles []string, selector *metav1.LabelSelector) *metav1.LabelSelector {
	selector.MatchExpressions = append(selector.MatchExpressions, metav1.LabelSelectorRequirement{
		Key:      v1alpha1.ProfileLabel,
		Operator: metav1.LabelSelectorOpIn,
		Values:   profiles,
	})
	return selector
}

// SelectorOf chooses the namespaces of a set: those that a tier selects, or that the profile does not segment. The label with the
// namespace's name is set by the API server and cannot be forged:
// https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name
func SelectorOf(set *plan.NamespaceSet) *metav1.LabelSelector {
	if set.Selector != nil {
		return set.Selector
	}
	return namesSelector(set.Names...)
}

func namesSelector(names ...string) *metav1.LabelSelector {
	if len(names) == 1 {
		return &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: names[0]}}
	}
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
		Key:      corev1.LabelMetadataName,
		Operator: metav1.LabelSelectorOpIn,
		Values:   names,
	}}}
}

func addressPeers(blocks []networkingv1.IPBlock) []networkingv1.NetworkPolicyPeer {
	peers := make([]networkingv1.NetworkPolicyPeer, 0, len(blocks))
	for i := range blocks {
		peers = append(peers, networkingv1.NetworkPolicyPeer{IPBlock: &blocks[i]})
	}
	return peers
}

// internalOpenings open what internalTraffic says.
func internalOpenings(m metadata) []opening {
	own := networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{}}
	switch m.tier.InternalTraffic {
	case v1alpha1.InternalTrafficSameNamespace:
		return []opening{{peers: []networkingv1.NetworkPolicyPeer{own}}}
	case v1alpha1.InternalTrafficSameTier:
		return []opening{{peers: tierPeers(m, m.tier.Name, nil)}}
	default:
		return nil
	}
}
