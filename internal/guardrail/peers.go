package guardrail

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// peer is a set of pods by the namespaces that they are in; nil pods are all of them.
type peer struct {
	namespaces *metav1.LabelSelector
	pods       *metav1.LabelSelector
}

// peersOf are the pods of a party; none for one of addresses. A tier is told by its labels alone, as NetworkPolicies tell it
// in the end. Those whose labels are about to change are exempt meanwhile.
func peersOf(p *plan.Plan, party *plan.Party) []peer {
	switch {
	case party.Profile != "":
		return []peer{tierPeer(party.Profile, party.Tier, party.Pods)}
	case party.AllTiers:
		return []peer{{namespaces: members(p.Profile), pods: party.Pods}}
	case party.Tier != "":
		return []peer{tierPeer(p.Profile, party.Tier, party.Pods)}
	case party.Namespaces != nil:
		return []peer{{namespaces: render.SelectorOf(party.Namespaces), pods: party.Pods}}
	default:
		return nil
	}
}

func tierPeer(profile, tier string, pods *metav1.LabelSelector) peer {
	return peer{namespaces: &metav1.LabelSelector{MatchLabels: render.MembershipLabels(profile, tier)}, pods: pods}
}

// members chooses the members of a profile, in whatever tier.
func members(profile string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{v1alpha1.ProfileLabel: profile}}
}

// except narrows a selector to namespaces that have none of these names.
func except(selector *metav1.LabelSelector, names []string) *metav1.LabelSelector {
	if len(names) == 0 {
		return selector
	}
	out := selector.DeepCopy()
	out.MatchExpressions = append(out.MatchExpressions, metav1.LabelSelectorRequirement{
		Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpNotIn, Values: names,
	})
	return out
}

// exceptions are the names that a selector leaves out.
func exceptions(selector *metav1.LabelSelector) []string {
	if selector == nil {
		return nil
	}
	for i := range selector.MatchExpressions {
		if r := &selector.MatchExpressions[i]; r.Key == corev1.LabelMetadataName && r.Operator == metav1.LabelSelectorOpNotIn {
			return r.Values
		}
	}
	return nil
}

func (p peer) ingress() policyv1alpha2.ClusterNetworkPolicyIngressPeer {
	if p.pods == nil {
		return policyv1alpha2.ClusterNetworkPolicyIngressPeer{Namespaces: p.namespaces}
	}
	return policyv1alpha2.ClusterNetworkPolicyIngressPeer{Pods: p.chosen()}
}

func (p peer) egress() policyv1alpha2.ClusterNetworkPolicyEgressPeer {
	if p.pods == nil {
		return policyv1alpha2.ClusterNetworkPolicyEgressPeer{Namespaces: p.namespaces}
	}
	return policyv1alpha2.ClusterNetworkPolicyEgressPeer{Pods: p.chosen()}
}

func (p peer) chosen() *policyv1alpha2.NamespacedPod {
	return &policyv1alpha2.NamespacedPod{NamespaceSelector: *p.namespaces, PodSelector: *p.pods}
}

// everybody are all pods of the cluster but those on the network of their node: they are no peers of
// ClusterNetworkPolicies, and what reaches nodes is not the business of guardrails.
func everybody() peer {
	return peer{namespaces: &metav1.LabelSelector{}}
}
