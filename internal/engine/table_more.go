package engine

func antrea(feature Feature) Cell {
	const controller = "antrea-io/antrea pkg/controller/networkpolicy/networkpolicy_controller.go"
	switch feature {
	case EndPort:
		return since("1.1", "antrea-io/antrea CHANGELOG/CHANGELOG-1.1.md (#2190)")
	case SCTP:
		return enforced("antrea-io/antrea pkg/agent/openflow/network_policy.go (MatchSCTPDstPort)")
	case NamesIngress, NamesEgress:
		return since("0.4.0", "antrea-io/antrea CHANGELOG/CHANGELOG-0.x.md", controller)
	case BlockOfPods, BlockOfNodes:
		return enforced(controller + " (toAntreaIPBlock)")
	case HostNetwork:
		return onHost("antrea-io/antrea CHANGELOG/CHANGELOG-1.1.md (#2093)", controller)
	case ClusterNetworkPolicy:
		return Cell{
			Reading: Optional, Since: "2.7", What: "reads them only with the feature gate ClusterNetworkPolicy",
			Sources: []string{"antrea-io/antrea docs/cluster-network-policy.md"},
		}
	}
	return Cell{}
}

func ovnKubernetes(feature Feature) Cell {
	const gress = "ovn-kubernetes/ovn-kubernetes go-controller/pkg/ovn/gress_policy.go"
	switch feature {
	case EndPort:
		return enforced(gress + " (addPortPolicy, September 2021)")
	case SCTP:
		return enforced("https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/network_security/network-policy")
	case NamesIngress, NamesEgress:
		return Cell{
			Reading: Wider, What: "opens every port of the protocol for the name of a port",
			Sources: []string{
				"ovn-kubernetes/ovn-kubernetes#2117", "ovn-kubernetes/ovn-kubernetes#1225",
				gress + " (the number of a name is 0, which is every port)",
			},
		}
	case BlockOfPods, BlockOfNodes:
		return enforced(gress + " (getMatchFromIPBlock)")
	case HostNetwork:
		return onHost("https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/network_security/network-policy")
	case ClusterNetworkPolicy:
		return Cell{Sources: []string{
			"kubernetes-sigs/network-policy-api site-src/implementations.md (April 2026) names it for v1alpha1 alone (AdminNetworkPolicy)",
		}}
	}
	return Cell{}
}

func aws(feature Feature) Cell {
	const (
		endpoints = "aws/amazon-network-policy-controller-k8s pkg/resolvers/endpoints.go"
		probe     = "aws/aws-network-policy-agent pkg/ebpf/c/tc.v4ingress.bpf.c"
	)
	switch feature {
	case EndPort:
		return enforced(endpoints, "aws/aws-network-policy-agent pkg/utils/utils.go")
	case SCTP:
		return enforced(probe)
	case NamesIngress:
		return Cell{
			Reading: Wider, What: "opens on every called pod of a namespace all numbers that any of them gives the name",
			Sources: []string{
				endpoints + " (getIngressRulesPorts)",
				"aws/amazon-network-policy-controller-k8s#52: an early version took the numbers of the callers' pods",
			},
		}
	case NamesEgress:
		return enforced(endpoints + " (computeEgressEndpoints)")
	case BlockOfPods, BlockOfNodes:
		return enforced(endpoints + " (buildIPBlockEndpoint)")
	case HostNetwork:
		return onHost("aws/amazon-network-policy-controller-k8s#206", "aws/aws-network-policy-agent#510")
	case ClusterNetworkPolicy:
		return Cell{
			Reading: Ignored, What: "has an API of that name in a group of its own, networking.k8s.aws",
			Sources: []string{"aws/amazon-network-policy-controller-k8s config/crd/bases/networking.k8s.aws_clusternetworkpolicies.yaml"},
		}
	}
	return Cell{}
}

func kubeNetworkPolicies(feature Feature) Cell {
	const policy = "kubernetes-sigs/kube-network-policies pkg/networkpolicy/networkpolicy.go"
	switch feature {
	case EndPort:
		return enforced(policy + " (evaluatePorts)")
	case SCTP:
		return enforced("kubernetes-sigs/kube-network-policies pkg/networkpolicy/packet.go (parsePacket)", policy+" (evaluatePorts)")
	case NamesIngress, NamesEgress:
		return Cell{
			Reading: Narrower, What: "does not know the names that sidecars, which are init containers, give to their ports",
			Sources: []string{policy + " (evaluatePorts)", "kubernetes-sigs/kube-network-policies pkg/api/helper.go (NewPodInfo)"},
		}
	case BlockOfPods, BlockOfNodes:
		return enforced(policy + " (evaluateIPBlocks)")
	case HostNetwork:
		return Cell{}
	case ClusterNetworkPolicy:
		return Cell{
			Reading: Optional, What: "reads them only in a build of its own",
			Sources: []string{"kubernetes-sigs/kube-network-policies cmd/kube-network-policies/npa-v1alpha2/main.go and install-cnp.yaml"},
		}
	}
	return Cell{}
}

// none is what a network without an engine makes of everything.
func none() Cell {
	return Cell{Reading: Ignored, What: "enforces no NetworkPolicy at all", Sources: []string{"flannel-io/flannel README.md"}}
}
