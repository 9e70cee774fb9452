package plan

import (
	"fmt"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
)

// Calls returns the Services that the dependencies of a plan name, each once.
func (p *Plan) Calls() []Called {
	var out []Called
	for i := range p.Tiers {
		for j := range p.Tiers[i].Declared {
			rule := &p.Tiers[i].Declared[j]
			for _, c := range []Called{
				{Profile: p.Profile, Tier: rule.Remote.Tier, Peer: rule.Remote.Peer, Service: rule.Remote.Service},
				{Profile: p.Profile, Tier: p.Tiers[i].Name, Service: rule.Service},
			} {
				if c.Service != "" && !slices.Contains(out, c) {
					out = append(out, c)
				}
			}
		}
	}
	return out
}

// TierOf is a tier of a profile; the zero value is none.
type TierOf struct {
	// Profile is the name of the profile, and Tier that of the tier.
	Profile, Tier string
}

// Lookup is a Service that dependencies of a plan name, and where it is looked for.
type Lookup struct {
	Called

	// peer are the namespaces in which it is looked for, if these are a peer's.
	peer *claim.Tier
}

// Lookups returns the Services that the dependencies of a plan name, each once, and where they are looked for.
func (p *Plan) Lookups() []Lookup {
	calls, peers := p.Calls(), p.Peers()
	out := make([]Lookup, 0, len(calls))
	for _, called := range calls {
		l := Lookup{Called: called}
		if i := slices.IndexFunc(peers, func(t claim.Tier) bool { return t.Name == called.Peer }); called.Peer != "" && i >= 0 {
			l.peer = &peers[i]
		}
		out = append(out, l)
	}
	return out
}

// IsIn tells whether the Service is looked for in a namespace, which belongs to a tier.
func (l *Lookup) IsIn(namespace claim.Namespace, of TierOf) bool {
	return l.Tier != "" && of == TierOf{l.Profile, l.Tier} || l.peer != nil && l.peer.Selects(namespace)
}

// OwnServices are those Services of a namespace that its own tier has rules about, by their names.
func OwnServices(profile, tier string, found map[Called]Service) map[string]Service {
	var out map[string]Service
	for called, service := range found {
		if called.Tier != "" && called.Profile == profile && called.Tier == tier {
			if out == nil {
				out = map[string]Service{}
			}
			out[called.Service] = service
		}
	}
	return out
}

// Peers returns the peers that dependencies name and that have namespaces, by their names, each once.
func (p *Plan) Peers() []claim.Tier {
	var out []claim.Tier
	for i := range p.Tiers {
		for j := range p.Tiers[i].Declared {
			remote := &p.Tiers[i].Declared[j].Remote
			isKnown := slices.ContainsFunc(out, func(t claim.Tier) bool { return t.Name == remote.Peer })
			if remote.Namespaces != nil && !isKnown {
				out = append(out, claimOf(remote.Peer, remote.Namespaces))
			}
		}
	}
	return out
}

// Services returns the names of the Services of which each namespace of the tier has its own.
func (t *Tier) Services() []string {
	var out []string
	for i := range t.Declared {
		if name := t.Declared[i].Service; name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// With returns the tier as it is for a namespace that has these Services, by their names. A rule of one that it does
// not have, or that stands for no pods, opens nothing.
func (t *Tier) With(services map[string]Service) *Tier {
	out := *t
	out.Rules = nil
	for i := range t.Rules {
		rule := t.Rules[i]
		if rule.Service == "" {
			out.Rules = append(out.Rules, rule)
			continue
		}
		service, found := services[rule.Service]
		ports := targets(service.narrowed(rule.Ports))
		if t.Forms.of(rule.Direction) == NumberOrNothing {
			ports = withoutNames(ports)
		}
		if !found || service.Problem != "" || len(ports) == 0 {
			continue
		}
		rule.Service, rule.Pods, rule.Ports = "", service.selector(), ports
		out.Rules = append(out.Rules, rule)
	}
	return &out
}

// remoteService puts in the pods and ports of a Service on the other side, in each form that it has.
func (r *resolver) remoteService(rule *Rule) []Rule {
	called := Called{Profile: r.plan.Profile, Tier: rule.Remote.Tier, Peer: rule.Remote.Peer, Service: rule.Remote.Service}
	room, variants := MaxOutside, r.lookUp(rule, &called)
	out := make([]Rule, 0, len(variants))
	for _, v := range variants {
		out = append(out, r.variant(rule, v, &room)...)
	}
	return out
}

// lookUp returns the forms that a Service has which stand for pods, and finds what is wrong with the others.
func (r *resolver) lookUp(rule *Rule, called *Called) []*Variant {
	variants := r.facts.Called[*called]
	if len(variants) == 0 {
		r.findf(v1alpha1.ReasonServiceMissing, "", "dependency %s: no namespace of %s has a Service %s; it opens nothing",
			rule.Dependency, called.where(), called.Service)
	}
	if len(variants) > MaxVariants {
		common, other := mostCommon(variants)
		r.findf(v1alpha1.ReasonTooManyServices, called.namespaceOf(other), "dependency %s: the Services %s in the "+
			"namespaces of %s differ in %d ways, and only %d are opened; give them the same selector and ports",
			rule.Dependency, called.Service, called.where(), len(variants), MaxVariants)
		variants = common
	}
	var out []*Variant
	for i := range variants {
		v := &variants[i]
		switch {
		case v.Problem != "":
			r.findf(v1alpha1.ReasonServiceUnusable, v.Namespaces[0], "dependency %s: the Service %s %s%s; it opens nothing",
				rule.Dependency, called.Service, v.Problem.text(), andMore(v.Namespaces))
		case len(v.narrowed(rule.Ports)) == 0 && !called.isCaller(rule):
			r.findf(v1alpha1.ReasonServicePortMissing, called.namespaceOf(v), "dependency %s: a Service %s in %s has the ports [%s], "+
				"and none of those that are given; there it opens nothing", rule.Dependency, called.Service, called.where(), v.portsText())
		default:
			out = append(out, v)
		}
	}
	return out
}

// mostCommon are the forms that are in the most namespaces, in the order in which they came, and the first of the
// others: a few namespaces with forms of their own must not close the way to all that have the usual one.
func mostCommon(variants []Variant) (common []Variant, other *Variant) {
	order := make([]int, len(variants))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(variants[b].Namespaces) - len(variants[a].Namespaces) })
	kept := order[:MaxVariants]
	slices.Sort(kept)
	for _, i := range kept {
		common = append(common, variants[i])
	}
	return common, &variants[order[MaxVariants]]
}

// isCaller tells whether the Service stands for those who call: its ports do not matter then.
func (c *Called) isCaller(rule *Rule) bool {
	return c.Peer != "" && rule.Direction == networkingv1.PolicyTypeIngress
}

// variant returns the rules for one form of a Service.
func (r *resolver) variant(rule *Rule, v *Variant, room *int) []Rule {
	one := *rule
	one.Remote.Service, one.Remote.Pods = "", v.selector()
	if rule.Direction == networkingv1.PolicyTypeEgress {
		one.Ports = targets(v.narrowed(rule.Ports))
	}
	if one.Remote.Namespaces != nil {
		// Nothing of the operator's is in these namespaces that would close what is opened too much.
		if len(v.Namespaces) > *room {
			r.findf(v1alpha1.ReasonTooManyServices, v.Namespaces[*room], "dependency %s: more than %d namespaces of peer %s have "+
				"a Service %s; the others are left out", rule.Dependency, MaxOutside, rule.Remote.Peer, rule.Remote.Service)
		}
		names := v.Namespaces[:min(len(v.Namespaces), *room)]
		*room -= len(names)
		if len(names) == 0 {
			return nil
		}
		one.Remote.Namespaces = &NamespaceSet{Names: names}
	}
	return append([]Rule{one}, r.byAddress(rule, &v.Service)...)
}

// namespaceOf is the namespace of which a finding about a form that can be called speaks. Of a tier there is none: its
// namespaces come and go, and change nothing as long as the form is known.
func (c *Called) namespaceOf(v *Variant) string {
	if c.Tier != "" {
		return ""
	}
	return v.Namespaces[0]
}

// where says in words where a Service is looked for.
func (c *Called) where() string {
	if c.Tier != "" {
		return "tier " + c.Tier
	}
	return "peer " + c.Peer
}

// andMore says how many namespaces there are beside the first, of which a finding speaks.
func andMore(namespaces []string) string {
	if len(namespaces) == 1 {
		return ""
	}
	return fmt.Sprintf(" (here and in %d more)", len(namespaces)-1)
}
