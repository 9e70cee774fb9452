package offline

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/segmentation-dev/segmentation-operator/internal/audit"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

func (a *auditor) undeclaredPaths(n *Namespace) {
	in := &audit.NetworkInput{
		Name: n.Name, Labels: n.Labels, Own: n.Objects.Policies, Foreign: a.there[n.Name].foreign, Guards: a.guards,
	}
	if len(in.Foreign) == 0 && in.Guards == nil {
		return
	}
	key := audit.NetworkKey(in, audit.Digest(in.Own))
	opened, known := a.judged[key]
	if !known {
		opened = audit.Network(in)
		a.judged[key] = opened
	}
	for _, o := range opened {
		rule, kind := UndeclaredPath, "NetworkPolicy"
		if o.IsCluster {
			rule, kind = UndeclaredClusterPath, "ClusterNetworkPolicy"
		}
		a.find(Found{
			Rule: rule, Kind: kind, Namespace: n.Name, Name: o.Policy, Profile: n.Decision.Profile, Message: o.Message, Paths: o.Paths,
		})
	}
}

// blockedPaths finds the namespaces outside the tiers whose own policies do not let pass what a dependency declares.
func (a *auditor) blockedPaths() error {
	members := map[plan.TierOf][]*Namespace{}
	for i := range a.rendered.Namespaces {
		n := &a.rendered.Namespaces[i]
		if n.Decision.Outcome == claim.Claimed {
			of := plan.TierOf{Profile: n.Decision.Profile, Tier: n.Decision.Tier}
			members[of] = append(members[of], n)
		}
	}
	for of, in := range members {
		p := a.rendered.Profiles[of.Profile].Plan
		rules := p.Tier(of.Tier).Rules
		if p.DNS != nil {
			rules = append(slices.Clip(rules), dnsRule(p.DNS))
		}
		for i := range rules {
			if rules[i].Remote.Namespaces == nil {
				continue
			}
			if err := a.blockedRule(of, &rules[i], in); err != nil {
				return err
			}
		}
	}
	return nil
}

// dnsRule is what a profile declares about names.
func dnsRule(dns *plan.DNS) plan.Rule {
	return plan.Rule{
		Dependency: "dns", Direction: networkingv1.PolicyTypeEgress, Ports: dns.Ports,
		Remote: plan.Party{Namespaces: &plan.NamespaceSet{Names: []string{dns.Namespace}}, Pods: &dns.Pods},
	}
}

func (a *auditor) blockedRule(of plan.TierOf, rule *plan.Rule, members []*Namespace) error {
	for i := range a.rendered.Namespaces {
		peer := &a.rendered.Namespaces[i]
		if peer.Decision.Outcome != claim.Unclaimed || !chooses(rule.Remote.Namespaces, peer) {
			continue
		}
		policies := isolating(a.there[peer.Name].foreign, opposite(rule.Direction))
		if len(policies) == 0 {
			continue
		}
		closed, err := closedBy(policies, declaredBy(rule, members, peer.Name), members, peer)
		if err != nil {
			return fmt.Errorf("judging the policies of namespace %s: %w", peer.Name, err)
		}
		if len(closed) > 0 {
			a.find(Found{
				Rule: BlockedPath, Kind: "NetworkPolicy", Namespace: peer.Name, Name: policies[0].Name, Profile: of.Profile,
				Message: blockedMessage(of, rule, policies, closed),
			})
		}
	}
	return nil
}

func blockedMessage(of plan.TierOf, rule *plan.Rule, policies []*networkingv1.NetworkPolicy, closed []string) string {
	who := "NetworkPolicy " + policies[0].Name + " isolates its pods"
	if more := len(policies) - 1; more > 0 {
		who = fmt.Sprintf("NetworkPolicy %s and %d more isolate their pods", policies[0].Name, more)
	}
	more := ""
	if n := len(closed) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	declared := fmt.Sprintf("dependency %s of profile %s declares for tier %s", rule.Dependency, of.Profile, of.Tier)
	if rule.Dependency == "dns" {
		declared = fmt.Sprintf("dns of profile %s declares for tier %s", of.Profile, of.Tier)
	}
	return fmt.Sprintf("%s, and no policy there allows what %s: %s%s; allow it there, or take it out of the profile",
		who, declared, closed[0], more)
}

// chooses tells whether a set of namespaces has one.
func chooses(set *plan.NamespaceSet, n *Namespace) bool {
	if set.Selector == nil {
		return slices.Contains(set.Names, n.Name)
	}
	selector, err := metav1.LabelSelectorAsSelector(set.Selector)
	return err == nil && selector.Matches(labels.Merge(n.Labels, labels.Set{corev1.LabelMetadataName: n.Name}))
}

func opposite(direction networkingv1.PolicyType) networkingv1.PolicyType {
	if direction == networkingv1.PolicyTypeIngress {
		return networkingv1.PolicyTypeEgress
	}
	return networkingv1.PolicyTypeIngress
}

// isolating are the policies that isolate pods in a direction, sorted by name.
func isolating(policies []*networkingv1.NetworkPolicy, direction networkingv1.PolicyType) []*networkingv1.NetworkPolicy {
	var out []*networkingv1.NetworkPolicy
	for _, p := range policies {
		if slices.Contains(reach.PolicyTypes(&p.Spec), direction) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *networkingv1.NetworkPolicy) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// declaredBy are policies that let nothing pass but what one rule opens to or from one namespace.
func declaredBy(rule *plan.Rule, members []*Namespace, peer string) []*networkingv1.NetworkPolicy {
	to := []networkingv1.NetworkPolicyPeer{{
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: peer}},
		PodSelector:       rule.Remote.Pods,
	}}
	spec := networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{rule.Direction}}
	if rule.Pods != nil {
		spec.PodSelector = *rule.Pods
	}
	if rule.Direction == networkingv1.PolicyTypeEgress {
		spec.Egress = []networkingv1.NetworkPolicyEgressRule{{To: to, Ports: rule.Ports}}
	} else {
		spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{From: to, Ports: rule.Ports}}
	}
	out := make([]*networkingv1.NetworkPolicy, 0, 2*len(members))
	for _, m := range members {
		meta := metav1.ObjectMeta{Namespace: m.Name, Name: "declared"}
		deny := &networkingv1.NetworkPolicy{ObjectMeta: meta}
		deny.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
		out = append(out, deny, &networkingv1.NetworkPolicy{ObjectMeta: meta, Spec: spec})
	}
	return out
}

// closedBy are the lines of what policies of a namespace close.
func closedBy(policies, declared []*networkingv1.NetworkPolicy, members []*Namespace, peer *Namespace) ([]string, error) {
	namespaces := append(make([]reach.Namespace, 0, 1+len(members)), reach.Namespace{Name: peer.Name, Labels: peer.Labels})
	for _, m := range members {
		namespaces = append(namespaces, reach.Namespace{Name: m.Name, Labels: m.Labels})
	}
	before, err := reach.New(namespaces, declared)
	if err != nil {
		return nil, err
	}
	after, err := reach.New(namespaces, slices.Concat(declared, policies))
	if err != nil {
		return nil, err
	}
	difference, err := reach.Compare(before, after)
	if err != nil {
		return nil, err
	}
	isMember := func(p reach.PartyText) bool { return len(p.Namespaces) > 0 && p.Namespaces[0] != peer.Name }
	var out []string
	for _, said := range difference.Said() {
		if !said.Opened && (isMember(said.From) || isMember(said.To)) {
			out = append(out, fmt.Sprintf("%s to %s on %s", said.From, said.To, said.Ports))
		}
	}
	return out, nil
}
