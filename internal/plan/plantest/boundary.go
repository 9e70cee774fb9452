package plantest

import "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"

// BoundaryRule is a rule of a role, and whether it lets a tier edit its own boundary.
type BoundaryRule struct {
	// Rule is the rule.
	Rule v1alpha1.PolicyRule
	// Edits says what it does.
	Edits bool
}

// BoundaryRules are rules by what they are about. The compiler and the CRD judge them, each in its own words.
func BoundaryRules() map[string]BoundaryRule {
	rule := func(group, resource, verb string, names ...string) v1alpha1.PolicyRule {
		return v1alpha1.PolicyRule{
			APIGroups: []string{group}, Resources: []string{resource}, Verbs: []string{verb}, ResourceNames: names,
		}
	}
	const rbac, networking, own = "rbac.authorization.k8s.io", "networking.k8s.io", "segmentation.dev"
	mixed := v1alpha1.PolicyRule{
		APIGroups: []string{"apps", networking}, Resources: []string{"deployments", "networkpolicies"}, Verbs: []string{"get", "patch"},
	}
	return map[string]BoundaryRule{
		"reading policies":                                 {rule(networking, "networkpolicies", "list"), false},
		"creating policies":                                {rule(networking, "networkpolicies", "create"), true},
		"changing one policy by its name":                  {rule(networking, "networkpolicies", "update", "mine"), true},
		"deleting all policies":                            {rule(networking, "networkpolicies", "deletecollection"), true},
		"policies of a network plugin":                     {rule("crd.projectcalico.org", "networkpolicies", "create"), true},
		"Cilium's policies":                                {rule("cilium.io", "ciliumnetworkpolicies", "patch"), true},
		"Calico's policies of a tier":                      {rule("projectcalico.org", "tier.networkpolicies", "create"), true},
		"sets that Calico's policies use":                  {rule("crd.projectcalico.org", "networksets", "update"), true},
		"Cilium's redirects":                               {rule("cilium.io", "ciliumlocalredirectpolicies", "create"), true},
		"firewalls of OVN-Kubernetes":                      {rule("k8s.ovn.org", "egressfirewalls", "create"), true},
		"binding ClusterRoles":                             {rule(rbac, "clusterroles", "bind"), true},
		"everything in an API group that is not known":     {rule("policy.example.com", "*", "create"), true},
		"the status of everything in an unknown API group": {rule("policy.example.com", "*/status", "update"), false},
		"something in an API group that is not known":      {rule("policy.example.com", "things", "create"), false},
		"policies among other things":                      {mixed, true},
		"ingresses":                                        {rule(networking, "ingresses", "create"), false},
		"everything in the API group of policies":          {rule(networking, "*", "create"), true},
		"policies in every API group":                      {rule("*", "networkpolicies", "create"), true},
		"pods in every API group":                          {rule("*", "pods", "delete"), false},
		"reading roles":                                    {rule(rbac, "roles", "get"), false},
		"changing roles":                                   {rule(rbac, "roles", "patch"), true},
		"escalating":                                       {rule(rbac, "roles", "escalate"), true},
		"binding roles":                                    {rule(rbac, "roles", "bind"), true},
		"changing bindings":                                {rule(rbac, "rolebindings", "update"), true},
		"roles of another API group":                       {rule("iam.example.com", "roles", "update"), false},
		"labels of the namespace":                          {rule("", "namespaces", "patch"), true},
		"labels of the namespace by its status":            {rule("", "namespaces/status", "patch"), true},
		"finalizing the namespace":                         {rule("", "namespaces/finalize", "update"), true},
		"every status of the core group":                   {rule("", "*/status", "update"), true},
		"scaling whatever can be scaled":                   {rule("*", "*/scale", "update"), false},
		"namespaces of another API group":                  {rule("tenancy.example.com", "namespaces", "update"), false},
		"profiles":                                         {rule(own, "segmentationprofiles", "update"), true},
		"the status of profiles":                           {rule(own, "segmentationprofiles/status", "update"), true},
		"reading everything":                               {rule("*", "*", "get"), false},
		"everything":                                       {rule("*", "*", "*"), true},
		"everything in the core group":                     {rule("", "*", "create"), true},
		"everything in the API group of Deployments":       {rule("apps", "*", "*"), false},
		"every verb on pods":                               {rule("", "pods", "*"), false},
		"every verb on policies":                           {rule(networking, "networkpolicies", "*"), true},
	}
}
