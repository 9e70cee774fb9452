package guardrail

import (
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

type (
	ingressRule = policyv1alpha2.ClusterNetworkPolicyIngressRule
	egressRule  = policyv1alpha2.ClusterNetworkPolicyEgressRule
)

// build makes the object of a part.
func (g *Guard) build(l *lane, name string, p *part) placed {
	entries := make([]string, 0, len(p.units))
	exact := g.object(name, l.tier, nil)
	exact.Spec.Subject = l.subject
	added := map[string]bool{}
	for i := range p.units {
		u := &p.units[i]
		entries = append(entries, u.entry)
		for k := range u.rules {
			if key := string(u.direction) + u.rules[k].key; !added[key] { // Two dependencies may say the same.
				added[key] = true
				addRule(exact, u, &u.rules[k])
			}
		}
	}
	slices.Sort(entries)
	exact.Annotations = g.object(name, l.tier, slices.Compact(entries)).Annotations
	sortRules(exact)
	out := placed{exact: exact, wide: exact.DeepCopy(), lacks: p.have == nil}
	had := newPart(l, p.have)
	for i := range p.units {
		out.lacks = out.lacks || !had.has(p.units[i])
	}
	if p.have != nil {
		keepRules(out.wide, had, p.have, added)
		sortRules(out.wide)
	}
	return out
}

const pass = policyv1alpha2.ClusterNetworkPolicyRuleActionPass

// addRule adds a rule.
func addRule(to *policyv1alpha2.ClusterNetworkPolicy, u *unit, r *rule) {
	if u.direction == networkingv1.PolicyTypeIngress {
		to.Spec.Ingress = append(to.Spec.Ingress, ingressRule{Name: u.entry, Action: pass, From: r.from(), Protocols: r.protocols})
		return
	}
	to.Spec.Egress = append(to.Spec.Egress, egressRule{Name: u.entry, Action: pass, To: r.to(), Protocols: r.protocols})
}

// keyOfIngress and keyOfEgress tell rules of one object apart. Of the same peers and ports they are the same.
func keyOfIngress(r *ingressRule) string { return render.Key([]any{r.From, r.Protocols}) }

func keyOfEgress(r *egressRule) string { return render.Key([]any{r.To, r.Protocols}) }

// keepRules adds the rules that an object has and that pass, if they are the lane's and not there already.
func keepRules(to *policyv1alpha2.ClusterNetworkPolicy, had *part, have *policyv1alpha2.ClusterNetworkPolicy, added map[string]bool) {
	isKept := func(direction networkingv1.PolicyType, key string, action policyv1alpha2.ClusterNetworkPolicyRuleAction) bool {
		return action == pass && had.rules[direction][key] && !added[string(direction)+key]
	}
	for i := range have.Spec.Ingress {
		if r := &have.Spec.Ingress[i]; isKept(networkingv1.PolicyTypeIngress, keyOfIngress(r), r.Action) {
			to.Spec.Ingress = append(to.Spec.Ingress, *r.DeepCopy())
		}
	}
	for i := range have.Spec.Egress {
		if r := &have.Spec.Egress[i]; isKept(networkingv1.PolicyTypeEgress, keyOfEgress(r), r.Action) {
			to.Spec.Egress = append(to.Spec.Egress, *r.DeepCopy())
		}
	}
}

// sortRules sorts rules. All of them pass, so that their order means nothing.
func sortRules(policy *policyv1alpha2.ClusterNetworkPolicy) {
	slices.SortFunc(policy.Spec.Ingress, func(a, b ingressRule) int {
		if a.Name != b.Name {
			return strings.Compare(a.Name, b.Name)
		}
		return strings.Compare(keyOfIngress(&a), keyOfIngress(&b))
	})
	slices.SortFunc(policy.Spec.Egress, func(a, b egressRule) int {
		if a.Name != b.Name {
			return strings.Compare(a.Name, b.Name)
		}
		return strings.Compare(keyOfEgress(&a), keyOfEgress(&b))
	})
}
