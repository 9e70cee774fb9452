package v1alpha1

// Peer is a party outside the tiers: namespaces that this profile does not segment,
// or addresses.
//
// +kubebuilder:validation:XValidation:rule="has(self.namespaces) != has(self.cidrs)",message="give either namespaces or cidrs, and only one of them"
// +kubebuilder:validation:XValidation:rule="!has(self.pods) || has(self.namespaces)",message="pods narrows namespaces; it has no meaning beside cidrs, leave it out"
type Peer struct {
	// name names the peer in dependencies and findings.
	// +required
	Name Name `json:"name,omitempty"`

	// namespaces chooses the namespaces of the peer. The operator writes nothing in them.
	// +optional
	Namespaces *NamespaceSet `json:"namespaces,omitempty"`

	// pods chooses pods in those namespaces. Left out, or empty, it means every pod.
	// +optional
	Pods *LabelSelector `json:"pods,omitempty"`

	// cidrs are the addresses of the peer. They should be outside the cluster: most
	// network plugins do not match pods by their address.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	CIDRs []CIDRBlock `json:"cidrs,omitempty"`
}

// CIDRBlock is a range of addresses, less some ranges inside it.
//
// +kubebuilder:validation:XValidation:rule="!has(self.except) || !isCIDR(self.cidr) || self.except.all(e, !isCIDR(e) || (cidr(self.cidr).containsCIDR(e) && cidr(e).prefixLength() > cidr(self.cidr).prefixLength()))",message="every except must be a smaller range inside cidr"
type CIDRBlock struct {
	// cidr is the range, such as 198.51.100.0/24 or 2001:db8::/64.
	// +required
	CIDR CIDR `json:"cidr,omitempty"`

	// except are ranges inside cidr that do not belong to the peer.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Except []CIDR `json:"except,omitempty"`
}

// CIDR is a range of IPv4 or IPv6 addresses, in the form that Kubernetes calls canonical:
// no host bits, no leading zeros.
//
// +kubebuilder:validation:MinLength=4
// +kubebuilder:validation:MaxLength=43
// +kubebuilder:validation:XValidation:rule="isCIDR(self)",message="must be a range of addresses such as 198.51.100.0/24 or 2001:db8::/64; one address is written 198.51.100.7/32"
// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || cidr(self) == cidr(self).masked()",message="has bits set beyond its prefix length; give the range's first address"
type CIDR string
