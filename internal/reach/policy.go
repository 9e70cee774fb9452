package reach

import (
	"encoding/binary"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// direction is one of the two directions of a pod's traffic.
type direction int

const (
	ingress direction = iota
	egress
)

func directionOf(declared networkingv1.PolicyType) direction {
	if declared == networkingv1.PolicyTypeEgress {
		return egress
	}
	return ingress
}

// policy is a NetworkPolicy in a namespace.
type policy struct {
	name string
	spec *spec
}

// spec is the spec of policies, with everything in it parsed. It says nothing about the
// namespace that it is in: "the own namespace" is that of the pod whose traffic it rules.
type spec struct {
	id int
	// pods are the pods of the policy's namespace that it applies to.
	pods *selector
	// isolates are the directions that the policy isolates, and rules the rules of each. An
	// isolated direction without a rule is denied.
	isolates [2]bool
	rules    [2][]*rule
}

// selects tells whether the policy isolates one direction of a pod of its namespace.
func (s *spec) selects(pod *Pod, d direction) bool {
	return s.isolates[d] && s.pods.matches(labels.Set(pod.Labels))
}

// key tells specs apart.
func (s *spec) key() string {
	key := binary.AppendUvarint(nil, uint64(s.pods.id))
	for d, rules := range s.rules {
		if !s.isolates[d] {
			key = append(key, '-')
			continue
		}
		key = binary.AppendUvarint(append(key, '+'), uint64(len(rules)))
		for _, r := range rules {
			key = binary.AppendUvarint(key, uint64(r.id))
		}
	}
	return string(key)
}

// rule is one rule of a policy: all of its peers on all of its ports.
type rule struct {
	id int
	// anyone is set for a rule without peers, which means everybody.
	anyone bool
	peers  []*peer
	// ports are the ports; a rule without ports has one entry for each protocol.
	ports []portRange
}

// PolicyTypes returns the directions that a policy isolates. Left out, they are Ingress, and
// Egress if there is an egress rule; an empty list of egress rules is none.
func PolicyTypes(declared *networkingv1.NetworkPolicySpec) []networkingv1.PolicyType {
	switch {
	case len(declared.PolicyTypes) > 0:
		return declared.PolicyTypes
	case len(declared.Egress) > 0:
		return []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	default:
		return []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
	}
}

// rulesOf returns the rules of one direction. Those of egress and ingress differ only in
// what their peers are called.
func rulesOf(declared *networkingv1.NetworkPolicySpec, d direction) []networkingv1.NetworkPolicyIngressRule {
	if d == ingress {
		return declared.Ingress
	}
	rules := make([]networkingv1.NetworkPolicyIngressRule, 0, len(declared.Egress))
	for _, r := range declared.Egress {
		rules = append(rules, networkingv1.NetworkPolicyIngressRule{From: r.To, Ports: r.Ports})
	}
	return rules
}
