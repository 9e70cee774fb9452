package v1alpha1

// Tier is a named set of namespaces.
type Tier struct {
	// name names the tier in dependencies and findings, and is the value of the
	// label segmentation.dev/tier that the operator puts on the tier's namespaces.
	// +required
	Name Name `json:"name,omitempty"`

	// namespaces chooses the namespaces of the tier, by label or by name, today's
	// and those still to come. A namespace belongs to at most one tier of at most
	// one profile: of two profiles the older one keeps it. System namespaces are
	// left out.
	// +required
	Namespaces NamespaceSet `json:"namespaces,omitzero"`

	// internalTraffic says which pods of the tier reach each other without a
	// dependency: with SameNamespace (the default) those in the same namespace;
	// with SameTier all of the tier's; with Deny none, so that a dependency from
	// the tier to itself is needed.
	// +optional
	// +default="SameNamespace"
	InternalTraffic InternalTraffic `json:"internalTraffic,omitempty"`

	// access grants API permissions to people and programs, in each namespace of
	// the tier: at most 16 grants.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Access []TierAccess `json:"access,omitempty"`
}

// InternalTraffic says which pods of a tier reach each other without a dependency.
//
// +kubebuilder:validation:Enum=SameNamespace;SameTier;Deny
type InternalTraffic string

const (
	// InternalTrafficSameNamespace allows traffic between the pods of one
	// namespace.
	InternalTrafficSameNamespace InternalTraffic = "SameNamespace"
	// InternalTrafficSameTier allows traffic between all pods of the tier.
	InternalTrafficSameTier InternalTraffic = "SameTier"
	// InternalTrafficDeny allows only what dependencies declare.
	InternalTrafficDeny InternalTraffic = "Deny"
)

// DNS says where pods of the tiers may resolve names.
//
// +kubebuilder:validation:MinProperties=1
type DNS struct {
	// mode is ClusterDNS (the default) or None. With None nothing is opened,
	// whatever the other fields say.
	// +optional
	// +default="ClusterDNS"
	Mode DNSMode `json:"mode,omitempty"`

	// namespace is the namespace of the DNS pods: kube-system, if it is left out.
	// +optional
	// +default="kube-system"
	Namespace NamespaceName `json:"namespace,omitempty"`

	// pods chooses the DNS pods in that namespace. Left out, it means those
	// labelled k8s-app=kube-dns, which CoreDNS has too. An empty selector means
	// every pod.
	// +optional
	Pods *LabelSelector `json:"pods,omitempty"`

	// port is the port on which the DNS pods listen, for UDP and TCP: 53, if it is
	// left out. It is the pods' port, not the Service's: 5353 on OpenShift.
	// +optional
	// +default=53
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`
}

// DNSMode says whether name resolution is opened.
//
// +kubebuilder:validation:Enum=ClusterDNS;None
type DNSMode string

const (
	// DNSModeClusterDNS opens the way to the cluster's DNS pods.
	DNSModeClusterDNS DNSMode = "ClusterDNS"
	// DNSModeNone opens nothing.
	DNSModeNone DNSMode = "None"
)
