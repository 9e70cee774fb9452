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
	if known && r.declares(other, r.mirrored(r.plan.Profile, t.Name, rule)) {
		out := *rule
		out.Remote.Chosen = &other.Tier(rule.Remote.Tier).Namespaces
		return []Rule{out}
	}
	missing := fmt.Sprintf("profile %s is not there, or declares nothing as long as it is in Preview", rule.Remote.Profile)
	if known {
		missing = fmt.Sprintf("profile %s does not declare this path from its side", rule.Remote.Profile)
	}
	r.findf(v1alpha1.ReasonPendingConsent, "", "dependency %s: %s; it opens nothing until its owner adds %s",
		rule.Dependency, missing, line(rule.Dependency, r.mirrored(r.plan.Profile, t.Name, rule)))
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
				if rule.Remote.Profile != r.plan.Profile {
					continue
				}
				want := r.mirrored(name, other.Tiers[i].Name, rule)
				if r.declares(r.plan, want) {
					continue
				}
				r.findf(v1alpha1.ReasonPendingConsent, "", "profile %s declares dependency %s with tier %s of this profile, "+
					"which does not declare it from its side; to open it, add %s",
					name, rule.Dependency, rule.Remote.Tier, line(rule.Dependency, want))
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

// mirrored is the path of a rule of a profile's tier as it looks from the other side.
func (r *resolver) mirrored(profile, tier string, rule *Rule) path {
	out := path{
		tier: rule.Remote.Tier, direction: networkingv1.PolicyTypeIngress, profile: profile, remote: tier,
		ports: r.podPorts(profile, tier, rule),
	}
	if rule.Direction == networkingv1.PolicyTypeIngress {
		out.direction = networkingv1.PolicyTypeEgress
	}
	return out
}

// declares tells whether a plan declares a path, on one of its ports at least.
func (r *resolver) declares(p *Plan, want path) bool {
	t := p.Tier(want.tier)
	return t != nil && slices.ContainsFunc(t.Declared, func(rule Rule) bool {
		return rule.Direction == want.direction && rule.Remote.Profile == want.profile && rule.Remote.Tier == want.remote &&
			meet(r.podPorts(p.Profile, t.Name, &rule), want.ports)
	})
}

// podPorts are the ports of a rule as pods have them. Those of a Service of the tier's own are ports of the Service,
// which the other profile does not know of; one that stands for no pods is looked up by its own profile, and is in
// nobody's way.
func (r *resolver) podPorts(profile, tier string, rule *Rule) []networkingv1.NetworkPolicyPort {
	if rule.Service == "" {
		return rule.Ports
	}
	var out []networkingv1.NetworkPolicyPort
	variants := r.facts.Called[Called{Profile: profile, Tier: tier, Service: rule.Service}]
	for i := range variants {
		if v := &variants[i]; v.Problem == "" {
			out = append(out, targets(v.narrowed(rule.Ports))...)
		}
	}
	slices.SortFunc(out, func(a, b networkingv1.NetworkPolicyPort) int { return strings.Compare(portText(&a), portText(&b)) })
	return slices.CompactFunc(out, func(a, b networkingv1.NetworkPolicyPort) bool { return portText(&a) == portText(&b) })
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

// line is the dependency that the owner of the other profile would add for a path, as YAML has it in one line.
func line(dependency string, want path) string {
	from, to := fmt.Sprintf("{profile: %s, tier: %s}", want.profile, want.remote), fmt.Sprintf("{tier: %s}", want.tier)
	if want.direction == networkingv1.PolicyTypeEgress {
		from, to = to, from
	}
	ports := ""
	if len(want.ports) > 0 {
		texts := make([]string, 0, len(want.ports))
		for i := range want.ports {
			texts = append(texts, portText(&want.ports[i]))
		}
		ports = ", ports: [" + strings.Join(texts, ", ") + "]"
	}
	return fmt.Sprintf("{name: %s, from: %s, to: %s%s}", dependency, from, to, ports)
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
