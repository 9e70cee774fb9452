package plan

import (
	"cmp"
	"fmt"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Forms says which forms of ports the engine that enforces policies cannot take. Equal ones are written in their place,
// where there are any.
type Forms struct {
	// List has the ports of ranges listed.
	List bool
	// Ingress and Egress say what is written in place of names of ports.
	Ingress, Egress NameForm
}

// NameForm says what is written in place of the name of a port.
type NameForm string

// The forms of names.
const (
	// AsDeclared: the name.
	AsDeclared NameForm = ""
	// NumberOrName: the number that all called pods give to the name; the name, if there is no such number.
	NumberOrName NameForm = "NumberOrName"
	// NumberOrNothing: the same number, and nothing if there is none.
	NumberOrNothing NameForm = "NumberOrNothing"
)

// MaxListed is how many ports a rule has in place of ranges. A range for which there is no room stays as it is.
const MaxListed = 256

// AskNames tells whether it matters what names of ports stand for.
func (f Forms) AskNames() bool { return f.Ingress != AsDeclared || f.Egress != AsDeclared }

func (f Forms) of(direction networkingv1.PolicyType) NameForm {
	if direction == networkingv1.PolicyTypeIngress {
		return f.Ingress
	}
	return f.Egress
}

// LeftOut is the name of a port that could not be written, as the engine takes none, and no number stands for it.
type LeftOut struct {
	// Dependency is the name of the dependency; empty if it is about the resolution of names.
	Dependency string
	// Direction is that of the rule that goes without it.
	Direction networkingv1.PolicyType
	// Port is the name with its protocol.
	Port string
}

// written returns a rule in forms that the engine takes. What cannot be written opens nothing.
func (r *resolver) written(t *Tier, rule *Rule) []Rule {
	if r.facts.Forms == (Forms{}) || len(rule.Ports) == 0 || rule.Service != "" {
		return []Rule{*rule} // Of a Service of the tier's own, ports are known in each namespace: see Tier.With.
	}
	out := *rule
	out.Ports = r.ports(rule.Dependency, rule.Direction, rule.Ports, func(port *networkingv1.NetworkPolicyPort) (int32, bool) {
		named, isAsked := r.plan.named(t, rule, port)
		number, found := r.facts.Names[named]
		return number, isAsked && found
	})
	if len(out.Ports) == 0 {
		return nil // To have no ports would be to have all.
	}
	return []Rule{out}
}

// ports writes ports in forms that the engine takes.
func (r *resolver) ports(
	dependency string, direction networkingv1.PolicyType, declared []networkingv1.NetworkPolicyPort,
	numberOf func(*networkingv1.NetworkPolicyPort) (int32, bool),
) []networkingv1.NetworkPolicyPort {
	forms := r.facts.Forms
	hasRoom := roomFor(declared)
	out := make([]networkingv1.NetworkPolicyPort, 0, len(declared))
	for i := range declared {
		port := declared[i]
		switch {
		case isNamed(&port) && forms.of(direction) != AsDeclared:
			number, found := numberOf(&port)
			switch {
			case found:
				out = append(out, numbered(&port, number))
			case forms.of(direction) == NumberOrName:
				out = append(out, port)
			default:
				r.leaveOut(dependency, direction, &port)
			}
		case forms.List && hasRoom[i]:
			out = append(out, list(&port)...)
		default:
			out = append(out, port)
		}
	}
	return out
}

// dnsPorts are the ports of the pods of the cluster's DNS. A name among them that is not resolved yet has no number.
func (r *resolver) dnsPorts(ports []ServicePort) []networkingv1.NetworkPolicyPort {
	unknown := func(*networkingv1.NetworkPolicyPort) (int32, bool) { return 0, false }
	return r.ports("", networkingv1.PolicyTypeEgress, targets(ports), unknown)
}

// leaveOut takes note of a name that cannot be written, once.
func (r *resolver) leaveOut(dependency string, direction networkingv1.PolicyType, port *networkingv1.NetworkPolicyPort) {
	left := LeftOut{Dependency: dependency, Direction: direction, Port: fmt.Sprintf("%s/%s", port.Port.StrVal, *port.Protocol)}
	if !r.left[left] {
		r.left[left] = true
		r.leftOut = append(r.leftOut, left)
	}
}

// leaveOutOfForms takes note of the names that a Service of the tier's own has in some namespace and that cannot be
// written there.
func (r *resolver) leaveOutOfForms(rule *Rule, variants []*Variant) {
	if r.facts.Forms.of(rule.Direction) != NumberOrNothing {
		return
	}
	for _, v := range variants {
		for _, port := range targets(v.narrowed(rule.Ports)) {
			if isNamed(&port) {
				r.leaveOut(rule.Dependency, rule.Direction, &port)
			}
		}
	}
}

// withoutNames are ports without those that have names.
func withoutNames(ports []networkingv1.NetworkPolicyPort) []networkingv1.NetworkPolicyPort {
	out := make([]networkingv1.NetworkPolicyPort, 0, len(ports))
	for i := range ports {
		if !isNamed(&ports[i]) {
			out = append(out, ports[i])
		}
	}
	return out
}

func numbered(port *networkingv1.NetworkPolicyPort, number int32) networkingv1.NetworkPolicyPort {
	return networkingv1.NetworkPolicyPort{Protocol: port.Protocol, Port: new(intstr.FromInt32(number))}
}

// roomFor tells which of some ports are ranges that are listed: the small ones first, whatever order they are in.
func roomFor(ports []networkingv1.NetworkPolicyPort) []bool {
	out, order := make([]bool, len(ports)), make([]int, 0, len(ports))
	for i := range ports {
		if ports[i].EndPort != nil {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(size(&ports[a]), size(&ports[b])), cmp.Compare(ports[a].Port.IntVal, ports[b].Port.IntVal),
			cmp.Compare(*ports[a].Protocol, *ports[b].Protocol))
	})
	room := MaxListed
	for _, i := range order {
		if n := size(&ports[i]); n <= room {
			out[i], room = true, room-n
		}
	}
	return out
}

// size is how many ports a range has.
func size(port *networkingv1.NetworkPolicyPort) int { return int(*port.EndPort-port.Port.IntVal) + 1 }

// list lists the ports of a range.
func list(port *networkingv1.NetworkPolicyPort) []networkingv1.NetworkPolicyPort {
	out := make([]networkingv1.NetworkPolicyPort, 0, size(port))
	for number := port.Port.IntVal; number <= *port.EndPort; number++ {
		out = append(out, numbered(port, number))
	}
	return out
}

// InEachForm is the plan with the rules of Services of the tiers' own in each form that these have: what policies say
// somewhere.
func (p *Plan) InEachForm(called map[Called][]Variant) *Plan {
	out := *p
	out.Tiers = make([]Tier, len(p.Tiers))
	for i := range p.Tiers {
		t := p.Tiers[i]
		t.Rules = nil
		for j := range p.Tiers[i].Rules {
			rule := p.Tiers[i].Rules[j]
			if rule.Service == "" {
				t.Rules = append(t.Rules, rule)
				continue
			}
			of := t
			of.Rules = []Rule{rule}
			for _, v := range called[Called{Profile: p.Profile, Tier: t.Name, Service: rule.Service}] {
				t.Rules = append(t.Rules, of.With(map[string]Service{rule.Service: v.Service}).Rules...)
			}
		}
		out.Tiers[i] = t
	}
	return &out
}
