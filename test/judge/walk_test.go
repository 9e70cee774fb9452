package judge

import (
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// copied are copies of policies, each changed; those that were given stay as they are.
func copied(policies []*networkingv1.NetworkPolicy, change func(*networkingv1.NetworkPolicy)) []*networkingv1.NetworkPolicy {
	out := make([]*networkingv1.NetworkPolicy, 0, len(policies))
	for _, p := range policies {
		changed := p.DeepCopy()
		change(changed)
		out = append(out, changed)
	}
	return out
}

// peersOf are the lists of peers of a policy, one for each rule of both directions.
func peersOf(p *networkingv1.NetworkPolicy) []*[]networkingv1.NetworkPolicyPeer {
	var out []*[]networkingv1.NetworkPolicyPeer
	for i := range p.Spec.Ingress {
		out = append(out, &p.Spec.Ingress[i].From)
	}
	for i := range p.Spec.Egress {
		out = append(out, &p.Spec.Egress[i].To)
	}
	return out
}

// eachPeer visits the peers of a policy.
func eachPeer(p *networkingv1.NetworkPolicy, visit func(*networkingv1.NetworkPolicyPeer)) {
	for _, peers := range peersOf(p) {
		for i := range *peers {
			visit(&(*peers)[i])
		}
	}
}

// eachPort visits the ports of a policy.
func eachPort(p *networkingv1.NetworkPolicy, visit func(*networkingv1.NetworkPolicyPort)) {
	for _, r := range p.Spec.Ingress {
		for i := range r.Ports {
			visit(&r.Ports[i])
		}
	}
	for _, r := range p.Spec.Egress {
		for i := range r.Ports {
			visit(&r.Ports[i])
		}
	}
}

// selectorsOf are the selectors of a policy: its own, and those of its peers.
func selectorsOf(p *networkingv1.NetworkPolicy) []*metav1.LabelSelector {
	out := []*metav1.LabelSelector{&p.Spec.PodSelector}
	eachPeer(p, func(peer *networkingv1.NetworkPolicyPeer) {
		for _, s := range []*metav1.LabelSelector{peer.NamespaceSelector, peer.PodSelector} {
			if s != nil {
				out = append(out, s)
			}
		}
	})
	return out
}
