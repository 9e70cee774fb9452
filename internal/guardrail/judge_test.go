package guardrail_test

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// pod is a pod with the labels of its namespace.
type pod struct {
	namespace         string
	namespaceLabels   map[string]string
	labels            map[string]string
	named             string // The name of port 80, if it has one.
	isOutsideProfiles bool
}

// port is a port that a flow goes to.
type port struct {
	protocol corev1.Protocol
	number   int32
}

// passes judges one side of a flow straight from the words of the API: policies by priority, their rules in order, the
// first that matches decides. It is denied or goes on to the NetworkPolicies.
func passes(policies []*policyv1alpha2.ClusterNetworkPolicy, near, far pod, isEgress bool, to port) bool {
	sorted := slices.SortedFunc(slices.Values(policies), func(a, b *policyv1alpha2.ClusterNetworkPolicy) int {
		return int(a.Spec.Priority - b.Spec.Priority)
	})
	called := near
	if isEgress {
		called = far
	}
	for _, p := range sorted {
		subject := p.Spec.Subject
		if p.Spec.Tier != policyv1alpha2.AdminTier || !chooses(subject.Namespaces, subject.Pods, near) {
			continue
		}
		if isEgress {
			for _, r := range p.Spec.Egress {
				isPeer := func(e policyv1alpha2.ClusterNetworkPolicyEgressPeer) bool { return chooses(e.Namespaces, e.Pods, far) }
				if slices.ContainsFunc(r.To, isPeer) && isPort(r.Protocols, to, called) {
					return r.Action == policyv1alpha2.ClusterNetworkPolicyRuleActionPass
				}
			}
			continue
		}
		for _, r := range p.Spec.Ingress {
			isPeer := func(e policyv1alpha2.ClusterNetworkPolicyIngressPeer) bool { return chooses(e.Namespaces, e.Pods, far) }
			if slices.ContainsFunc(r.From, isPeer) && isPort(r.Protocols, to, called) {
				return r.Action == policyv1alpha2.ClusterNetworkPolicyRuleActionPass
			}
		}
	}
	return true
}

func chooses(namespaces *metav1.LabelSelector, pods *policyv1alpha2.NamespacedPod, p pod) bool {
	if pods != nil {
		return matches(&pods.NamespaceSelector, p.namespaceLabels) && matches(&pods.PodSelector, p.labels)
	}
	return namespaces != nil && matches(namespaces, p.namespaceLabels)
}

func matches(selector *metav1.LabelSelector, set map[string]string) bool {
	for key, value := range selector.MatchLabels {
		if has, ok := set[key]; !ok || has != value {
			return false
		}
	}
	return !slices.ContainsFunc(selector.MatchExpressions, func(r metav1.LabelSelectorRequirement) bool {
		value, has := set[r.Key]
		switch r.Operator {
		case metav1.LabelSelectorOpIn:
			return !has || !slices.Contains(r.Values, value)
		case metav1.LabelSelectorOpNotIn:
			return has && slices.Contains(r.Values, value)
		case metav1.LabelSelectorOpExists:
			return !has
		default:
			return has
		}
	})
}

func isPort(protocols []policyv1alpha2.ClusterNetworkPolicyProtocol, to port, called pod) bool {
	return len(protocols) == 0 || slices.ContainsFunc(protocols, func(p policyv1alpha2.ClusterNetworkPolicyProtocol) bool {
		switch {
		case p.DestinationNamedPort != "":
			return called.named == p.DestinationNamedPort && to.number == 80
		case p.TCP != nil:
			return to.protocol == corev1.ProtocolTCP && isNumber(p.TCP.DestinationPort, to.number)
		case p.UDP != nil:
			return to.protocol == corev1.ProtocolUDP && isNumber(p.UDP.DestinationPort, to.number)
		default:
			return to.protocol == corev1.ProtocolSCTP && isNumber(p.SCTP.DestinationPort, to.number)
		}
	})
}

func isNumber(declared *policyv1alpha2.Port, number int32) bool {
	return declared == nil || declared.Number == number ||
		declared.Range != nil && declared.Range.Start <= number && number <= declared.Range.End
}
