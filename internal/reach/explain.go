package reach

import (
	"fmt"
	"strings"

	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// Reason is why one side lets a flow pass or does not.
type Reason int

// The reasons. All but NoRule and DeniedByClusterPolicy let the flow pass.
const (
	// NotIsolated: no policy selects the pod in this direction, and so all of it passes.
	NotIsolated Reason = iota
	// ByRule: a rule of a policy that selects the pod has the flow.
	ByRule
	// NoRule: policies select the pod in this direction, and no rule of theirs has the flow.
	NoRule
	// SamePod: the pod calls itself, which no policy can forbid.
	SamePod
	// NoPod: the end is an address outside, which has no policies.
	NoPod
	// OnHostNetwork: the pod is on its node's network, where no policy selects it.
	OnHostNetwork
	// AcceptedByClusterPolicy: a rule of a ClusterNetworkPolicy accepts the flow.
	AcceptedByClusterPolicy
	// DeniedByClusterPolicy: a rule of a ClusterNetworkPolicy denies the flow.
	DeniedByClusterPolicy
)

// Side is what decides over one side of a flow.
type Side struct {
	// Reason is why the flow passes or does not.
	Reason Reason
	// Namespace is the namespace of the pod at this side, and of its policies.
	Namespace string
	// Policies are the names of the policies that decide: with ByRule the one that lets the
	// flow pass; with NoRule all that isolate the pod in this direction; with the reasons of
	// ClusterNetworkPolicies the one that accepts or denies.
	Policies []string
	// Rule is the place of the rule in the policy's list, from 0, with ByRule and with the
	// reasons of ClusterNetworkPolicies.
	Rule int
	// RuleName is the name of the rule of a ClusterNetworkPolicy, if it has one.
	RuleName string
	// Tier and Priority are those of the ClusterNetworkPolicy.
	Tier     policyv1alpha2.Tier
	Priority int32
	// FailsClosed is set if that denies for a rule that it has and that cannot be judged.
	FailsClosed bool
	// Egress is set for the calling side.
	Egress bool
}

// Allowed tells whether the side lets the flow pass.
func (s Side) Allowed() bool {
	return s.Reason != NoRule && s.Reason != DeniedByClusterPolicy
}

// String says it in a few words: "by egress[1] of shop/segmentation".
func (s Side) String() string {
	word := "ingress"
	if s.Egress {
		word = "egress"
	}
	switch s.Reason {
	case ByRule:
		return fmt.Sprintf("%s allowed by %s[%d] of policy %s/%s", word, word, s.Rule, s.Namespace, s.Policies[0])
	case NoRule:
		return fmt.Sprintf("%s denied: isolated by %s in namespace %s, and no rule of theirs matches",
			word, strings.Join(s.Policies, ", "), s.Namespace)
	case AcceptedByClusterPolicy:
		return fmt.Sprintf("%s accepted by %s", word, s.clusterRule(word))
	case DeniedByClusterPolicy:
		text := fmt.Sprintf("%s denied by %s", word, s.clusterRule(word))
		if s.FailsClosed {
			text += ", which has peers or protocols that are not judged, and so denies all"
		}
		return text
	case SamePod:
		return word + " allowed: a pod always reaches itself"
	case NoPod:
		return word + " allowed: the end is outside, and no policy applies to it"
	case OnHostNetwork:
		return word + " allowed: the pod is on the host network, and no policy applies to it"
	default:
		return fmt.Sprintf("%s allowed: no policy in namespace %s selects the pod in this direction", word, s.Namespace)
	}
}

// clusterRule names a rule of a ClusterNetworkPolicy.
func (s Side) clusterRule(word string) string {
	name := ""
	if s.RuleName != "" {
		name = fmt.Sprintf(" (%s)", s.RuleName)
	}
	return fmt.Sprintf("%s[%d]%s of ClusterNetworkPolicy %s (%s tier, priority %d)",
		word, s.Rule, name, s.Policies[0], s.Tier, s.Priority)
}

// Explanation says which rule decides over a flow, at each side.
type Explanation struct {
	// Egress is the side of the end that calls.
	Egress Side
	// Ingress is the side of the end that is called.
	Ingress Side
}

// Verdict is what Cluster.Allowed says about the flow.
func (e Explanation) Verdict() Verdict {
	return Verdict{Egress: e.Egress.Allowed(), Ingress: e.Ingress.Allowed()}
}

// String says it in two lines.
func (e Explanation) String() string {
	return e.Egress.String() + "\n" + e.Ingress.String()
}

// Explain judges a flow as Allowed does, and says why. Of several rules that let it pass it
// names the first, in the order in which policies were given to New.
func (c *Cluster) Explain(f Flow) Explanation {
	if samePod(f.From.Pod, f.To.Pod) {
		return Explanation{
			Egress:  Side{Reason: SamePod, Namespace: f.From.Pod.Namespace, Egress: true},
			Ingress: Side{Reason: SamePod, Namespace: f.To.Pod.Namespace},
		}
	}
	var first Explanation
	for i, r := range c.routes(nil, f) {
		out := Explanation{Egress: r.explain(egress, f.From), Ingress: r.explain(ingress, f.To)}
		if out.Verdict().Allowed() {
			return out
		}
		if i == 0 {
			first = out
		}
	}
	return first
}

// explain says what decides over one side of a route; near is the end of the flow there.
func (r *route) explain(d direction, near Endpoint) Side {
	out := Side{Egress: d == egress}
	switch {
	case near.Pod == nil:
		out.Reason = NoPod
		return out
	case near.Pod.HostNetwork:
		out.Reason, out.Namespace = OnHostNetwork, near.Pod.Namespace
		return out
	}
	out.Namespace = near.Pod.Namespace
	at := r.to
	if d == egress {
		at = r.from
	}
	policies := at.namespace.policies
	switch ruled := r.ruling(d); {
	case ruled.guarded.final():
		return guardedSide(out, ruled.guarded)
	case !ruled.isolated:
		out.Reason = NotIsolated
	case ruled.allowed():
		out.Reason, out.Policies, out.Rule = ByRule, []string{policies[ruled.by].name}, ruled.rule
	default:
		out.Reason = NoRule
		for _, p := range policies {
			if p.spec.selects(near.Pod, d) {
				out.Policies = append(out.Policies, p.name)
			}
		}
	}
	return out
}

// guardedSide is a side that a ClusterNetworkPolicy decides over.
func guardedSide(side Side, by decided) Side {
	side.Reason = DeniedByClusterPolicy
	if by.action == accept {
		side.Reason = AcceptedByClusterPolicy
	}
	side.Policies, side.Rule, side.RuleName = []string{by.by.name}, by.rule.place, by.rule.name
	side.Tier, side.Priority, side.FailsClosed = by.by.tier, by.by.priority, by.rule.unjudged
	return side
}
