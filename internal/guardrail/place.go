package guardrail

import (
	"maps"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// placed is an object of a lane: as it should be in the end, and as it should be on the way there, with the rules too that
// it has and should lose.
type placed struct {
	exact, wide *policyv1alpha2.ClusterNetworkPolicy
	// lacks is set if the object that is there lacks a rule, or is not there.
	lacks bool
}

// part is an object of a lane while its rules are placed.
type part struct {
	have *policyv1alpha2.ClusterNetworkPolicy
	// rules are those that it has, by direction and content; those of units that stay or come are in units.
	rules map[networkingv1.PolicyType]map[string]bool
	units []unit
}

// place puts the units of a lane into objects. A unit stays in the object that has it, so that a change of the profile
// never moves another rule: while it was in neither, what it passes would be denied. A new one goes where there is room
// beside all that an object has now.
func (g *Guard) place(l *lane, observed map[string]*policyv1alpha2.ClusterNetworkPolicy) []placed {
	parts := partsOf(l, observed)
	var homeless []unit
	for _, u := range sortUnits(l.units) {
		if at := slices.IndexFunc(parts, func(p *part) bool { return p != nil && p.has(u) }); at >= 0 {
			parts[at].units = append(parts[at].units, u)
			continue
		}
		homeless = append(homeless, u)
	}
	for _, u := range homeless {
		at := slices.IndexFunc(parts, func(p *part) bool { return p == nil || p.hasRoomFor(u) })
		if at < 0 {
			at = len(parts)
			parts = append(parts, nil)
		}
		if parts[at] == nil {
			parts[at] = newPart(l, nil)
		}
		parts[at].take(u)
	}
	var out []placed
	for i, p := range parts {
		if p != nil && len(p.units) > 0 {
			out = append(out, g.build(l, partName(l.name, i+1), p))
		}
	}
	return out
}

// partsOf are the objects of a lane that are there, by their places; nil for one that is not.
func partsOf(l *lane, observed map[string]*policyv1alpha2.ClusterNetworkPolicy) []*part {
	var out []*part
	for _, name := range slices.Sorted(maps.Keys(observed)) {
		number := partOf(l.name, name)
		if number == 0 || number > maxParts {
			continue
		}
		for len(out) < number {
			out = append(out, nil)
		}
		out[number-1] = newPart(l, observed[name])
	}
	return out
}

// maxParts bounds the objects of a lane: 512 dependencies need fewer by far.
const maxParts = 1000

// newPart reads what an object has. Rules for other pods than those of the lane, and rules that do not pass, are none of
// the operator's.
func newPart(l *lane, have *policyv1alpha2.ClusterNetworkPolicy) *part {
	out := &part{have: have, rules: map[networkingv1.PolicyType]map[string]bool{}}
	for _, direction := range directions() {
		out.rules[direction] = map[string]bool{}
	}
	if have == nil || !equality.Semantic.DeepEqual(have.Spec.Subject, l.subject) || have.Spec.Tier != policyv1alpha2.AdminTier {
		return out
	}
	for i := range have.Spec.Ingress {
		if r := &have.Spec.Ingress[i]; r.Action == policyv1alpha2.ClusterNetworkPolicyRuleActionPass {
			out.rules[networkingv1.PolicyTypeIngress][keyOfIngress(r)] = true
		}
	}
	for i := range have.Spec.Egress {
		if r := &have.Spec.Egress[i]; r.Action == policyv1alpha2.ClusterNetworkPolicyRuleActionPass {
			out.rules[networkingv1.PolicyTypeEgress][keyOfEgress(r)] = true
		}
	}
	return out
}

func (p *part) has(u unit) bool {
	return !slices.ContainsFunc(u.keys(), func(key string) bool { return !p.rules[u.direction][key] })
}

func (p *part) hasRoomFor(u unit) bool {
	room := maxRules - len(p.rules[u.direction])
	for _, key := range u.keys() {
		if !p.rules[u.direction][key] {
			room--
		}
	}
	return room >= 0
}

func (p *part) take(u unit) {
	for _, key := range u.keys() {
		p.rules[u.direction][key] = true
	}
	p.units = append(p.units, u)
}

// keys tell the rules of a unit from others, as they are in an object.
func (u *unit) keys() []string {
	out := make([]string, 0, len(u.rules))
	for i := range u.rules {
		out = append(out, u.rules[i].key)
	}
	return out
}

func (u *unit) key() string { return strings.Join(u.keys(), "\n") }

func (r *rule) from() []policyv1alpha2.ClusterNetworkPolicyIngressPeer {
	out := make([]policyv1alpha2.ClusterNetworkPolicyIngressPeer, 0, len(r.peers))
	for _, p := range r.peers {
		out = append(out, p.ingress())
	}
	return out
}

func (r *rule) to() []policyv1alpha2.ClusterNetworkPolicyEgressPeer {
	out := make([]policyv1alpha2.ClusterNetworkPolicyEgressPeer, 0, len(r.peers))
	for _, p := range r.peers {
		out = append(out, p.egress())
	}
	return out
}
