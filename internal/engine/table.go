package engine

// Of returns what an engine makes of a feature.
func Of(name Name, feature Feature) Cell {
	var cell Cell
	switch name {
	case Calico:
		cell = calico(feature)
	case Cilium:
		cell = cilium(feature)
	case WeaveNet:
		cell = weaveNet(feature)
	case KubeRouter:
		cell = kubeRouter(feature)
	case Antrea:
		cell = antrea(feature)
	case OVNKubernetes:
		cell = ovnKubernetes(feature)
	case AWS:
		cell = aws(feature)
	case KubeNetworkPolicies:
		cell = kubeNetworkPolicies(feature)
	case None:
		cell = none()
	case Unknown:
	}
	if cell.Reading == "" {
		cell.Reading = Unread
	}
	return cell
}

func enforced(sources ...string) Cell { return Cell{Reading: Enforced, Sources: sources} }

// since is what is enforced from a version on, without a source for what was before.
func since(version string, sources ...string) Cell {
	return Cell{Reading: Enforced, Since: version, Sources: sources}
}

// onHost is what all engines do with pods on the network of their node.
func onHost(sources ...string) Cell {
	return Cell{Reading: Ignored, What: "applies no policy to them", Sources: sources}
}

func calico(feature Feature) Cell {
	const conversion = "projectcalico/calico libcalico-go/lib/backend/k8s/conversion/conversion.go"
	switch feature {
	case EndPort:
		return enforced("projectcalico/libcalico-go#1357 (April 2021)", conversion)
	case SCTP:
		return enforced("projectcalico/calico#3081 (December 2019)", "projectcalico/libcalico-go#1399 for names of SCTP ports (April 2021)")
	case NamesIngress, NamesEgress:
		return since("3.0", "projectcalico/libcalico-go#770", conversion)
	case BlockOfPods, BlockOfNodes:
		return enforced(conversion)
	case HostNetwork:
		return onHost("projectcalico/felix#1361", conversion)
	case ClusterNetworkPolicy:
		return since("3.32", "kubernetes-sigs/network-policy-api site-src/implementations.md")
	}
	return Cell{}
}

func cilium(feature Feature) Cell {
	const docs = "https://docs.cilium.io/en/stable/network/kubernetes/policy/"
	switch feature {
	case EndPort:
		return Cell{
			Reading: Enforced, Since: "1.16", Before: Narrower, BeforeWhat: "opens only the first port of a range before version 1.16",
			Sources: []string{
				"cilium/cilium#33463", "cilium/cilium#28684 for versions before",
				"cilium/cilium#28704: some of these refuse the policy whole",
			},
		}
	case SCTP:
		return Cell{
			Reading: Optional, What: "passes it only with sctp.enabled, which is off by itself",
			Fix:     "see that it is set in Cilium's Helm values",
			Sources: []string{"https://docs.cilium.io/en/stable/configuration/sctp/"},
		}
	case NamesIngress:
		return enforced("cilium/cilium#11092 (2020)", "cilium/cilium .github/workflows/k8s-kind-network-policies-e2e.yaml (v1.18)")
	case NamesEgress:
		return Cell{
			Reading: Narrower, What: "takes one number for a name where pods of the called side that look alike give it several",
			Sources: []string{"cilium/cilium#30003", "cilium/cilium#45601"},
		}
	case BlockOfPods:
		return Cell{
			Reading: Narrower, What: "knows pods by their labels, and matches no address range with them",
			Sources: []string{docs, "cilium/cilium#9209", "cilium/cilium .github/workflows/k8s-kind-network-policies-e2e.yaml (v1.18)"},
		}
	case BlockOfNodes:
		const what = "matches no address range with nodes"
		return Cell{
			Reading: Optional, Since: "1.15", What: what + ", unless policy-cidr-match-mode is nodes", Before: Narrower, BeforeWhat: what,
			Fix:     "set policy-cidr-match-mode: nodes, or allow the nodes or the API server by a CiliumNetworkPolicy with entities",
			Sources: []string{docs, "cilium/cilium#28421"},
		}
	case HostNetwork:
		return onHost("kubernetes/website#39875: «literally every network plugin»")
	case ClusterNetworkPolicy:
		return Cell{
			Reading: Optional, Since: "1.20", What: "reads them only with k8sClusterNetworkPolicy.enabled",
			Sources: []string{"cilium/cilium#47227"},
		}
	}
	return Cell{}
}

func weaveNet(feature Feature) Cell {
	const analyser = "weaveworks/weave npc/analyser.go"
	switch feature {
	case EndPort:
		return Cell{
			Reading: Narrower, What: "knows no port ranges, and opens only the first port",
			Sources: []string{analyser, "weaveworks/weave go.mod: k8s.io/api v0.18.6, from before endPort"},
		}
	case SCTP:
		return Cell{Sources: []string{analyser + " hands the protocol to iptables; nobody says whether it was tried"}}
	case NamesIngress, NamesEgress:
		return Cell{
			Reading: RefusedWhole, What: "refuses a policy with the name of a port whole",
			Sources: []string{analyser + " (checkForNamedPorts)", "weaveworks/weave CHANGELOG.md (2.6.3, #3790)"},
		}
	case BlockOfPods, BlockOfNodes:
		return enforced("weaveworks/weave npc/ipblock.go")
	case HostNetwork:
		return onHost("weaveworks/weave npc/namespace.go (hasIP)")
	case ClusterNetworkPolicy:
		return Cell{Reading: Ignored, What: "does not know the API", Sources: []string{"weaveworks/weave go.mod"}}
	}
	return Cell{}
}

func kubeRouter(feature Feature) Cell {
	const policy = "cloudnativelabs/kube-router pkg/controllers/netpol/policy.go"
	switch feature {
	case EndPort:
		return since("1.3.0", "cloudnativelabs/kube-router#1080")
	case SCTP:
		return since("2.8.0", "cloudnativelabs/kube-router#1019", "cloudnativelabs/kube-router commit 39efb923")
	case NamesIngress, NamesEgress:
		return Cell{
			Reading: Enforced, Since: "0.3.0",
			Before: RefusedWhole, BeforeWhat: "refuses a policy with the name of a port whole before version 0.3",
			Sources: []string{"cloudnativelabs/kube-router#679", "cloudnativelabs/kube-router#648 for versions before"},
		}
	case BlockOfPods, BlockOfNodes:
		return enforced(policy + " (evalIPBlockPeer)")
	case HostNetwork:
		return onHost("cloudnativelabs/kube-router#1073", "cloudnativelabs/kube-router pkg/controllers/netpol/utils.go")
	case ClusterNetworkPolicy:
		return Cell{Reading: Ignored, What: "does not know the API", Sources: []string{"cloudnativelabs/kube-router go.mod (August 2026)"}}
	}
	return Cell{}
}
