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
	// groups are their API groups; empty for any group, but for those excepted.
	groups, except []string
	// resources are their names.
	resources []string
}

// boundary are all parts. Subresources count: labels of a namespace can be changed by its status.
func boundary() []part {
	return []part{
		// Policies of whatever network plugin, and what they are made of.
		{resources: []string{
			"networkpolicies", "networkpolicies/status", "tier.networkpolicies", "networksets", "ciliumnetworkpolicies",
			"ciliumnetworkpolicies/status", "ciliumlocalredirectpolicies", "ciliumenvoyconfigs", "egressfirewalls", "policyendpoints",
		}},
		{groups: []string{rbacv1.GroupName}, resources: []string{"roles", "rolebindings", "clusterroles", "clusterrolebindings"}},
		{groups: []string{""}, resources: []string{"namespaces", "namespaces/status", "namespaces/finalize"}},
		{groups: []string{"segmentation.dev"}, resources: []string{"segmentationprofiles", "segmentationprofiles/status"}},
		{groups: []string{"", "networking.k8s.io", "segmentation.dev"}, resources: []string{"*/status", "*/finalize"}},
		// Everything of a group, unless it is known that there is no policy in it.
		{except: []string{
			"apps", "autoscaling", "batch", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "metrics.k8s.io", "policy",
		}, resources: []string{rbacv1.ResourceAll}},
	}
}

// isCoveredBy tells whether a rule is about the part. Names of objects do not narrow it: policies add up, so
// one that may be changed is enough.
func (p part) isCoveredBy(rule *rbacv1.PolicyRule) bool {
	inGroup := func(group string) bool {
		return group == rbacv1.APIGroupAll || slices.Contains(p.groups, group) || p.groups == nil && !slices.Contains(p.except, group)
	}
	return slices.ContainsFunc(rule.APIGroups, inGroup) && intersect(p.resources, rule.Resources)
}

func intersect(a, b []string) bool {
	return slices.ContainsFunc(a, func(value string) bool { return slices.Contains(b, value) })
}
