package audit

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

type (
	guardAction = policyv1alpha2.ClusterNetworkPolicyRuleAction
	guardPolicy = policyv1alpha2.ClusterNetworkPolicy
)

const denies = policyv1alpha2.ClusterNetworkPolicyRuleActionDeny

// Guards are the ClusterNetworkPolicies of a cluster, whoever wrote them. They are made once for all namespaces. Nil has
// none.
type Guards struct {
	all    []*guardPolicy
	digest string
}

// NewGuards takes the ClusterNetworkPolicies of a cluster. Those with the operator's label are its own.
func NewGuards(policies []*policyv1alpha2.ClusterNetworkPolicy) *Guards {
	if len(policies) == 0 {
		return nil
	}
	all := slices.SortedFunc(slices.Values(policies), func(a, b *guardPolicy) int { return cmp.Compare(a.Name, b.Name) })
	type said struct {
		Name  string
		IsOwn bool
		Spec  policyv1alpha2.ClusterNetworkPolicySpec
	}
	parts := make([]said, 0, len(all))
	for _, g := range all {
		parts = append(parts, said{g.Name, isOwnGuard(g), g.Spec})
	}
	return &Guards{all: all, digest: hashOf(parts)}
}

// Digest tells guards from others; it is empty if there are none.
func (g *Guards) Digest() string {
	if g == nil {
		return ""
	}
	return g.digest
}

func (g *Guards) list() []*guardPolicy {
	if g == nil {
		return nil
	}
	return g.all
}

func isOwnGuard(g *guardPolicy) bool {
	return g.Labels[v1alpha1.ManagedByLabel] == v1alpha1.ManagedByValue
}

// openingGuards are the ClusterNetworkPolicies of others that may open something: whose subject has pods of the namespace,
// and that have a rule which does not deny.
func (in *NetworkInput) openingGuards() []*guardPolicy {
	var out []*guardPolicy
	for _, g := range in.Guards.list() {
		if !isOwnGuard(g) && (opens(g, networkingv1.PolicyTypeIngress) || opens(g, networkingv1.PolicyTypeEgress)) && in.isSubject(g) {
			out = append(out, g)
		}
	}
	return out
}

// isSubject tells whether a ClusterNetworkPolicy is about pods of the namespace.
func (in *NetworkInput) isSubject(g *guardPolicy) bool {
	selector, err := metav1.LabelSelectorAsSelector(namespacesOf(&g.Spec.Subject))
	return err == nil && selector.Matches(in.labels())
}

// namespacesOf is the selector of namespaces of a subject; nil if it has none.
func namespacesOf(s *policyv1alpha2.ClusterNetworkPolicySubject) *metav1.LabelSelector {
	if s.Pods != nil {
		return &s.Pods.NamespaceSelector
	}
	return s.Namespaces
}

// opens tells whether a ClusterNetworkPolicy has a rule of a direction that does not deny.
func opens(g *guardPolicy, direction networkingv1.PolicyType) bool {
	kept := ofDirection(g, direction, func(action guardAction) bool { return action != denies })
	return len(kept.Spec.Ingress)+len(kept.Spec.Egress) > 0
}

// ofDirection is a ClusterNetworkPolicy with some of its rules of one direction, in their order, and none of the other.
func ofDirection(g *guardPolicy, direction networkingv1.PolicyType, keep func(guardAction) bool) *guardPolicy {
	out := &guardPolicy{ObjectMeta: metav1.ObjectMeta{Name: g.Name}, Spec: g.Spec}
	out.Spec.Ingress, out.Spec.Egress = nil, nil
	if direction == networkingv1.PolicyTypeIngress {
		for i := range g.Spec.Ingress {
			if keep(g.Spec.Ingress[i].Action) {
				out.Spec.Ingress = append(out.Spec.Ingress, g.Spec.Ingress[i])
			}
		}
		return out
	}
	for i := range g.Spec.Egress {
		if keep(g.Spec.Egress[i].Action) {
			out.Spec.Egress = append(out.Spec.Egress, g.Spec.Egress[i])
		}
	}
	return out
}

// guards are all ClusterNetworkPolicies, with those of their rules of one direction that are kept. In that direction they
// are about this namespace alone, and so are those of the Baseline tier in both: whether NetworkPolicies override them in
// another namespace is not known.
func (in *NetworkInput) guards(direction networkingv1.PolicyType, keep func(*guardPolicy, guardAction) bool) []*guardPolicy {
	out := make([]*guardPolicy, 0, 2*len(in.Guards.list()))
	add := func(g *guardPolicy, isHere bool) {
		if len(g.Spec.Ingress)+len(g.Spec.Egress) == 0 {
			return
		}
		if isHere || g.Spec.Tier == policyv1alpha2.BaselineTier {
			g.Spec.Subject = in.here(g.Spec.Subject)
		}
		out = append(out, g)
	}
	for _, g := range in.Guards.list() {
		add(ofDirection(g, opposite(direction), func(guardAction) bool { return true }), false)
		add(ofDirection(g, direction, func(action guardAction) bool { return keep(g, action) }), true)
	}
	return out
}

// here is a subject as far as it is in this namespace.
func (in *NetworkInput) here(s policyv1alpha2.ClusterNetworkPolicySubject) policyv1alpha2.ClusterNetworkPolicySubject {
	narrowed := metav1.LabelSelector{}
	if of := namespacesOf(&s); of != nil {
		narrowed = *of
	}
	narrowed.MatchExpressions = append(slices.Clip(narrowed.MatchExpressions), metav1.LabelSelectorRequirement{
		Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpIn, Values: []string{in.Name},
	})
	if s.Pods != nil {
		s.Pods = &policyv1alpha2.NamespacedPod{NamespaceSelector: narrowed, PodSelector: s.Pods.PodSelector}
	} else {
		s.Namespaces = &narrowed
	}
	return s
}

// judgeGuard compares the namespace without and with what a ClusterNetworkPolicy of somebody else's does in each direction.
// Of others only what they deny counts there: what one accepts or passes on, another one may open too, and both are told of.
func (j *networkJudge) judgeGuard(g *guardPolicy) *OpenedPaths {
	told := opened{kind: kindClusterNetworkPolicy, policy: g.Name}
	for _, direction := range []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress} {
		if !opens(g, direction) || told.uncompared {
			continue
		}
		policies := j.withOthers(direction)
		before := j.in.guards(direction, func(of *guardPolicy, _ guardAction) bool { return isOwnGuard(of) })
		after := j.in.guards(direction, func(of *guardPolicy, action guardAction) bool {
			return isOwnGuard(of) || of == g || action == denies
		})
		if j.pairs > maxPairs || partsOf(policies[len(j.in.Own):]) > maxParts {
			told.uncompared = true
			continue
		}
		j.compare(&state{policies, before}, &state{policies, after}, false, direction, &told)
	}
	return told.report()
}

// noteGuards takes note of the labels that selectors in ClusterNetworkPolicies ask for.
func noteGuards(policies []*guardPolicy, see func(*metav1.LabelSelector)) {
	peer := func(namespaces *metav1.LabelSelector, pods *policyv1alpha2.NamespacedPod) {
		see(namespaces)
		if pods != nil {
			see(&pods.NamespaceSelector)
		}
	}
	for _, g := range policies {
		see(namespacesOf(&g.Spec.Subject))
		for i := range g.Spec.Ingress {
			for _, p := range g.Spec.Ingress[i].From {
				peer(p.Namespaces, p.Pods)
			}
		}
		for i := range g.Spec.Egress {
			for _, p := range g.Spec.Egress[i].To {
				peer(p.Namespaces, p.Pods)
			}
		}
	}
}
