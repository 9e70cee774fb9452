package render

import (
	"cmp"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// basePolicy is the policy of all pods of a namespace: it denies both ways, and allows name
// resolution, the tier's internal traffic, and every dependency that names no pods on this
// side.
func basePolicy(m metadata) *networkingv1.NetworkPolicy {
	egress := append(dnsOpenings(m.plan.DNS), internalOpenings(m)...)
	ingress := internalOpenings(m)
	declaredBy := []string{"tier/" + m.tier.Name}
	if m.plan.DNS != nil {
		declaredBy = append(declaredBy, "dns")
	}
	names := []string{}
	for i := range m.tier.Rules {
		rule := &m.tier.Rules[i]
		if rule.Pods != nil || rule.Service != "" {
			continue
		}
		names = append(names, "dependency/"+rule.Dependency)
		if rule.Direction == networkingv1.PolicyTypeEgress {
			egress = append(egress, dependencyOpening(m, rule))
		} else {
			ingress = append(ingress, dependencyOpening(m, rule))
		}
	}
	slices.Sort(names)
	policy := m.policy(Prefix, append(declaredBy, slices.Compact(names)...)...)
	policy.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	policy.Spec.Ingress = ingressRules(ingress)
	policy.Spec.Egress = egressRules(egress)
	return policy
}

// podPolicies are the policies of the sides of dependencies that name pods on that side. One is
// named for the dependency and the side, so that no other change of the profile renames it.
func podPolicies(m metadata) []*networkingv1.NetworkPolicy {
	var order []string
	policies, openings := map[string]*networkingv1.NetworkPolicy{}, map[string][]opening{}
	for i := range m.tier.Rules {
		rule := &m.tier.Rules[i]
		if rule.Pods == nil {
			continue
		}
		name := PodPolicyName(rule.Dependency, rule.Direction)
		if policies[name] == nil {
			policy := m.policy(name, "tier/"+m.tier.Name, "dependency/"+rule.Dependency)
			policy.Spec.PodSelector = *rule.Pods
			policy.Spec.PolicyTypes = []networkingv1.PolicyType{rule.Direction}
			policies[name] = policy
			order = append(order, name)
		}
		openings[name] = append(openings[name], dependencyOpening(m, rule))
	}
	out := make([]*networkingv1.NetworkPolicy, 0, len(order))
	for _, name := range order {
		policy := policies[name]
		if policy.Spec.PolicyTypes[0] == networkingv1.PolicyTypeEgress {
			policy.Spec.Egress = egressRules(openings[name])
		} else {
			policy.Spec.Ingress = ingressRules(openings[name])
		}
		out = append(out, policy)
	}
	return out
}

// PodPolicyName is the name of the policy of one side of a dependency.
func PodPolicyName(dependency string, direction networkingv1.PolicyType) string {
	return Prefix + "-" + dependency + "-" + strings.ToLower(string(direction))
}

// policy begins a policy.
func (m metadata) policy(name string, declaredBy ...string) *networkingv1.NetworkPolicy {
	policy := newPolicy(m.object(name, declaredBy...))
	policy.OwnerReferences = m.policyOwners()
	return policy
}

func newPolicy(meta metav1.ObjectMeta) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: networkingv1.SchemeGroupVersion.String(), Kind: "NetworkPolicy"},
		ObjectMeta: meta,
	}
}

// opening is what one rule of a NetworkPolicy opens. Peers are never empty: NetworkPolicy
// takes a rule without peers to mean everybody.
type opening struct {
	// order places the rule among the others.
	order string
	peers []networkingv1.NetworkPolicyPeer
	// ports are the ports; empty means every port of every protocol.
	ports []networkingv1.NetworkPolicyPort
}

func dependencyOpening(m metadata, rule *plan.Rule) opening {
	return opening{order: rule.Dependency, peers: partyPeers(m, &rule.Remote), ports: rule.Ports}
}

// merge joins openings with the same peers. Without it, a profile in which many dependencies
// name one peer with many addresses could grow into a policy larger than etcd takes.
func merge(openings []opening) []opening {
	byPeers := map[string]*opening{}
	for i := range openings {
		o := &openings[i]
		if len(o.peers) == 0 {
			continue
		}
		key := Key(o.peers)
		merged, seen := byPeers[key]
		if !seen {
			first := *o
			first.ports = slices.Clone(o.ports)
			byPeers[key] = &first
			continue
		}
		merged.order = min(merged.order, o.order)
		if len(merged.ports) == 0 || len(o.ports) == 0 {
			merged.ports = nil
			continue
		}
		merged.ports = append(merged.ports, o.ports...)
	}
	return sorted(byPeers)
}

func sorted(byPeers map[string]*opening) []opening {
	type keyed struct {
		key string
		opening
	}
	list := make([]keyed, 0, len(byPeers))
	for key, o := range byPeers {
		o.ports = sortPorts(o.ports)
		list = append(list, keyed{key, *o})
	}
	slices.SortFunc(list, func(a, b keyed) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.key, b.key))
	})
	out := make([]opening, 0, len(list))
	for _, k := range list {
		out = append(out, k.opening)
	}
	return out
}

func ingressRules(openings []opening) []networkingv1.NetworkPolicyIngressRule {
	merged := merge(openings)
	if len(merged) == 0 {
		return nil
	}
	rules := make([]networkingv1.NetworkPolicyIngressRule, 0, len(merged))
	for _, o := range merged {
		rules = append(rules, networkingv1.NetworkPolicyIngressRule{From: o.peers, Ports: o.ports})
	}
	return rules
}

func egressRules(openings []opening) []networkingv1.NetworkPolicyEgressRule {
	merged := merge(openings)
	if len(merged) == 0 {
		return nil
	}
	rules := make([]networkingv1.NetworkPolicyEgressRule, 0, len(merged))
	for _, o := range merged {
		rules = append(rules, networkingv1.NetworkPolicyEgressRule{To: o.peers, Ports: o.ports})
	}
	return rules
}
