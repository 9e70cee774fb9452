package plan

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
)

// EditsBoundary tells whether one of the rules lets its holders edit the boundary of the namespace in which
// they have it: who may write what makes the boundary can open paths and grant access that no profile
// declares. The rule of the CRD on roles (api/v1alpha1, Role) says the same in CEL.
func EditsBoundary(rules []rbacv1.PolicyRule) bool {
	return slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool {
		return writes(rule.Verbs) && slices.ContainsFunc(boundary(), func(part part) bool { return part.isCoveredBy(&rule) })
	})
}

// writes tells whether verbs do more than read. A verb that is not known, such as bind, is taken to.
func writes(verbs []string) bool {
	return slices.ContainsFunc(verbs, func(verb string) bool { return !slices.Contains([]string{"get", "list", "watch"}, verb) })
}

// part are resources that make the boundary of a namespace.
type part struct {
	// groups are their API groups; empty for any group.
	groups []string
	// resources are their names.
	resources []string
}

// boundary are all parts. Subresources count: labels of a namespace can be changed by its status.
func boundary() []part {
	return []part{
		// Whatever the network plugin calls its API group.
		{nil, []string{"networkpolicies", "networkpolicies/status", "ciliumnetworkpolicies", "ciliumnetworkpolicies/status"}},
		{[]string{rbacv1.GroupName}, []string{"roles", "rolebindings"}},
		{[]string{""}, []string{"namespaces", "namespaces/status", "namespaces/finalize"}},
		{[]string{"segmentation.dev"}, []string{"segmentationprofiles", "segmentationprofiles/status"}},
		{
			[]string{
				"", "networking.k8s.io", rbacv1.GroupName, "segmentation.dev",
				"cilium.io", "crd.antrea.io", "crd.projectcalico.org", "projectcalico.org",
			},
			[]string{rbacv1.ResourceAll, "*/status", "*/finalize"},
		},
	}
}

// isCoveredBy tells whether a rule is about the part. Names of objects do not narrow it: policies add up, so
// one that may be changed is enough.
func (p part) isCoveredBy(rule *rbacv1.PolicyRule) bool {
	inGroup := p.groups == nil || slices.Contains(rule.APIGroups, rbacv1.APIGroupAll) || intersect(p.groups, rule.APIGroups)
	return inGroup && intersect(p.resources, rule.Resources)
}

func intersect(a, b []string) bool {
	return slices.ContainsFunc(a, func(value string) bool { return slices.Contains(b, value) })
}
