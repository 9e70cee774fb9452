package render

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// partyPeers are the peers that stand for the other side of a dependency.
func partyPeers(profile string, party *plan.Party) []networkingv1.NetworkPolicyPeer {
	switch {
	case party.Tier != "":
		return []networkingv1.NetworkPolicyPeer{{NamespaceSelector: memberSelector(profile, party.Tier), PodSelector: party.Pods}}
	case party.Namespaces != nil:
		return []networkingv1.NetworkPolicyPeer{{NamespaceSelector: outsideSelector(party.Namespaces), PodSelector: party.Pods}}
	default:
		return addressPeers(party.CIDRs)
	}
}

// memberSelector chooses the members of a tier. It goes by the membership labels and not by
// the tier's own selector, so that a namespace is reached only once it is isolated itself.
func memberSelector(profile, tier string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: MembershipLabels(profile, tier)}
}

// outsideSelector chooses namespaces that the profile does not segment. The label with the
// namespace's name is set by the API server and cannot be forged:
// https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name
func outsideSelector(set *plan.NamespaceSet) *metav1.LabelSelector {
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

// internalOpenings open what internalTraffic says. The namespace itself is chosen by the
// absence of a namespace selector, so that its own traffic does not depend on the
// membership labels.
func internalOpenings(m metadata) []opening {
	own := networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{}}
	switch m.tier.InternalTraffic {
	case v1alpha1.InternalTrafficSameNamespace:
		return []opening{{peers: []networkingv1.NetworkPolicyPeer{own}}}
	case v1alpha1.InternalTrafficSameTier:
		tier := networkingv1.NetworkPolicyPeer{NamespaceSelector: memberSelector(m.plan.Profile, m.tier.Name)}
		return []opening{{peers: []networkingv1.NetworkPolicyPeer{own, tier}}}
	default:
		return nil
	}
}

// peersKey tells peers apart. Marshalling sorts the keys of maps, so equal peers have
// equal keys.
func peersKey(peers []networkingv1.NetworkPolicyPeer) string {
	key, err := json.Marshal(peers)
	if err != nil {
		// Strings, maps of strings and slices of them cannot fail to marshal.
		panic(err)
	}
	return string(key)
}
