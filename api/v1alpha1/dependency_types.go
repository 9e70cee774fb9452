package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Dependency is the permission for one tier or peer to reach another, in the direction in
// which connections are opened.
//
// +kubebuilder:validation:XValidation:rule="(has(self.from.tier) && !has(self.from.profile)) || has(self.from.allTiers) || (has(self.to.tier) && !has(self.to.profile)) || has(self.to.allTiers)",message="neither from nor to is a tier of this profile; one of them must be, since only its namespaces get policies"
// +kubebuilder:validation:XValidation:rule="!has(self.from.service)",message="from cannot name a service: a Service is what is called; name it in to, and choose who calls by pods",fieldPath=".from"
// +kubebuilder:validation:XValidation:rule="!has(self.to.serviceAccounts)",message="to cannot have serviceAccounts: they say who calls; give them in from",fieldPath=".to"
// +kubebuilder:validation:XValidation:rule="!has(self.access) || (has(self.from.tier) && has(self.to.tier) && !has(self.from.profile) && !has(self.to.profile))",message="access is given to service accounts of a tier's namespaces, in a tier's namespaces; from and to must both be tiers of this profile",fieldPath=".access"
// +kubebuilder:validation:XValidation:rule="!has(self.access) || !(has(self.from.pods) || has(self.to.pods) || has(self.to.service))",message="access is given to all service accounts of the namespaces, and pods or a service cannot narrow it; put it into a dependency of its own without them",fieldPath=".access"
type Dependency struct {
	// name names the dependency in findings, annotations and the names of
	// generated objects, such as web-api.
	// +required
	Name Name `json:"name,omitempty"`

	// from is the party that calls, that is, opens the connection: a tier, all
	// tiers, a tier of another profile, or a peer.
	// +required
	From Endpoint `json:"from,omitzero"`

	// to is the party that is called: a tier, a Service in a tier, all tiers, a
	// tier of another profile, or a peer. One of from and to must be of this
	// profile. It may be the same tier as from: pods of the tier then reach pods of
	// the tier, in the same namespace and in its others.
	// +required
	To Endpoint `json:"to,omitzero"`

	// ports are the ports of the called pods or addresses, 1 to 32 of them. Left
	// out, it means every port of every protocol; but in a dependency that has
	// access, no port at all. Where a Service is called, they are ports of the
	// Service, by number or by name, and left out they are all of its ports.
	// Where a peer with apiServer is called, leave them out: they are the API
	// server's own.
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

// Endpoint is one side of a dependency: a tier, a Service in a tier, all tiers, a
// tier of another profile, or a peer.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="(has(self.tier) ? 1 : 0) + (has(self.allTiers) ? 1 : 0) + (has(self.peer) ? 1 : 0) == 1",message="give one of tier, allTiers and peer, and only one of them"
// +kubebuilder:validation:XValidation:rule="!has(self.pods) || !has(self.peer)",message="pods narrows a tier; to narrow a peer, give pods in the peer itself"
// +kubebuilder:validation:XValidation:rule="!has(self.profile) || has(self.tier)",message="profile says whose tier it is; give the name of a tier of that profile in tier"
// +kubebuilder:validation:XValidation:rule="!has(self.service) || (has(self.tier) && !has(self.profile))",message="service names a Service in a tier of this profile; give the name of the tier in tier, and no profile",fieldPath=".service"
// +kubebuilder:validation:XValidation:rule="!has(self.service) || !has(self.pods)",message="the pods of a Service are those that it selects; leave out pods, or leave out service",fieldPath=".pods"
// +kubebuilder:validation:XValidation:rule="!has(self.allTiers) || self.allTiers",message="allTiers is true or left out",fieldPath=".allTiers"
type Endpoint struct {
	// tier is the name of a tier in spec.tiers; with profile, of a tier of that
	// profile.
	// +optional
	Tier Name `json:"tier,omitempty"`

	// allTiers stands, if it is true, for every tier of this profile, such as those
	// that a monitoring tier may reach.
	// +optional
	AllTiers bool `json:"allTiers,omitempty"` //nolint:kubeapilinter // One of several that exclude each other, of which it is the one without a name.

	// profile is the name of another profile, of which tier names a tier. Such a
	// dependency opens nothing until the other profile declares the same path from
	// its side: each profile opens only its own namespaces.
	// +optional
	Profile Name `json:"profile,omitempty"`

	// service is the name of a Service in the namespaces of the tier. In each of
	// them that has it, the pods that it selects are called, on its target ports.
	// One that is not there, is of type ExternalName or has no selector is
	// reported, and opens nothing.
	// +optional
	Service Name `json:"service,omitempty"`

	// peer is the name of a peer in spec.peers.
	// +optional
	Peer Name `json:"peer,omitempty"`

	// pods narrows the tiers to the pods with these labels. Left out, or empty, it
	// means every pod of them.
	// +optional
	Pods *LabelSelector `json:"pods,omitempty"`

	// serviceAccounts are the service accounts that the pods of from run as, 1 to 16
	// of them, by which a service mesh tells who calls: it sees no labels of pods.
	// NetworkPolicies do not go by them. Left out, a mesh admits every service
	// account of the namespaces.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	ServiceAccounts []ServiceAccountName `json:"serviceAccounts,omitempty"`
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
	// pods, such as 8080 or http. It is the pods' port, not the Service's, unless
	// the dependency names a Service. Left out, it means every port of the
	// protocol.
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
