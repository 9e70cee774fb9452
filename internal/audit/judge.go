package audit

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// networkJudge judges the policies of others in one namespace.
type networkJudge struct {
	in      *NetworkInput
	foreign []*networkingv1.NetworkPolicy
	// pairs were compared so far.
	pairs int
}

// judge returns nil if a policy opens nothing that is not declared.
func (j *networkJudge) judge(p *networkingv1.NetworkPolicy) *OpenedPaths {
	told := opened{kind: kindNetworkPolicy, policy: p.Name}
	for _, direction := range []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress} {
		if own := only(p, direction); own != nil && !told.uncompared {
			j.judgeDirection(own, direction, &told)
		}
	}
	return told.report()
}

// judgeDirection compares the namespace without and with one direction of a policy. With what others open in the other
// direction, in both: that is open whatever this policy says. What ClusterNetworkPolicies of others accept in the direction
// is told of by itself.
func (j *networkJudge) judgeDirection(one *networkingv1.NetworkPolicy, direction networkingv1.PolicyType, told *opened) {
	before := j.withOthers(direction)
	after := append(slices.Clip(before), one)
	if partsOf(after[len(j.in.Own):]) > maxParts || j.pairs > maxPairs {
		told.uncompared = true
		return
	}
	guards := j.in.guards(direction, func(g *guardPolicy, action guardAction) bool {
		return isOwnGuard(g) || action != policyv1alpha2.ClusterNetworkPolicyRuleActionAccept
	})
	// A named port is one of a pod: such a rule opens nothing but to pods that have the addresses.
	anywhere := hasNamedPortsOfAddresses(one)
	j.compare(&state{before, guards}, &state{after, guards}, anywhere, direction, told)
	if told.uncompared && len(guards) > 0 {
		// Without them more is open, and it is better to say too much.
		told.uncompared = false
		j.compare(&state{before, nil}, &state{after, nil}, anywhere, direction, told)
	}
}

// withOthers are the operator's policies, and what others do in the other direction.
func (j *networkJudge) withOthers(direction networkingv1.PolicyType) []*networkingv1.NetworkPolicy {
	out := placed(j.in.Own)
	for _, p := range j.foreign {
		if other := only(p, opposite(direction)); other != nil {
			out = append(out, other)
		}
	}
	return out
}

// state is a namespace with its policies, and with those of the cluster.
type state struct {
	policies []*networkingv1.NetworkPolicy
	guards   []*guardPolicy
}

// compare tells what is open in the second state and not in the first.
func (j *networkJudge) compare(before, after *state, anywhere bool, direction networkingv1.PolicyType, told *opened) {
	strangers, difference, err := j.difference(before, after, anywhere)
	if err != nil {
		// What is too much takes its time, too.
		j.pairs += maxPairs / maxFailures
		told.uncompared = true
		return
	}
	j.pairs += difference.Counts().Pairs
	told.add(direction, difference.Said(), strangers)
}

func (j *networkJudge) difference(before, after *state, anywhere bool) (
	strangers *reach.Strangers, difference *reach.Difference, err error,
) {
	if strangers, err = reach.NewTieredStrangers(after.policies, after.guards, j.in.Name, maxClasses); err != nil {
		return nil, nil, err
	}
	namespaces := append(slices.Clip(strangers.Namespaces), reach.Namespace{Name: ThisNamespace, Labels: j.in.labels()})
	without, err := reach.NewTiered(namespaces, before.policies, before.guards)
	if err != nil {
		return nil, nil, err
	}
	with, err := reach.NewTiered(namespaces, after.policies, after.guards)
	if err != nil {
		return nil, nil, err
	}
	options := []reach.Option{reach.MaxClasses(maxClasses)}
	if anywhere {
		options = append(options, reach.PodsAnywhere())
	}
	difference, err = reach.Compare(without, with, options...)
	return strangers, difference, err
}

// placed are policies in the namespace that is judged.
func placed(policies []*networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy {
	out := make([]*networkingv1.NetworkPolicy, 0, len(policies)+1)
	for _, p := range policies {
		out = append(out, &networkingv1.NetworkPolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: ThisNamespace, Name: p.Name}, Spec: p.Spec,
		})
	}
	return out
}

func opposite(direction networkingv1.PolicyType) networkingv1.PolicyType {
	if direction == networkingv1.PolicyTypeIngress {
		return networkingv1.PolicyTypeEgress
	}
	return networkingv1.PolicyTypeIngress
}

// hasNamedPortsOfAddresses tells whether a policy lets pods call named ports of addresses.
func hasNamedPortsOfAddresses(p *networkingv1.NetworkPolicy) bool {
	return slices.ContainsFunc(p.Spec.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool {
		return slices.ContainsFunc(r.To, func(peer networkingv1.NetworkPolicyPeer) bool { return peer.IPBlock != nil }) &&
			slices.ContainsFunc(r.Ports, func(port networkingv1.NetworkPolicyPort) bool {
				return port.Port != nil && port.Port.StrVal != ""
			})
	})
}

// partsOf counts what makes the judgement of policies expensive.
func partsOf(policies []*networkingv1.NetworkPolicy) int {
	n := 0
	selector := func(s *metav1.LabelSelector) {
		if s == nil {
			return
		}
		n += len(s.MatchLabels)
		for i := range s.MatchExpressions {
			n += 1 + len(s.MatchExpressions[i].Values)
		}
	}
	rule := func(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) {
		n += 1 + len(peers) + len(ports)
		for i := range peers {
			selector(peers[i].NamespaceSelector)
			selector(peers[i].PodSelector)
			if peers[i].IPBlock != nil {
				n += len(peers[i].IPBlock.Except)
			}
		}
	}
	for _, p := range policies {
		selector(&p.Spec.PodSelector)
		for i := range p.Spec.Ingress {
			rule(p.Spec.Ingress[i].From, p.Spec.Ingress[i].Ports)
		}
		for i := range p.Spec.Egress {
			rule(p.Spec.Egress[i].To, p.Spec.Egress[i].Ports)
		}
	}
	return n
}
