package mesh

import (
	"slices"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// atom is one source on one port: the smallest thing that a policy allows. Policies are compared by their atoms and not by
// their rules, which can be cut in many ways. What is not known here is an atom of its own.
type atom struct {
	source, port string
}

// anything stands for a rule without sources, and one without ports.
const anything = "*"

type atoms map[atom]bool

func atomsOf(rules []Rule) atoms {
	out := atoms{}
	for i := range rules {
		for _, a := range rules[i].atoms() {
			out[a] = true
		}
	}
	return out
}

func (a atoms) hasAll(others atoms) bool {
	for each := range others {
		if !a[each] {
			return false
		}
	}
	return true
}

func (r Rule) atoms() []atom {
	if len(r.Unknown) > 0 {
		return []atom{{source: render.Key(r)}}
	}
	sources, ports := []string{anything}, []string{anything}
	if len(r.From) > 0 {
		sources = nil
		for i := range r.From {
			sources = append(sources, r.From[i].Source.atoms()...)
		}
	}
	if len(r.To) > 0 {
		ports = nil
		for i := range r.To {
			ports = append(ports, r.To[i].Operation.atoms()...)
		}
	}
	out := make([]atom, 0, len(sources)*len(ports))
	for _, source := range sources {
		for _, port := range ports {
			out = append(out, atom{source, port})
		}
	}
	return out
}

// atoms are the single callers of a source, if it is a list of one kind.
func (s Source) atoms() []string {
	lists := [][]string{s.Namespaces, s.Principals, s.IPBlocks}
	given := slices.DeleteFunc(lists, func(list []string) bool { return len(list) == 0 })
	if len(given) != 1 || len(s.NotIPBlocks) > 0 || len(s.Unknown) > 0 {
		return []string{render.Key(s)}
	}
	kind := "namespace "
	if len(s.Principals) > 0 {
		kind = "principal "
	} else if len(s.IPBlocks) > 0 {
		kind = "address "
	}
	out := make([]string, 0, len(given[0]))
	for _, one := range given[0] {
		out = append(out, kind+one)
	}
	return out
}

func (o Operation) atoms() []string {
	if len(o.Unknown) > 0 || len(o.Ports) == 0 {
		return []string{render.Key(o)}
	}
	return o.Ports
}

// union returns a policy that allows what the first does and what the second does. Both are about the same workloads; the
// metadata is that of the first.
func union(first, second *AuthorizationPolicy) *AuthorizationPolicy {
	out := first.DeepCopy()
	known := atomsOf(first.Spec.Rules)
	for i := range second.Spec.Rules {
		rule := &second.Spec.Rules[i]
		if slices.ContainsFunc(rule.atoms(), func(a atom) bool { return !known[a] }) {
			out.Spec.Rules = append(out.Spec.Rules, rule.deepCopy())
		}
	}
	return out
}

// opened returns a policy that allows everything, beside what it allows anyway.
func opened(policy *AuthorizationPolicy) *AuthorizationPolicy {
	out := policy.DeepCopy()
	out.Spec.Rules = append(out.Spec.Rules, Rule{})
	return out
}

// fits tells whether the API server stores a policy.
func fits(policy *AuthorizationPolicy) bool {
	return len(policy.Spec.Rules) <= maxRules && sizeOf(policy) <= render.MaxBytes
}
