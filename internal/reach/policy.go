package reach

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// policy is a NetworkPolicy with everything in it parsed.
type policy struct {
	// pods are the pods of the policy's namespace that it applies to.
	pods labels.Selector
	// rules are the rules of each direction that the policy isolates. A direction that is
	// here without a rule is denied.
	rules map[networkingv1.PolicyType][]*rule
}

// rule is one rule of a policy: all of its peers on all of its ports.
type rule struct {
	// anyone is set for a rule without peers, which means everybody.
	anyone bool
	peers  []*peer
	// ports are the ports; a rule without ports has one entry for each protocol.
	ports []portRange
}

func parsePolicy(p *networkingv1.NetworkPolicy) (*policy, error) {
	pods, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
	if err != nil {
		return nil, fmt.Errorf("podSelector: %w", err)
	}
	out := &policy{pods: pods, rules: map[networkingv1.PolicyType][]*rule{}}
	for _, direction := range policyTypes(&p.Spec) {
		out.rules[direction] = nil
		for i, declared := range rulesOf(&p.Spec, direction) {
			parsed, err := parseRule(p.Namespace, declared)
			if err != nil {
				return nil, fmt.Errorf("%s rule %d: %w", direction, i, err)
			}
			out.rules[direction] = append(out.rules[direction], parsed)
		}
	}
	return out, nil
}

// policyTypes returns the directions that a policy isolates. Left out, they are Ingress, and
// Egress if there is an egress rule; an empty list of egress rules is none.
func policyTypes(spec *networkingv1.NetworkPolicySpec) []networkingv1.PolicyType {
	switch {
	case len(spec.PolicyTypes) > 0:
		return spec.PolicyTypes
	case len(spec.Egress) > 0:
		return []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	default:
		return []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
	}
}

// rulesOf returns the rules of one direction. Those of egress and ingress differ only in
// what their peers are called.
func rulesOf(spec *networkingv1.NetworkPolicySpec, direction networkingv1.PolicyType) []networkingv1.NetworkPolicyIngressRule {
	if direction == networkingv1.PolicyTypeIngress {
		return spec.Ingress
	}
	rules := make([]networkingv1.NetworkPolicyIngressRule, 0, len(spec.Egress))
	for _, r := range spec.Egress {
		rules = append(rules, networkingv1.NetworkPolicyIngressRule{From: r.To, Ports: r.Ports})
	}
	return rules
}

func parseRule(namespace string, declared networkingv1.NetworkPolicyIngressRule) (*rule, error) {
	out := &rule{anyone: len(declared.From) == 0, ports: parsePorts(declared.Ports)}
	for i := range declared.From {
		parsed, err := parsePeer(namespace, &declared.From[i])
		if err != nil {
			return nil, fmt.Errorf("peer %d: %w", i, err)
		}
		out.peers = append(out.peers, parsed)
	}
	return out, nil
}
