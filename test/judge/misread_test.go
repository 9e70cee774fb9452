package judge

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The ways in which the evaluators of TestAWrongEvaluatorIsFoundOut misread a policy.

func forgetExcept(p *networkingv1.NetworkPolicy) {
	eachBlock(p, func(b *networkingv1.IPBlock) { b.Except = nil })
}

func readOneException(p *networkingv1.NetworkPolicy) {
	eachBlock(p, func(b *networkingv1.IPBlock) { b.Except = b.Except[:min(1, len(b.Except))] })
}

func eachBlock(p *networkingv1.NetworkPolicy, visit func(*networkingv1.IPBlock)) {
	eachPeer(p, func(peer *networkingv1.NetworkPolicyPeer) {
		if peer.IPBlock != nil {
			visit(peer.IPBlock)
		}
	})
}

func forgetEndPort(p *networkingv1.NetworkPolicy) {
	eachPort(p, func(port *networkingv1.NetworkPolicyPort) { port.EndPort = nil })
}

func shortenRange(p *networkingv1.NetworkPolicy) {
	eachPort(p, func(port *networkingv1.NetworkPolicyPort) {
		if port.EndPort != nil && *port.EndPort > port.Port.IntVal {
			*port.EndPort--
		}
	})
}

func takeTCPForUDP(p *networkingv1.NetworkPolicy) {
	eachPort(p, func(port *networkingv1.NetworkPolicyPort) {
		if port.Protocol == nil {
			port.Protocol = new(corev1.ProtocolUDP)
		}
	})
}

func takeSCTPForTCP(p *networkingv1.NetworkPolicy) {
	eachPort(p, func(port *networkingv1.NetworkPolicyPort) {
		if port.Protocol != nil && *port.Protocol == corev1.ProtocolSCTP {
			port.Protocol = new(corev1.ProtocolTCP)
		}
	})
}

func forgetPortNames(p *networkingv1.NetworkPolicy) {
	eachPort(p, func(port *networkingv1.NetworkPolicyPort) {
		if port.Port != nil && port.Port.Type == intstr.String {
			port.Port = nil
		}
	})
}

func closeEveryPort(p *networkingv1.NetworkPolicy) {
	eachPort(p, func(port *networkingv1.NetworkPolicyPort) {
		if port.Port == nil {
			port.Port = new(intstr.FromString("none"))
		}
	})
}

func closeToEverybody(p *networkingv1.NetworkPolicy) {
	for _, peers := range peersOf(p) {
		if len(*peers) == 0 {
			*peers = []networkingv1.NetworkPolicyPeer{{PodSelector: nobody()}}
		}
	}
}

func closeNamespaces(p *networkingv1.NetworkPolicy) {
	eachPeer(p, func(peer *networkingv1.NetworkPolicyPeer) {
		if peer.NamespaceSelector != nil && peer.PodSelector == nil {
			peer.PodSelector = nobody()
		}
	})
}

func nobody() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"nobody": "has-this"}}
}

func forgetPodSelector(p *networkingv1.NetworkPolicy) {
	eachPeer(p, func(peer *networkingv1.NetworkPolicyPeer) {
		if peer.NamespaceSelector != nil {
			peer.PodSelector = nil
		}
	})
}

func forgetNamespaceSelector(p *networkingv1.NetworkPolicy) {
	eachPeer(p, func(peer *networkingv1.NetworkPolicyPeer) {
		if peer.NamespaceSelector != nil && peer.PodSelector == nil {
			peer.PodSelector = &metav1.LabelSelector{}
		}
		peer.NamespaceSelector = nil
	})
}

func forgetExpressions(p *networkingv1.NetworkPolicy) {
	for _, s := range selectorsOf(p) {
		s.MatchExpressions = nil
	}
}

func forgetLabels(p *networkingv1.NetworkPolicy) {
	for _, s := range selectorsOf(p) {
		s.MatchLabels = nil
	}
}

func needTheKey(p *networkingv1.NetworkPolicy) {
	for _, s := range selectorsOf(p) {
		for _, e := range s.MatchExpressions {
			if e.Operator == metav1.LabelSelectorOpNotIn {
				s.MatchExpressions = append(s.MatchExpressions, metav1.LabelSelectorRequirement{Key: e.Key, Operator: metav1.LabelSelectorOpExists})
			}
		}
	}
}

func forgetEgressDefault(p *networkingv1.NetworkPolicy) {
	if len(p.Spec.PolicyTypes) == 0 {
		p.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
	}
}

func takeBothDirections(p *networkingv1.NetworkPolicy) {
	if len(p.Spec.PolicyTypes) == 0 {
		p.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	}
}

func forgetSubjects(p *networkingv1.NetworkPolicy) { p.Spec.PodSelector = metav1.LabelSelector{} }

func readOneRule(p *networkingv1.NetworkPolicy) {
	p.Spec.Ingress = p.Spec.Ingress[:min(1, len(p.Spec.Ingress))]
	p.Spec.Egress = p.Spec.Egress[:min(1, len(p.Spec.Egress))]
}
