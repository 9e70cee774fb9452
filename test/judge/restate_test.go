package judge

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// restatement says policies in other words, which mean the same by the documentation of the
// API and which cyclonus reads as documented. A disagreement that ends with the other words is
// explained by them, and by nothing else.
type restatement struct {
	// name is what cyclonus reads in another way.
	name string
	say  func([]*networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy
}

var (
	// NotIn matches where the key is absent. Alternatives are peers side by side, or policies:
	// one with NotIn, and one with DoesNotExist.
	notIn = restatement{"NotIn on an absent key", sayNotIn}
	// An entry of matchLabels is an expression with In by definition.
	emptyValue = restatement{"an empty value in matchLabels on an absent key", sayEmptyValue}
	// Where two pods have no addresses of one family, there is no packet that carries the
	// address of a pod in a block.
	noRoute = restatement{"pods without addresses of one family", sayNoBlocks}
)

// restatementsFor are the restatements that keep what policies mean for a flow.
func restatementsFor(f reach.Flow) []restatement {
	if routed(f) {
		return []restatement{notIn, emptyValue}
	}
	return []restatement{notIn, emptyValue, noRoute}
}

// restated is cyclonus, told in words that leave nothing to disagree on. It is told twice,
// for flows with and without a route.
func restated(w *world) evaluator {
	withRoute, without := theirs(w, notIn, emptyValue), theirs(w, notIn, emptyValue, noRoute)
	return func(f reach.Flow) verdict {
		if routed(f) {
			return withRoute(f)
		}
		return without(f)
	}
}

func sayNotIn(policies []*networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy {
	var out []*networkingv1.NetworkPolicy
	for _, p := range copied(policies, spreadPeers) {
		for _, selector := range alternatives(&p.Spec.PodSelector) {
			alternative := p.DeepCopy()
			alternative.Spec.PodSelector = *selector
			out = append(out, alternative)
		}
	}
	return out
}

func spreadPeers(p *networkingv1.NetworkPolicy) {
	for _, peers := range peersOf(p) {
		var out []networkingv1.NetworkPolicyPeer
		for _, peer := range *peers {
			for _, namespaces := range alternatives(peer.NamespaceSelector) {
				for _, pods := range alternatives(peer.PodSelector) {
					out = append(out, networkingv1.NetworkPolicyPeer{NamespaceSelector: namespaces, PodSelector: pods, IPBlock: peer.IPBlock})
				}
			}
		}
		*peers = out
	}
}

// alternatives are the selectors that match together what one with NotIn matches. An absent
// selector stays absent.
func alternatives(s *metav1.LabelSelector) []*metav1.LabelSelector {
	if s == nil {
		return []*metav1.LabelSelector{nil}
	}
	out := []*metav1.LabelSelector{{MatchLabels: s.MatchLabels}}
	for _, e := range s.MatchExpressions {
		choices := []metav1.LabelSelectorRequirement{e}
		if e.Operator == metav1.LabelSelectorOpNotIn {
			choices = append(choices, metav1.LabelSelectorRequirement{Key: e.Key, Operator: metav1.LabelSelectorOpDoesNotExist})
		}
		var next []*metav1.LabelSelector
		for _, selector := range out {
			for _, choice := range choices {
				next = append(next, &metav1.LabelSelector{
					MatchLabels:      selector.MatchLabels,
					MatchExpressions: append(slices.Clone(selector.MatchExpressions), choice),
				})
			}
		}
		out = next
	}
	return out
}

func sayEmptyValue(policies []*networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy {
	return copied(policies, func(p *networkingv1.NetworkPolicy) {
		for _, s := range selectorsOf(p) {
			for key, value := range s.MatchLabels {
				if value == "" {
					delete(s.MatchLabels, key)
					s.MatchExpressions = append(s.MatchExpressions,
						metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{value}})
				}
			}
		}
	})
}

// sayNoBlocks leaves out blocks, and rules that have nothing but blocks: without any peer
// they would mean everybody.
func sayNoBlocks(policies []*networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy {
	block := func(p networkingv1.NetworkPolicyPeer) bool { return p.IPBlock != nil }
	only := func(peers []networkingv1.NetworkPolicyPeer) bool {
		return len(peers) > 0 && !slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool { return !block(p) })
	}
	return copied(policies, func(p *networkingv1.NetworkPolicy) {
		p.Spec.Ingress = slices.DeleteFunc(p.Spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool { return only(r.From) })
		p.Spec.Egress = slices.DeleteFunc(p.Spec.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool { return only(r.To) })
		for _, peers := range peersOf(p) {
			*peers = slices.DeleteFunc(*peers, block)
		}
	})
}
