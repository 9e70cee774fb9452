package plan

import (
	"cmp"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// grantSet gathers the grants of one tier by role: one for each role, however many entries name it.
type grantSet map[grantKey]*Grant

type grantKey struct{ role, clusterRole string }

// tierAccess adds what a tier's access says.
func (c *compiler) tierAccess(set grantSet, access []v1alpha1.TierAccess, path *field.Path) {
	for i := range access {
		a := &access[i]
		if g := c.grant(set, a.Role, a.ClusterRole, a.BoundaryEdits, path.Index(i)); g != nil {
			g.Subjects = append(g.Subjects, c.subjects(a.Subjects, path.Index(i).Child("subjects"))...)
		}
	}
}

// dependencyAccess adds what a dependency grants in the namespaces of the tier that is called.
func (c *compiler) dependencyAccess(d *v1alpha1.Dependency, path *field.Path) {
	if len(d.Access) == 0 {
		return
	}
	if d.From.Tier == "" || d.To.Tier == "" || d.From.Profile != "" || d.To.Profile != "" {
		c.fail(field.Forbidden(path.Child("access"), "from and to must both be tiers of this profile: access is for service accounts "+
			"of a tier's namespaces, in a tier's namespaces"))
		return
	}
	if d.From.Pods != nil || d.To.Pods != nil || d.To.Service != "" {
		c.fail(field.Forbidden(path.Child("access"),
			"pods or a service cannot narrow it; put it into a dependency of its own without them"))
	}
	set := c.grants[d.To.Tier]
	if set == nil {
		return // There is no such tier, which is a mistake that was told of.
	}
	for i := range d.Access {
		a := &d.Access[i]
		if g := c.grant(set, a.Role, a.ClusterRole, a.BoundaryEdits, path.Child("access").Index(i)); g != nil {
			g.Callers = append(g.Callers, string(d.From.Tier))
			g.Dependencies = append(g.Dependencies, string(d.Name))
		}
	}
}

// grant returns the grant of a role, new or not; nil if there is no such role.
func (c *compiler) grant(
	set grantSet, role v1alpha1.Name, clusterRole v1alpha1.ClusterRoleName, edits v1alpha1.BoundaryEdits, path *field.Path,
) *Grant {
	if (role == "") == (clusterRole == "") {
		c.fail(field.Required(path, "give either role or clusterRole, and only one of them"))
		return nil
	}
	rules, known := c.roles[role]
	if role != "" && !known {
		c.fail(field.NotFound(path.Child("role"), role))
		return nil
	}
	if clusterRole != "" {
		c.check(content.IsPathSegmentName(string(clusterRole)), clusterRole, path.Child("clusterRole"))
	}
	c.boundaryEdits(edits, path.Child("boundaryEdits"))
	k := grantKey{string(role), string(clusterRole)}
	if set[k] == nil {
		set[k] = &Grant{Role: k.role, ClusterRole: k.clusterRole, Rules: rules, BoundaryEdits: edits == v1alpha1.BoundaryEditsAllowed}
	}
	if set[k].BoundaryEdits != (edits == v1alpha1.BoundaryEditsAllowed) {
		// Were one to decide, whoever takes an entry away would decide for those that are left.
		c.fail(field.Invalid(path.Child("boundaryEdits"), edits,
			"another entry that grants this ClusterRole in the tier says otherwise; let all of them say the same"))
	}
	return set[k]
}

func (c *compiler) boundaryEdits(declared v1alpha1.BoundaryEdits, path *field.Path) {
	oneOf(c, declared, path, v1alpha1.BoundaryEditsRefused, v1alpha1.BoundaryEditsAllowed, "")
}

// sorted returns the grants in one canonical form.
func (s grantSet) sorted() []Grant {
	grants := make([]Grant, 0, len(s))
	for _, g := range s {
		slices.SortFunc(g.Subjects, CompareSubjects)
		g.Subjects = slices.Compact(g.Subjects)
		g.Callers, g.Dependencies = sortedStrings(g.Callers), sortedStrings(g.Dependencies)
		grants = append(grants, *g)
	}
	slices.SortFunc(grants, func(a, b Grant) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.ClusterRole, b.ClusterRole))
	})
	return grants
}

// rules brings the rules of a role into one canonical form. They add up, so their order has
// no meaning.
func (c *compiler) rules(role *v1alpha1.Role, path *field.Path) []rbacv1.PolicyRule {
	if len(role.Rules) == 0 {
		c.fail(field.Required(path.Child("rules"), "a role needs a rule"))
	}
	rules := make([]rbacv1.PolicyRule, 0, len(role.Rules))
	for i, r := range role.Rules {
		at := path.Child("rules").Index(i)
		c.some(r.APIGroups, at.Child("apiGroups"))
		c.some(r.Resources, at.Child("resources"))
		c.some(r.Verbs, at.Child("verbs"))
		rules = append(rules, rbacv1.PolicyRule{
			APIGroups:     sortedStrings(r.APIGroups),
			Resources:     sortedStrings(r.Resources),
			ResourceNames: sortedStrings(r.ResourceNames),
			Verbs:         sortedStrings(r.Verbs),
		})
	}
	c.boundaryEdits(role.BoundaryEdits, path.Child("boundaryEdits"))
	if role.BoundaryEdits != v1alpha1.BoundaryEditsAllowed && EditsBoundary(rules) {
		c.fail(field.Forbidden(path.Child("rules"),
			"a rule lets a tier edit its own boundary: it has a writing verb on networkpolicies, roles, rolebindings, namespaces or "+
				"segmentationprofiles, or a wildcard that covers them; grant less, or say boundaryEdits: Allowed in the role"))
	}
	slices.SortFunc(rules, compareRules)
	return slices.CompactFunc(rules, func(a, b rbacv1.PolicyRule) bool { return compareRules(a, b) == 0 })
}

func (c *compiler) some(values []string, path *field.Path) {
	if len(values) == 0 {
		c.fail(field.Required(path, "a rule without it allows nothing, and the API server refuses it"))
	}
}

func compareRules(a, b rbacv1.PolicyRule) int {
	return cmp.Or(
		slices.Compare(a.APIGroups, b.APIGroups),
		slices.Compare(a.Resources, b.Resources),
		slices.Compare(a.ResourceNames, b.ResourceNames),
		slices.Compare(a.Verbs, b.Verbs),
	)
}

func (c *compiler) subjects(declared []v1alpha1.Subject, path *field.Path) []rbacv1.Subject {
	out := make([]rbacv1.Subject, 0, len(declared))
	for i, s := range declared {
		at := path.Index(i)
		oneOf(c, s.Kind, at.Child("kind"),
			v1alpha1.SubjectKindUser, v1alpha1.SubjectKindGroup, v1alpha1.SubjectKindServiceAccount)
		subject := rbacv1.Subject{Kind: string(s.Kind), Name: s.Name}
		if s.Kind == v1alpha1.SubjectKindServiceAccount {
			c.namespaceName(s.Namespace, at.Child("namespace"))
			c.check(validation.IsDNS1123Subdomain(s.Name), s.Name, at.Child("name"))
			subject.Namespace = string(s.Namespace)
		} else {
			c.userOrGroup(&declared[i], at)
			subject.APIGroup = rbacv1.GroupName
		}
		out = append(out, subject)
	}
	return out
}

func (c *compiler) userOrGroup(s *v1alpha1.Subject, path *field.Path) {
	if s.Name == "" {
		c.fail(field.Required(path.Child("name"), "give the name that authentication gives"))
	}
	if s.Namespace != "" {
		c.fail(field.Forbidden(path.Child("namespace"), "only a ServiceAccount is in a namespace"))
	}
}

// CompareSubjects orders subjects, so that a binding does not depend on the order in which they were declared.
func CompareSubjects(a, b rbacv1.Subject) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
