package v1alpha1

// Tier is a named set of namespaces.
type Tier struct {
	// name names the tier. It becomes the value of the label segmentation.dev/tier on
	// the tier's namespaces.
	// +required
	Name Name `json:"name,omitempty"`

	// namespaces chooses the namespaces of the tier. A namespace belongs to at most one
	// tier of at most one profile; system namespaces are left out.
	// +required
	Namespaces NamespaceSet `json:"namespaces,omitzero"`

	// internalTraffic says which pods of the tier reach each other without a dependency:
	// SameNamespace (the default), those in one namespace; SameTier, all of the
	// tier; Deny, none.
	// +optional
	// +default="SameNamespace"
	InternalTraffic InternalTraffic `json:"internalTraffic,omitempty"`

	// access grants API permissions in each namespace of the tier.
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
	// InternalTrafficSameNamespace allows traffic between the pods of one namespace.
	InternalTrafficSameNamespace InternalTraffic = "SameNamespace"
	// InternalTrafficSameTier allows traffic between all pods of the tier.
	InternalTrafficSameTier InternalTraffic = "SameTier"
	// InternalTrafficDeny allows only what dependencies declare.
	InternalTrafficDeny InternalTraffic = "Deny"
)

// DNS says where pods of the tiers may resolve names.
type DNS struct {
	// mode is ClusterDNS (the default) or None.
	// +optional
	// +default="ClusterDNS"
	Mode DNSMode `json:"mode,omitempty"`

	// namespace is the namespace of the DNS pods.
	// +optional
	// +default="kube-system"
	Namespace NamespaceName `json:"namespace,omitempty"`

	// pods chooses the DNS pods in that namespace. An empty selector means every pod.
	// +optional
	// +default={"matchLabels": {"k8s-app": "kube-dns"}}
	Pods *LabelSelector `json:"pods,omitempty"`

	// port is the port on which the DNS pods listen, for UDP and TCP. It is the pods'
	// port, not the Service's: 5353 on OpenShift.
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
