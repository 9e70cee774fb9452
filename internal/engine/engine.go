// Package engine knows what the programs that enforce NetworkPolicies do with the parts of them that not all of them
// have: which of the dependencies of a plan become wider or narrower than they are declared. It is pure.
//
// What it says of an engine has a source, or is unknown. docs/engines.md is the same table for people.
package engine

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/version"
)

// Name is the name of an engine, as flags take it.
type Name string

// The engines.
const (
	Calico        Name = "calico"
	Cilium        Name = "cilium"
	WeaveNet      Name = "weave-net"
	KubeRouter    Name = "kube-router"
	Antrea        Name = "antrea"
	OVNKubernetes Name = "ovn-kubernetes"
	AWS           Name = "aws-vpc-cni"
	// KubeNetworkPolicies is that of kubernetes-sigs, which kindnet has in it.
	KubeNetworkPolicies Name = "kube-network-policies"
	// None stands for a network that enforces no NetworkPolicy, such as flannel by itself.
	None Name = "none"
	// Unknown stands for an engine that is not known.
	Unknown Name = "unknown"
)

// Names are the engines of the table.
func Names() []Name {
	return []Name{Calico, Cilium, WeaveNet, KubeRouter, Antrea, OVNKubernetes, AWS, KubeNetworkPolicies, None}
}

// Feature is a part of NetworkPolicy, or what stands beside it, that engines treat differently.
type Feature string

// The features.
const (
	EndPort              Feature = "endPort"
	SCTP                 Feature = "SCTP"
	NamesIngress         Feature = "port names, ingress"
	NamesEgress          Feature = "port names, egress"
	BlockOfPods          Feature = "ipBlock on pods"
	BlockOfNodes         Feature = "ipBlock on nodes"
	HostNetwork          Feature = "host-network pods"
	ClusterNetworkPolicy Feature = "ClusterNetworkPolicy"
)

// Features are all features.
func Features() []Feature {
	return []Feature{EndPort, SCTP, NamesIngress, NamesEgress, BlockOfPods, BlockOfNodes, HostNetwork, ClusterNetworkPolicy}
}

// Reading is what an engine makes of a feature.
type Reading string

// The readings.
const (
	// Enforced: as the API says.
	Enforced Reading = "enforced"
	// Ignored: as if it was not there.
	Ignored Reading = "ignored"
	// Narrower: less passes than the API says. Wider: more does.
	Narrower Reading = "narrower"
	Wider    Reading = "wider"
	// RefusedWhole: the whole policy is left out, with the isolation that it brings.
	RefusedWhole Reading = "refused whole"
	// Optional: as the API says, if it is switched on, which it is not by itself.
	Optional Reading = "if switched on"
	// Unread: no source says it.
	Unread Reading = "unknown"
)

// Cell is what an engine makes of a feature.
type Cell struct {
	// Reading is what it makes of it; from version Since on, if that is known.
	Reading Reading
	Since   string
	// Before is what older versions make of it, and BeforeWhat says it in words.
	Before     Reading
	BeforeWhat string
	// What says what the engine does, as the end of a sentence that its name begins.
	What string
	// Fix says what to do about it, if it is not what is to be done about the feature with other engines.
	Fix string
	// Sources are where it was read.
	Sources []string
}

// at returns what a version of the engine makes of the feature, and in words. A version that is not known is taken to be
// a new one.
func (c *Cell) at(of string) (reading Reading, what string) {
	if c.Since == "" || c.Before == "" {
		return c.Reading, c.What
	}
	have, err := version.ParseGeneric(of)
	if err != nil || have.AtLeast(version.MustParseGeneric(c.Since)) {
		return c.Reading, c.What
	}
	return c.Before, c.BeforeWhat
}

// IsName tells whether there is an engine of that name.
func IsName(name Name) bool { return slices.Contains(Names(), name) }
