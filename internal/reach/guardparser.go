package reach

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// guards reads ClusterNetworkPolicies.
func (p *parser) guards(declared []*policyv1alpha2.ClusterNetworkPolicy) ([]*guard, error) {
	out := make([]*guard, 0, len(declared))
	for i, one := range declared {
		parsed, err := p.guard(one)
		if err != nil {
			return nil, fmt.Errorf("ClusterNetworkPolicy %s: %w", one.Name, err)
		}
		parsed.id = i
		out = append(out, parsed)
	}
	return out, nil
}

// guard reads a ClusterNetworkPolicy. Its rules are kept as those of NetworkPolicies are: their peers always say in which
// namespaces they look, so that none of them depends on where the subject is.
func (p *parser) guard(declared *policyv1alpha2.ClusterNetworkPolicy) (*guard, error) {
	spec := &declared.Spec
	if spec.Tier != policyv1alpha2.AdminTier && spec.Tier != policyv1alpha2.BaselineTier {
		return nil, fmt.Errorf("unknown tier %q", spec.Tier)
	}
	out := &guard{name: declared.Name, tier: spec.Tier, priority: spec.Priority}
	if err := p.subject(&spec.Subject, out); err != nil {
		return nil, fmt.Errorf("subject: %w", err)
	}
	for d, rules := range guardRulesOf(spec) {
		for i := range rules {
			parsed, err := p.guardRule(&rules[i])
			if err != nil {
				return nil, fmt.Errorf("%s rule %d: %w", []string{ingress: "ingress", egress: "egress"}[d], i, err)
			}
			if parsed == nil {
				continue // It has no flow.
			}
			parsed.place = i
			out.rules[d] = append(out.rules[d], *parsed)
		}
	}
	return out, nil
}

func (p *parser) subject(declared *policyv1alpha2.ClusterNetworkPolicySubject, into *guard) error {
	var namespaces, pods *metav1.LabelSelector
	switch {
	case declared.Namespaces != nil && declared.Pods == nil:
		namespaces, pods = declared.Namespaces, everyPod()
	case declared.Pods != nil && declared.Namespaces == nil:
		namespaces, pods = &declared.Pods.NamespaceSelector, &declared.Pods.PodSelector
	default:
		return errors.New("it needs one of namespaces and pods")
	}
	var err error
	if into.namespaces, err = p.namespaces.of(namespaces); err != nil {
		return fmt.Errorf("namespaces: %w", err)
	}
	if into.pods, err = p.pods.of(pods); err != nil {
		return fmt.Errorf("pods: %w", err)
	}
	return nil
}

// guardRulesOf are the rules of each direction. Those of ingress are written as those of egress, whose peers have all that
// theirs have.
func guardRulesOf(spec *policyv1alpha2.ClusterNetworkPolicySpec) [2][]policyv1alpha2.ClusterNetworkPolicyEgressRule {
	out := [2][]policyv1alpha2.ClusterNetworkPolicyEgressRule{egress: spec.Egress}
	for i := range spec.Ingress {
		r := &spec.Ingress[i]
		to := make([]policyv1alpha2.ClusterNetworkPolicyEgressPeer, 0, len(r.From))
		for _, peer := range r.From {
			to = append(to, policyv1alpha2.ClusterNetworkPolicyEgressPeer{Namespaces: peer.Namespaces, Pods: peer.Pods})
		}
		out[ingress] = append(out[ingress], policyv1alpha2.ClusterNetworkPolicyEgressRule{
			Name: r.Name, Action: r.Action, To: to, Protocols: r.Protocols,
		})
	}
	return out
}

// guardRule reads a rule; nil for one that has no flow. What cannot be judged in it fails closed, as the API says of peers:
// a rule that accepts then has no flow, and any other one denies all.
func (p *parser) guardRule(declared *policyv1alpha2.ClusterNetworkPolicyEgressRule) (*guardRule, error) {
	out := &guardRule{name: declared.Name}
	switch declared.Action {
	case policyv1alpha2.ClusterNetworkPolicyRuleActionAccept:
		out.action = accept
	case policyv1alpha2.ClusterNetworkPolicyRuleActionDeny:
		out.action = deny
	case policyv1alpha2.ClusterNetworkPolicyRuleActionPass:
		out.action = pass
	default:
		return nil, fmt.Errorf("unknown action %q", declared.Action)
	}
	peers, arePeers := guardPeersOf(declared.To)
	ports, arePorts := guardPortsOf(declared.Protocols)
	if !arePeers || !arePorts {
		if out.action == accept {
			return nil, nil //nolint:nilnil // As the comment says.
		}
		peers, ports, out.action, out.unjudged = nil, nil, deny, true
	}
	var err error
	out.rule, err = p.rule(networkingv1.NetworkPolicyIngressRule{From: peers, Ports: ports})
	return out, err
}

// guardPeersOf are the peers of a rule as those of a NetworkPolicy. It is not ok if one cannot be judged, which are nodes,
// domain names, and those of which no field is known; nor if there is none, which the API does not take.
func guardPeersOf(declared []policyv1alpha2.ClusterNetworkPolicyEgressPeer) (out []networkingv1.NetworkPolicyPeer, ok bool) {
	for i := range declared {
		peers := guardPeers(&declared[i])
		if peers == nil {
			return nil, false
		}
		out = append(out, peers...)
	}
	return out, len(out) > 0
}

// guardPeers are one peer, by the one field that it has; nil if it cannot be judged.
func guardPeers(declared *policyv1alpha2.ClusterNetworkPolicyEgressPeer) []networkingv1.NetworkPolicyPeer {
	var out []networkingv1.NetworkPolicyPeer
	fields := 0
	if declared.Namespaces != nil {
		fields++
		out = append(out, networkingv1.NetworkPolicyPeer{NamespaceSelector: declared.Namespaces})
	}
	if declared.Pods != nil {
		fields++
		out = append(out, networkingv1.NetworkPolicyPeer{
			NamespaceSelector: &declared.Pods.NamespaceSelector, PodSelector: &declared.Pods.PodSelector,
		})
	}
	if len(declared.Networks) > 0 {
		fields++
	}
	for _, network := range declared.Networks {
		out = append(out, networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: string(network)}})
	}
	if fields != 1 || declared.Nodes != nil || len(declared.DomainNames) > 0 {
		return nil
	}
	return out
}

// guardPortsOf are the ports of a rule as those of a NetworkPolicy; none for every port. It is not ok if one cannot be
// judged: it says nothing that is known.
func guardPortsOf(declared []policyv1alpha2.ClusterNetworkPolicyProtocol) (out []networkingv1.NetworkPolicyPort, ok bool) {
	for i := range declared {
		one := &declared[i]
		var said []networkingv1.NetworkPolicyPort
		if one.TCP != nil {
			said = append(said, guardPort(corev1.ProtocolTCP, one.TCP.DestinationPort))
		}
		if one.UDP != nil {
			said = append(said, guardPort(corev1.ProtocolUDP, one.UDP.DestinationPort))
		}
		if one.SCTP != nil {
			said = append(said, guardPort(corev1.ProtocolSCTP, one.SCTP.DestinationPort))
		}
		isNamed := one.DestinationNamedPort != ""
		if len(said) != 1 && !isNamed || len(said) > 0 && (isNamed || said[0].Port == nil) {
			return nil, false
		}
		out = append(out, said...)
		if !isNamed {
			continue
		}
		port := intstr.FromString(one.DestinationNamedPort)
		for _, protocol := range protocols() {
			out = append(out, networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &port})
		}
	}
	return out, true
}

// guardPort is a number or a range; without a port if it is neither, or both.
func guardPort(protocol corev1.Protocol, declared *policyv1alpha2.Port) networkingv1.NetworkPolicyPort {
	out := networkingv1.NetworkPolicyPort{Protocol: &protocol}
	switch {
	case declared == nil:
	case declared.Range == nil && declared.Number != 0:
		out.Port = new(intstr.FromInt32(declared.Number))
	case declared.Range != nil && declared.Number == 0:
		out.Port, out.EndPort = new(intstr.FromInt32(declared.Range.Start)), &declared.Range.End
	}
	return out
}
