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

// DNS says where pods of the tiers may resolve names: at the pods of the cluster's DNS
// Service, on its target ports, and nowhere else.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="!has(self.port) || has(self.pods) || self.port == 53",message="port is the port of the pods that pods chooses; the ports of a Service are found, leave it out",fieldPath=".port"
// +kubebuilder:validation:XValidation:rule="!has(self.service) || !has(self.pods)",message="the pods of the Service are those that it selects; leave out pods, or leave out service",fieldPath=".pods"
type DNS struct {
	// mode is ClusterDNS (the default) or None. With None nothing is opened,
	// whatever the other fields say.
	// +optional
	// +default="ClusterDNS"
	Mode DNSMode `json:"mode,omitempty"`

	// namespace is the namespace of the DNS Service or pods: kube-system, if it is
	// left out; openshift-dns on OpenShift.
	// +optional
	// +default="kube-system"
	Namespace NamespaceName `json:"namespace,omitempty"`

	// service is the Service in that namespace that answers names on port 53:
	// kube-dns, if it is left out, as CoreDNS is called, too; dns-default on
	// OpenShift. Its selector, and the target ports of its port 53, are looked up
	// and kept current. As long as it is not there nothing is opened.
	// +optional
	Service Name `json:"service,omitempty"`

	// pods chooses the DNS pods in that namespace, where there is no Service to look
	// at. An empty selector means every pod.
	// +optional
	Pods *LabelSelector `json:"pods,omitempty"`

	// port is the port on which the pods that pods chooses listen, for UDP and TCP:
	// 53, if it is left out. Without pods, 53 means nothing: earlier versions stored
	// it.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`

	// nodeLocal are the addresses of a DNS cache on each node, such as the
	// link-local address of NodeLocal DNSCache, 169.254.20.10: up to 4 of them,
	// which are opened on port 53. Left out, there is none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	NodeLocal []IPAddress `json:"nodeLocal,omitempty"`
}

// IPAddress is an IPv4 or IPv6 address in the form that Kubernetes calls canonical.
//
// +kubebuilder:validation:MinLength=2
// +kubebuilder:validation:MaxLength=39
// +kubebuilder:validation:XValidation:rule="isIP(self) && ip.isCanonical(self)",message="must be an IPv4 or IPv6 address such as 169.254.20.10 or fd00::10, in lower case and shortened"
type IPAddress string

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
