package audit

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// values is a list of a rule: sorted, each value once, and "*" alone if it is among them.
type values []string

func valuesOf(list []string) values {
	if slices.Contains(list, rbacv1.VerbAll) {
		return values{rbacv1.VerbAll}
	}
	return sorted(list)
}

func sorted(list []string) values {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

// has tells whether the list allows a value; "*" only if it allows all.
func (v values) has(value string) bool {
	return len(v) == 1 && v[0] == rbacv1.VerbAll || v.contains(value)
}

func (v values) contains(value string) bool {
	_, found := slices.BinarySearch(v, value)
	return found
}

// rule is a rule on resources. What it allows is each combination of its lists; a list that is
// empty allows nothing, but for the names: without names it is about all.
type rule struct {
	groups, resources, names, verbs values
}

// ruleOf has nothing of the nonResourceURLs, which have no effect by a RoleBinding. In names a "*" is
// a name like any other.
func ruleOf(r *rbacv1.PolicyRule) *rule {
	return &rule{
		groups:    valuesOf(r.APIGroups),
		resources: valuesOf(r.Resources),
		names:     sorted(r.ResourceNames),
		verbs:     valuesOf(r.Verbs),
	}
}

// target is what a verb is allowed on: objects of a resource, or the one of a name.
type target struct {
	group, resource string
	named           bool
	name            string
}

// targets are the names of a rule on one resource.
func (r *rule) targets(group, resource string) []target {
	if len(r.names) == 0 {
		return []target{{group: group, resource: resource}}
	}
	out := make([]target, 0, len(r.names))
	for _, name := range r.names {
		out = append(out, target{group: group, resource: resource, named: true, name: name})
	}
	return out
}

// allows tells whether a rule that is about the target's resource allows a verb on all of the target.
func (r *rule) allows(verb string, t *target) bool {
	return r.verbs.has(verb) && (len(r.names) == 0 || t.named && r.names.contains(t.name))
}

// covering are the resources of rules that are about a resource: itself, all, and all of its
// subresource.
func covering(resource string) []string {
	out := []string{resource}
	if resource != rbacv1.ResourceAll {
		out = append(out, rbacv1.ResourceAll)
	}
	_, sub, is := strings.Cut(resource, "/")
	if all := "*/" + sub; is && resource != all {
		out = append(out, all)
	}
	return out
}
