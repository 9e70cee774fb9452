package apply

import (
	"cmp"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Access is taken away before anything else is written, and given when all else is in place. A
// Role or RoleBinding that does both is therefore written twice: first what it has in common with
// what it was.

// changeRole sorts the change of a Role.
func (c *Changes) changeRole(desired, current *rbacv1.Role) {
	common := commonRules(desired.Rules, current.Rules)
	loses := !covered(current.Rules, common)
	gains := !covered(desired.Rules, common)
	c.change(desired, current, loses, gains, func() client.Object {
		narrowed := desired.DeepCopy()
		narrowed.Rules = common
		return narrowed
	})
}

// changeBinding sorts the change of a RoleBinding.
func (c *Changes) changeBinding(desired, current *rbacv1.RoleBinding) {
	common := slices.DeleteFunc(slices.Clone(desired.Subjects), func(s rbacv1.Subject) bool {
		return !slices.Contains(current.Subjects, s)
	})
	loses := slices.ContainsFunc(current.Subjects, func(s rbacv1.Subject) bool { return !slices.Contains(desired.Subjects, s) })
	c.change(desired, current, loses, len(common) < len(desired.Subjects), func() client.Object {
		narrowed := desired.DeepCopy()
		narrowed.Subjects = common
		return narrowed
	})
}

func (c *Changes) change(desired, current client.Object, loses, gains bool, narrowed func() client.Object) {
	uid := current.GetUID()
	switch {
	case loses && gains:
		c.Narrow = append(c.Narrow, Write{Desired: narrowed(), UID: uid})
		c.Widen = append(c.Widen, Write{Desired: desired, UID: uid})
	case loses:
		c.Narrow = append(c.Narrow, Write{Desired: desired, UID: uid})
	default:
		c.Widen = append(c.Widen, Write{Desired: desired, UID: uid})
	}
}

// dropBinding sorts the removal of a RoleBinding. One whose subjects are about to get another
// role stays until they have it. One that is withheld itself goes at once.
func (c *Changes) dropBinding(binding *rbacv1.RoleBinding) {
	isWithheld := slices.ContainsFunc(c.withheld, func(obj client.Object) bool { return obj.GetName() == binding.Name })
	isReplaced := slices.ContainsFunc(c.Widen, func(w Write) bool { return shareSubjects(w.Desired, binding) }) ||
		slices.ContainsFunc(c.withheld, func(obj client.Object) bool { return shareSubjects(obj, binding) })
	if isReplaced && !isWithheld {
		c.Prune = append(c.Prune, binding)
		return
	}
	c.Revoke = append(c.Revoke, binding)
}

// shareSubjects tells whether two objects are RoleBindings that bind one and the same.
func shareSubjects(a, b client.Object) bool {
	first, isFirst := a.(*rbacv1.RoleBinding)
	second, isSecond := b.(*rbacv1.RoleBinding)
	return isFirst && isSecond &&
		slices.ContainsFunc(first.Subjects, func(s rbacv1.Subject) bool { return slices.Contains(second.Subjects, s) })
}

// commonRules are rules that allow exactly what both lists of rules allow.
func commonRules(a, b []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	for i := range a {
		for j := range b {
			common, ok := commonRule(&a[i], &b[j])
			if ok && !slices.ContainsFunc(out, func(r rbacv1.PolicyRule) bool { return covers(&r, &common) }) {
				out = append(out, common)
			}
		}
	}
	return out
}

func commonRule(a, b *rbacv1.PolicyRule) (rbacv1.PolicyRule, bool) {
	out := rbacv1.PolicyRule{
		APIGroups: commonOf(a.APIGroups, b.APIGroups),
		Resources: commonOf(a.Resources, b.Resources),
		Verbs:     commonOf(a.Verbs, b.Verbs),
	}
	named := true
	switch {
	case len(a.ResourceNames) == 0:
		out.ResourceNames = b.ResourceNames
	case len(b.ResourceNames) == 0:
		out.ResourceNames = a.ResourceNames
	default:
		out.ResourceNames = commonOf(a.ResourceNames, b.ResourceNames)
		named = len(out.ResourceNames) > 0
	}
	return out, named && len(out.APIGroups) > 0 && len(out.Resources) > 0 && len(out.Verbs) > 0
}

// commonOf are the values of both lists, of which "*" has all.
func commonOf(a, b []string) []string {
	switch {
	case slices.Contains(a, rbacv1.VerbAll):
		return b
	case slices.Contains(b, rbacv1.VerbAll):
		return a
	default:
		return slices.DeleteFunc(slices.Clone(a), func(v string) bool { return !slices.Contains(b, v) })
	}
}

// covered tells whether each rule of a list is covered by one of another list. It may say no of
// rules that are covered only by several together; then a write more is made than needed.
func covered(rules, by []rbacv1.PolicyRule) bool {
	return !slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool {
		return !slices.ContainsFunc(by, func(b rbacv1.PolicyRule) bool { return covers(&b, &r) })
	})
}

func covers(a, b *rbacv1.PolicyRule) bool {
	all := func(have, want []string) bool {
		return slices.Contains(have, rbacv1.VerbAll) ||
			!slices.ContainsFunc(want, func(v string) bool { return !slices.Contains(have, v) })
	}
	names := len(a.ResourceNames) == 0 || len(b.ResourceNames) > 0 && all(a.ResourceNames, b.ResourceNames)
	return names && all(a.APIGroups, b.APIGroups) && all(a.Resources, b.Resources) && all(a.Verbs, b.Verbs)
}

// byKind puts RoleBindings before Roles, for removal.
func byKind(a, b client.Object) int {
	order := map[Kind]int{KindRoleBinding: 0, KindRole: 1}
	return cmp.Compare(order[kindOf(a)], order[kindOf(b)])
}
