package plan

import (
	"cmp"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
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
		if a.Role != "" && c.roles[a.Role] == nil {
			c.fail(field.NotFound(path.Index(i).Child("role"), a.Role))
			continue
		}
		k := key{string(a.Role), string(a.ClusterRole)}
		if byRole[k] == nil {
			byRole[k] = &Grant{Role: k.role, ClusterRole: k.clusterRole, Rules: c.rules(a.Role)}
		}
		byRole[k].Subjects = append(byRole[k].Subjects, subjects(a.Subjects)...)
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

func (c *compiler) rules(role v1alpha1.Name) []rbacv1.PolicyRule {
	declared := c.roles[role]
	if declared == nil {
		return nil
	}
	var rules []rbacv1.PolicyRule
	for _, r := range declared.Rules {
		rules = append(rules, rbacv1.PolicyRule{
			APIGroups:     sortedStrings(r.APIGroups),
			Resources:     sortedStrings(r.Resources),
			ResourceNames: sortedStrings(r.ResourceNames),
			Verbs:         sortedStrings(r.Verbs),
		})
	}
	return rules
}

func subjects(declared []v1alpha1.Subject) []rbacv1.Subject {
	out := make([]rbacv1.Subject, 0, len(declared))
	for _, s := range declared {
		subject := rbacv1.Subject{Kind: string(s.Kind), Name: s.Name}
		if s.Kind == v1alpha1.SubjectKindServiceAccount {
			subject.Namespace = string(s.Namespace)
		} else {
			subject.APIGroup = rbacv1.GroupName
		}
		out = append(out, subject)
	}
	return out
}

func compareSubjects(a, b rbacv1.Subject) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
