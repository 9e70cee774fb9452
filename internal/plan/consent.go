package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// A path between two profiles opens when both declare it, each from its side. One that is declared by one of them only
// is written nowhere, and found on both.

// consented returns the rule if the other profile declares the same path.
func (r *resolver) consented(t *Tier, rule *Rule) []Rule {
	other, known := r.facts.Others[rule.Remote.Profile]
	if known && other == nil {
		return []Rule{*rule} // It cannot be read, and what it wrote stays; so does this.
	}
	if known && other.declares(mirrored(r.plan.Profile, t.Name, rule)) {
		out := *rule
		out.Remote.Chosen = &other.Tier(rule.Remote.Tier).Namespaces
		return []Rule{out}
	}
	missing := fmt.Sprintf("profile %s is not there, or declares nothing as long as it is in Preview", rule.Remote.Profile)
	if known {
		missing = fmt.Sprintf("profile %s does not declare this path from its side", rule.Remote.Profile)
	}
	r.find(v1alpha1.ReasonPendingConsent, "", "dependency %s: %s; it opens nothing until its owner adds %s",
		rule.Dependency, missing, line(r.plan.Profile, t.Name, rule))
	return nil
}

// awaited finds the paths that other profiles declare and this one does not.
func (r *resolver) awaited() {
	for _, name := range slices.Sorted(maps.Keys(r.facts.Others)) {
		other := r.facts.Others[name]
		if other == nil || name == r.plan.Profile {
			continue
		}
		for i := range other.Tiers {
			for j := range other.Tiers[i].Declared {
				rule := &other.Tiers[i].Declared[j]
				if rule.Remote.Profile != r.plan.Profile || r.plan.declares(mirrored(name, other.Tiers[i].Name, rule)) {
					continue
				}
				r.find(v1alpha1.ReasonPendingConsent, "", "profile %s declares dependency %s with tier %s of this profile, which does not declare it "+
					"from its side; to open it, add %s", name, rule.Dependency, rule.Remote.Tier, line(name, other.Tiers[i].Name, rule))
			}
		}
	}
}

// Linked returns the other profiles to which the plan has paths, each once.
func (p *Plan) Linked() []string {
	var out []string
	for i := range p.Tiers {
		for j := range p.Tiers[i].Rules {
			if other := p.Tiers[i].Rules[j].Remote.Profile; other != "" && !slices.Contains(out, other) {
				out = append(out, other)
			}
		}
	}
	return out
}

// path is what a profile has to declare for a rule of another one.
type path struct {
	tier      string
	direction networkingv1.PolicyType
	// profile and remote are the profile and the tier on the other side.
	profile, remote string
	ports           []networkingv1.NetworkPolicyPort
}

// mirrored is the path of a rule as it looks from the other side.
func mirrored(profile, tier string, rule *Rule) path {
	out := path{tier: rule.Remote.Tier, direction: networkingv1.PolicyTypeIngress, profile: profile, remote: tier, ports: rule.Ports}
	if rule.Direction == networkingv1.PolicyTypeIngress {
		out.direction = networkingv1.PolicyTypeEgress
	}
	return out
}

// declares tells whether a plan declares a path, on one of its ports at least.
func (p *Plan) declares(want path) bool {
	t := p.Tier(want.tier)
	return t != nil && slices.ContainsFunc(t.Declared, func(rule Rule) bool {
		return rule.Direction == want.direction && rule.Remote.Profile == want.profile && rule.Remote.Tier == want.remote &&
			meet(rule.Ports, want.ports)
	})
}

// meet tells whether two lists of ports have one in common. Names and numbers may be the same port of some pod.
func meet(a, b []networkingv1.NetworkPolicyPort) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	return slices.ContainsFunc(a, func(x networkingv1.NetworkPolicyPort) bool {
		return slices.ContainsFunc(b, func(y networkingv1.NetworkPolicyPort) bool { return portsMeet(&x, &y) })
	})
}

func portsMeet(a, b *networkingv1.NetworkPolicyPort) bool {
	switch {
	case *a.Protocol != *b.Protocol:
		return false
	case a.Port == nil || b.Port == nil || isNamed(a) != isNamed(b):
		return true
	case isNamed(a):
		return a.Port.StrVal == b.Port.StrVal
	default:
		return a.Port.IntVal <= last(b) && b.Port.IntVal <= last(a)
	}
}

func last(p *networkingv1.NetworkPolicyPort) int32 {
	if p.EndPort != nil {
		return *p.EndPort
	}
	return p.Port.IntVal
}

// line is the dependency that the owner of the other profile would add, as YAML has it in one line.
func line(profile, tier string, rule *Rule) string {
	here, there := fmt.Sprintf("{profile: %s, tier: %s}", profile, tier), fmt.Sprintf("{tier: %s}", rule.Remote.Tier)
	from, to := here, there
	if rule.Direction == networkingv1.PolicyTypeIngress {
		from, to = there, here
	}
	ports := ""
	if len(rule.Ports) > 0 {
		texts := make([]string, 0, len(rule.Ports))
		for i := range rule.Ports {
			texts = append(texts, portText(&rule.Ports[i]))
		}
		ports = ", ports: [" + strings.Join(texts, ", ") + "]"
	}
	return fmt.Sprintf("{name: %s, from: %s, to: %s%s}", rule.Dependency, from, to, ports)
}

func portText(p *networkingv1.NetworkPolicyPort) string {
	text := "{protocol: " + string(*p.Protocol)
	if p.Port != nil {
		port := p.Port.String()
		if p.Port.Type == intstr.String {
			port = fmt.Sprintf("%q", port)
		}
		text += ", port: " + port
	}
	if p.EndPort != nil {
		text += fmt.Sprintf(", endPort: %d", *p.EndPort)
	}
	return text + "}"
}
