package audit

import (
	"cmp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AccessInput is what a namespace is to have, and what is in it.
type AccessInput struct {
	// DeclaredRoles are the Roles that the namespace is to have.
	DeclaredRoles []*rbacv1.Role
	// DeclaredBindings are the RoleBindings that the namespace is to have.
	DeclaredBindings []*rbacv1.RoleBinding
	// Roles are all that are there.
	Roles []rbacv1.Role
	// Bindings are all that are there.
	Bindings []rbacv1.RoleBinding
	// IsOurs tells whether an object, a *rbacv1.Role or *rbacv1.RoleBinding, is the operator's own:
	// it is mended or pruned, and not looked at.
	IsOurs func(obj metav1.Object) bool
	// ClusterRole returns the rules of a ClusterRole, and whether it exists.
	ClusterRole func(name string) (rules []rbacv1.PolicyRule, exists bool)
}

// Undeclared is a RoleBinding of somebody else's that grants what the profile does not declare.
type Undeclared struct {
	// Binding is the name of the RoleBinding.
	Binding string
	// Role is the name of the Role through which it does; empty for a ClusterRole, and for a Role
	// that the operator wrote.
	Role string
	// Message says what it grants to whom, and what to do about it.
	Message string
}

// Access finds what others grant in a namespace beyond what its profile declares, sorted by the
// names of the RoleBindings. What a RoleBinding grants to a subject is declared if the profile grants
// it to that subject, or to a group that the subject is in by its name alone. A RoleBinding whose
// role is not there grants nothing.
func Access(in AccessInput) []Undeclared {
	bindings := in.foreignBindings()
	if len(bindings) == 0 {
		return nil
	}
	c := newComparison(&in)
	var found []Undeclared
	for _, b := range bindings {
		if u := c.judge(b); u != nil {
			found = append(found, *u)
		}
	}
	return found
}

func (in *AccessInput) foreignBindings() []*rbacv1.RoleBinding {
	var out []*rbacv1.RoleBinding
	for i := range in.Bindings {
		if b := &in.Bindings[i]; len(b.Subjects) > 0 && !in.IsOurs(b) {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b *rbacv1.RoleBinding) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// comparison is one look at a namespace.
type comparison struct {
	in       *AccessInput
	declared map[identity]*declaration
	roles    map[string]*rbacv1.Role
	// answers are in words what a role grants beyond declarations. Many bindings of one role are
	// usual, and a role may be large.
	answers map[question]string
	steps   int
}

// question is what is asked about a role: is all that it grants declared by these?
type question struct {
	role role
	by   string
}

// role is what a RoleBinding refers to.
type role struct{ kind, name string }

const (
	kindRole        = "Role"
	kindClusterRole = "ClusterRole"
)

func newComparison(in *AccessInput) *comparison {
	c := &comparison{
		in:       in,
		declared: declarations(in),
		roles:    make(map[string]*rbacv1.Role, len(in.Roles)),
		answers:  map[question]string{},
	}
	for i := range in.Roles {
		c.roles[in.Roles[i].Name] = &in.Roles[i]
	}
	return c
}

// judge returns nil if all that a RoleBinding grants is declared.
func (c *comparison) judge(b *rbacv1.RoleBinding) *Undeclared {
	ref := role{b.RoleRef.Kind, b.RoleRef.Name}
	rules, foreign, exists := c.resolve(ref)
	if !exists {
		return nil
	}
	told := grant{binding: b.Name, role: ref}
	for _, s := range subjectsOf(b) {
		if what := c.beyond(ref, rules, s.identity); what != "" {
			told.add(s, what)
		}
	}
	if told.subjects == 0 {
		return nil
	}
	return &Undeclared{Binding: b.Name, Role: foreign, Message: told.message()}
}

// resolve returns the rules of a role, its name if it is a Role of somebody else's, and whether it
// is there. A Role of the operator's own counts as what it is about to be.
func (c *comparison) resolve(ref role) (rules []rbacv1.PolicyRule, foreign string, exists bool) {
	if ref.kind == kindClusterRole {
		rules, exists = c.in.ClusterRole(ref.name)
		return rules, "", exists
	}
	there := c.roles[ref.name]
	switch {
	case ref.kind != kindRole || there == nil:
		return nil, "", false
	case !c.in.IsOurs(there):
		return there.Rules, there.Name, true
	default:
		if declared := c.in.declaredRole(ref.name); declared != nil {
			return declared.Rules, "", true
		}
		return there.Rules, "", true
	}
}

func (in *AccessInput) declaredRole(name string) *rbacv1.Role {
	i := slices.IndexFunc(in.DeclaredRoles, func(r *rbacv1.Role) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return in.DeclaredRoles[i]
}

// beyond returns in words what a role grants to a subject and no declaration does; empty if there
// is no such thing.
func (c *comparison) beyond(ref role, rules []rbacv1.PolicyRule, who identity) string {
	var by []*declaration
	var names []string
	for _, id := range who.through() {
		d := c.declared[id]
		if d == nil {
			continue
		}
		if d.has(ref) {
			return ""
		}
		by, names = append(by, d), append(names, id.String())
	}
	q := question{ref, strings.Join(names, "\n")}
	if answer, known := c.answers[q]; known {
		return answer
	}
	answer := c.excess(rules, by).String()
	c.answers[q] = answer
	return answer
}
