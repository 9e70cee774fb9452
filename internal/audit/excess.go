package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// maxSteps bounds the work on one namespace: its tenants may write rules whose lists multiply. A role of
// 100 rules with 80 combinations each takes 16,000 steps where each is declared once.
const maxSteps = 1 << 17

// excess is what a role grants and declarations do not.
type excess struct {
	verbs map[target]values
	// uncompared is set if there was too much to compare. It counts as undeclared.
	uncompared bool
}

// excess compares rule by rule, and in each rule combination by combination. A combination with a
// "*" holds what nobody can list, so that one declared rule allows all of it, or none all of them
// together: the answer is exact.
func (c *comparison) excess(rules []rbacv1.PolicyRule, by []*declaration) *excess {
	e := &excess{verbs: map[target]values{}}
	for i := range rules {
		r := ruleOf(&rules[i])
		if len(r.verbs) == 0 {
			continue
		}
		for _, group := range r.groups {
			for _, resource := range r.resources {
				declared := c.declaredOn(group, resource, by)
				if c.steps += max(1, len(r.names)) * len(r.verbs) * (1 + len(declared)); c.steps > maxSteps {
					e.uncompared = true
					return e
				}
				e.compare(r.targets(group, resource), r.verbs, declared)
			}
		}
	}
	return e
}

func (c *comparison) declaredOn(group, resource string, by []*declaration) []*rule {
	out := make([]*rule, 0, len(by))
	for _, d := range by {
		out = append(out, d.on(group, resource, c.in)...)
	}
	return out
}

// compare adds the verbs on the targets that no declared rule has.
func (e *excess) compare(targets []target, verbs values, declared []*rule) {
	for i := range targets {
		t := &targets[i]
		missing := verbs
		if len(declared) > 0 {
			missing = slices.DeleteFunc(slices.Clone(verbs), func(verb string) bool {
				return slices.ContainsFunc(declared, func(d *rule) bool { return d.allows(verb, t) })
			})
		}
		if known := e.verbs[*t]; len(known) > 0 {
			missing = valuesOf(slices.Concat(known, missing))
		}
		if len(missing) > 0 {
			e.verbs[*t] = missing
		}
	}
}

// String tells the gravest of the targets with its verbs, and how many resources more there are;
// empty if there is nothing.
func (e *excess) String() string {
	if e.uncompared {
		return "too much to compare"
	}
	if len(e.verbs) == 0 {
		return ""
	}
	targets := slices.SortedFunc(maps.Keys(e.verbs), compareTargets)
	first := slices.MinFunc(targets, func(a, b target) int {
		return cmp.Compare(e.harmlessness(&a), e.harmlessness(&b))
	})
	text := verbsInWords(e.verbs[first]) + " on " + first.String()
	if first.named {
		text += " " + clip(first.name, maxWord)
	}
	resources := slices.CompactFunc(targets, func(a, b target) bool { return a.group == b.group && a.resource == b.resource })
	if more := len(resources) - 1; more > 0 {
		text += fmt.Sprintf(" (and on %s)", count(more, "more resource"))
	}
	return clip(text, maxExcess)
}

// harmlessness orders targets for who reads only of one: everything, then what gives away or runs what is not
// one's own, then what can be written, then what can be read. Of equal ones the first counts.
func (e *excess) harmlessness(t *target) int {
	switch {
	case t.resource == rbacv1.ResourceAll:
		return 0
	case t.group == "" && slices.Contains([]string{"secrets", "pods/exec", "pods/attach", "serviceaccounts/token"}, t.resource):
		return 1
	case slices.ContainsFunc(e.verbs[*t], func(verb string) bool { return !slices.Contains([]string{"get", "list", "watch"}, verb) }):
		return 2
	default:
		return 3
	}
}

func compareTargets(a, b target) int {
	return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.resource, b.resource), cmp.Compare(a.name, b.name))
}

// String names a resource as kubectl does: with its group, unless that is the core group.
func (t *target) String() string {
	switch {
	case t.group == rbacv1.APIGroupAll && t.resource == rbacv1.ResourceAll:
		return "all resources"
	case t.resource == rbacv1.ResourceAll && t.group == "":
		return "all resources of the core group"
	case t.resource == rbacv1.ResourceAll:
		return "all resources of " + clip(t.group, maxWord)
	case t.group == "":
		return clip(t.resource, maxWord)
	}
	resource, sub, is := strings.Cut(t.resource, "/")
	text := clip(resource, maxWord) + "." + clip(t.group, maxWord)
	if is {
		text += "/" + clip(sub, maxWord)
	}
	return text
}

func verbsInWords(verbs values) string {
	if verbs.has(rbacv1.VerbAll) {
		return "all verbs"
	}
	words := make([]string, 0, maxVerbs+1)
	for _, verb := range verbs[:min(len(verbs), maxVerbs)] {
		words = append(words, clip(verb, maxWord))
	}
	if more := len(verbs) - maxVerbs; more > 0 {
		words = append(words, fmt.Sprintf("%d more", more))
	}
	return strings.Join(words, ", ")
}
