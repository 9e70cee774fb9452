package cli

import (
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

// needs are the kinds that a command reads from a cluster, and for each what it means for what the command tells that it
// may not be read; empty for a kind that it cannot do without.
type needs map[offline.Kind]string

// declaring are the kinds on which depends what the operator writes.
func declaring() needs {
	return needs{
		offline.Profiles: "", offline.Namespaces: "",
		offline.Services:       "dependencies that name Services open nothing here, and DNS is taken to be as usual or opens nothing",
		offline.EndpointSlices: "the API server's addresses are not known here",
		offline.Nodes:          "addresses of nodes and pods are not known here",
		offline.ServiceCIDRs:   "addresses of Services are not known here",
		offline.ClusterRoles:   "bindings of ClusterRoles that are not there, or may not be bound, are not told from others",
		offline.Pods:           "ports that nothing has are not looked for, and which engine enforces policies is not found",
	}
}

func (n needs) with(kind offline.Kind, means string) needs {
	n[kind] = means
	return n
}

func renderNeeds() needs {
	return declaring().with(offline.ClusterPolicies, "guardrails get priorities as if nobody had any")
}

func mapNeeds() needs {
	return declaring().
		with(offline.Policies, "who reaches whom is told as if nobody else had any").
		with(offline.ClusterPolicies, "who reaches whom is told as if there were none")
}

func planNeeds() needs {
	return declaring().
		with(offline.Policies, "what is reachable is compared as if nobody else had any").
		with(offline.ClusterPolicies, "what is reachable is compared as if there were none").
		with(offline.Pods, "which pods a change concerns is not told, and which engine enforces policies is not found")
}

// canNeeds are few: it is the policies that are there that decide.
func canNeeds() needs {
	return needs{
		offline.Namespaces: "", offline.Policies: "",
		offline.Profiles: "what to add to a profile is not told",
		offline.Pods:     "pods are not known, nor their addresses and the names of their ports",
		offline.Services: "addresses of Services are not told from those outside",

		offline.ClusterPolicies: "it is told as if there were none, and one may accept or deny what NetworkPolicies do not",
	}
}

func auditNeeds() needs {
	const unwritten = "what the operator's NetworkPolicies have to be is not known, and so drift of them is not judged"
	return needs{
		offline.Profiles: "", offline.Namespaces: "",
		offline.Services: unwritten + "; what dependencies declare by Services, and DNS, is not known, " +
			"so that a policy of somebody else's that allows it may be told of as undeclared",
		offline.EndpointSlices: unwritten + "; the API server's addresses are not known, and a path to them may be told of as undeclared",
		offline.Nodes:          unwritten,
		offline.ServiceCIDRs:   unwritten,
		offline.Policies:       "undeclared paths, blocked paths and drift of NetworkPolicies are not judged",
		offline.Roles:          "what RoleBindings grant by Roles, and drift of Roles, are not judged",
		offline.RoleBindings:   "undeclared access, and drift of RoleBindings, are not judged",
		offline.ClusterRoles:   "what RoleBindings grant by ClusterRoles, and drift of those of the operator's, are not judged",
		offline.Pods:           "pods on the host network are not looked for, and which engine enforces policies is not found",

		offline.ClusterPolicies: "paths that they open are not looked for, and what they deny may be told of as opened",
	}
}

// suggestNeeds are without access: a first profile is about the network. It may be asked for before there is the CRD.
func suggestNeeds() needs {
	return needs{
		offline.Profiles: "namespaces that a profile has may become tiers", offline.Namespaces: "",
		offline.Services:       "flows to their addresses cannot be told from others, and none is named",
		offline.EndpointSlices: "the API server's addresses are not known",
		offline.Nodes:          "addresses of nodes and pods are not known",
		offline.ServiceCIDRs:   "addresses of Services are not known",
		offline.Policies:       "what they allow is not proposed",
		offline.Pods:           "whose an address is, and named ports, are not known",
	}
}
