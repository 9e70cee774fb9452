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

// grants gathers a tier's access by role: one grant for each role, however many entries
// name it.
func (c *compiler) grants(access []v1alpha1.TierAccess, path *field.Path) []Grant {
	type key struct{ role, clusterRole string }
	byRole := map[key]*Grant{}
	for i := range access {
		a := &access[i]
		if (a.Role == "") == (a.ClusterRole == "") {
			c.fail(field.Required(path.Index(i), "give either role or clusterRole, and only one of them"))
			continue
		}
		rules, known := c.roles[a.Role]
		if a.Role != "" && !known {
			c.fail(field.NotFound(path.Index(i).Child("role"), a.Role))
			continue
		}
		if a.ClusterRole != "" {
			c.check(content.IsPathSegmentName(string(a.ClusterRole)), a.ClusterRole, path.Index(i).Child("clusterRole"))
		}
		k := key{string(a.Role), string(a.ClusterRole)}
		if byRole[k] == nil {
			byRole[k] = &Grant{Role: k.role, ClusterRole: k.clusterRole, Rules: rules}
		}
		byRole[k].Subjects = append(byRole[k].Subjects, c.subjects(a.Subjects, path.Index(i).Child("subjects"))...)
	}
	grants := make([]Grant, 0, len(byRole))
	for _, g := range byRole {
		slices.SortFunc(g.Subjects, compareSubjects)
		g.Subjects = slices.Compact(g.Subjects)
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

func compareSubjects(a, b rbacv1.Subject) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
