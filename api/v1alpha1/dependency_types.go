package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Dependency is the permission for one tier or peer to reach another, in the direction in
// which connections are opened.
//
// +kubebuilder:validation:XValidation:rule="has(self.from.tier) || has(self.to.tier)",message="from and to are both peers; one of them must be a tier, since only tiers' namespaces get policies"
// +kubebuilder:validation:XValidation:rule="!has(self.access) || (has(self.from.tier) && has(self.to.tier))",message="access is given to service accounts of a tier's namespaces, in a tier's namespaces; from and to must both be tiers",fieldPath=".access"
// +kubebuilder:validation:XValidation:rule="!has(self.access) || !(has(self.from.pods) || has(self.to.pods))",message="access is given to all service accounts of the namespaces, and pods cannot narrow it; put it into a dependency of its own without pods",fieldPath=".access"
type Dependency struct {
	// name names the dependency in findings, annotations and the names of
	// generated objects, such as web-api.
	// +required
	Name Name `json:"name,omitempty"`

	// from is the party that calls, that is, opens the connection: a tier or a
	// peer.
	// +required
	From Endpoint `json:"from,omitzero"`

	// to is the party that is called: a tier or a peer, but not both from and to
	// are peers. It may be the same tier as from: pods of the tier then reach pods
	// of the tier, in the same namespace and in its others.
	// +required
	To Endpoint `json:"to,omitzero"`

	// ports are the ports of the called pods or addresses, 1 to 32 of them. Left
	// out, it means every port of every protocol; but in a dependency that has
	// access, no port at all.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Ports []Port `json:"ports,omitempty"`

	// access grants API permissions: the service accounts of all namespaces of
	// the tier that calls get these roles in each namespace of the tier that is
	// called, 1 to 16 of them. Left out, the dependency is about the network only;
	// with access and without ports it is about the API only, and opens no path.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Access []DependencyAccess `json:"access,omitempty"`
}

// Endpoint is one side of a dependency: a tier, or a peer.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="has(self.tier) != has(self.peer)",message="give either tier or peer, and only one of them"
// +kubebuilder:validation:XValidation:rule="!has(self.pods) || has(self.tier)",message="pods narrows a tier; to narrow a peer, give pods in the peer itself"
type Endpoint struct {
	// tier is the name of a tier in spec.tiers.
	// +optional
	Tier Name `json:"tier,omitempty"`

	// peer is the name of a peer in spec.peers.
	// +optional
	Peer Name `json:"peer,omitempty"`

	// pods narrows the tier to the pods with these labels. Left out, or empty, it
	// means every pod of the tier.
	// +optional
	Pods *LabelSelector `json:"pods,omitempty"`
}

// Port is one port, a range of ports, or every port of a protocol.
//
// +kubebuilder:validation:XValidation:rule="!has(self.endPort) || (has(self.port) && type(self.port) == int && self.endPort >= int(self.port))",message="endPort ends a range that port begins; give port as a number that is not larger",fieldPath=".endPort"
// +kubebuilder:validation:XValidation:rule="!has(self.port) || (type(self.port) == int ? int(self.port) >= 1 && int(self.port) <= 65535 : string(self.port).matches('^[a-z0-9]+(-[a-z0-9]+)*$') && string(self.port).matches('[a-z]'))",message="port must be a number from 1 to 65535, or the name of a container port: at most 15 lower-case letters, digits and single '-', with at least one letter",fieldPath=".port"
type Port struct {
	// protocol is TCP (the default), UDP or SCTP.
	// +optional
	// +default="TCP"
	// +kubebuilder:validation:Enum=TCP;UDP;SCTP
	Protocol corev1.Protocol `json:"protocol,omitempty"`

	// port is the number of a port, or the name of a container port of the called
	// pods, such as 8080 or http. It is the pods' port, not the Service's. Left
	// out, it means every port of the protocol.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=15
	Port *intstr.IntOrString `json:"port,omitempty"`

	// endPort makes a range of ports: from port, which must be a number, to
	// endPort, both included. Left out, there is only the one port.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	EndPort int32 `json:"endPort,omitempty"`
}
