package audit

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
)

// declaration is what a profile grants to one identity.
type declaration struct {
	roles []role
	// rules are those of the roles by what they are about. They are looked up once somebody asks: what
	// others bind is most often a role that is declared by its name.
	rules map[about][]*rule
}

// about is an API group and a resource of it, either of them "*" for all.
type about struct{ group, resource string }

func declarations(in *AccessInput) map[identity]*declaration {
	out := map[identity]*declaration{}
	for _, b := range in.DeclaredBindings {
		for _, s := range subjectsOf(b) {
			if out[s.identity] == nil {
				out[s.identity] = &declaration{}
			}
			d := out[s.identity]
			d.roles = append(d.roles, role{b.RoleRef.Kind, b.RoleRef.Name})
		}
	}
	return out
}

// has tells whether a ClusterRole is declared by its name, whatever its rules are. The name of a Role
// says nothing: it may be somebody else's.
func (d *declaration) has(ref role) bool {
	return ref.kind == kindClusterRole && slices.Contains(d.roles, ref)
}

// on are the declared rules about a resource.
func (d *declaration) on(group, resource string, in *AccessInput) []*rule {
	if d.rules == nil {
		d.rules = map[about][]*rule{}
		for _, ref := range d.roles {
			d.add(in.declaredRules(ref))
		}
	}
	var out []*rule
	for _, g := range slices.Compact([]string{rbacv1.APIGroupAll, group}) {
		for _, r := range covering(resource) {
			out = append(out, d.rules[about{g, r}]...)
		}
	}
	return out
}

func (d *declaration) add(rules []rbacv1.PolicyRule) {
	for i := range rules {
		r := ruleOf(&rules[i])
		for _, group := range r.groups {
			for _, resource := range r.resources {
				d.rules[about{group, resource}] = append(d.rules[about{group, resource}], r)
			}
		}
	}
}

// declaredRules are the rules that a role of the profile gives.
func (in *AccessInput) declaredRules(ref role) []rbacv1.PolicyRule {
	if ref.kind == kindClusterRole {
		rules, _ := in.ClusterRole(ref.name)
		return rules
	}
	if declared := in.declaredRole(ref.name); declared != nil {
		return declared.Rules
	}
	return nil
}
