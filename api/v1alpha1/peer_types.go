package v1alpha1

// Peer is a party outside the tiers: namespaces that this profile does not segment,
// addresses, the API server, or all that is outside the cluster.
//
// +kubebuilder:validation:XValidation:rule="(has(self.namespaces) ? 1 : 0) + (has(self.cidrs) ? 1 : 0) + (has(self.apiServer) ? 1 : 0) + (has(self.internet) ? 1 : 0) == 1",message="give one of namespaces, cidrs, apiServer and internet, and only one of them"
// +kubebuilder:validation:XValidation:rule="!has(self.pods) || has(self.namespaces)",message="pods narrows namespaces; it has no meaning beside addresses, leave it out"
// +kubebuilder:validation:XValidation:rule="!has(self.service) || has(self.namespaces)",message="service names a Service in namespaces; it has no meaning beside addresses, leave it out",fieldPath=".service"
// +kubebuilder:validation:XValidation:rule="!has(self.service) || !has(self.pods)",message="the pods of a Service are those that it selects; leave out pods, or leave out service",fieldPath=".pods"
type Peer struct {
	// name names the peer in dependencies and findings.
	// +required
	Name Name `json:"name,omitempty"`

	// namespaces chooses the namespaces of the peer, by label or by name. The
	// operator writes nothing in them: a policy of their own may still deny what a
	// dependency allows.
	// +optional
	Namespaces *NamespaceSet `json:"namespaces,omitempty"` //nolint:kubeapilinter // a pointer, as cidrs may stand in its place

	// pods narrows the peer to the pods with these labels. Left out, or empty, it
	// means every pod of the namespaces.
	// +optional
	Pods *LabelSelector `json:"pods,omitempty"`

	// service is the name of a Service in the namespaces of the peer. The peer is
	// then, in each of them that has it, the pods that it selects, and what is
	// called are its target ports.
	// +optional
	Service Name `json:"service,omitempty"`

	// cidrs are the addresses of the peer, in 1 to 64 ranges; 0.0.0.0/0 and ::/0
	// are all of them. They should be outside the cluster: most network plugins do
	// not match pods by their address.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	CIDRs []CIDRBlock `json:"cidrs,omitempty"`

	// apiServer makes the peer the API server: the addresses and ports behind the
	// Service kubernetes in the namespace default, kept current. Write {}.
	// +optional
	APIServer *APIServerPeer `json:"apiServer,omitempty"`

	// internet makes the peer all addresses outside the cluster, of IPv4 and IPv6:
	// all but those of pods, Services and nodes, of cloud metadata services, and of
	// private networks. Write {}.
	// +optional
	Internet *InternetPeer `json:"internet,omitempty"`
}

// APIServerPeer is the API server of the cluster.
type APIServerPeer struct{}

// InternetPeer is all that is outside the cluster.
type InternetPeer struct {
	// privateRanges is Excluded (the default) or Included. Included, the addresses
	// of private networks outside the cluster belong to the peer, too: those of
	// RFC 1918, RFC 6598 and RFC 4193.
	// +optional
	// +default="Excluded"
	PrivateRanges PrivateRanges `json:"privateRanges,omitempty"`
}

// PrivateRanges says whether addresses of private networks belong to a peer.
//
// +kubebuilder:validation:Enum=Excluded;Included
type PrivateRanges string

const (
	// PrivateRangesExcluded leaves out private networks.
	PrivateRangesExcluded PrivateRanges = "Excluded"
	// PrivateRangesIncluded takes in private networks outside the cluster.
	PrivateRangesIncluded PrivateRanges = "Included"
)

// CIDRBlock is a range of addresses, less some ranges inside it.
//
// +kubebuilder:validation:XValidation:rule="!has(self.except) || !isCIDR(self.cidr) || self.except.all(e, !isCIDR(e) || (cidr(self.cidr).containsCIDR(e) && cidr(e).prefixLength() > cidr(self.cidr).prefixLength()))",message="every except must be a range inside cidr, and smaller than it",fieldPath=".except"
type CIDRBlock struct {
	// cidr is the range, such as 198.51.100.0/24 or 2001:db8::/64.
	// +required
	CIDR CIDR `json:"cidr,omitempty"`

	// except are at most 16 smaller ranges inside cidr that do not belong to the
	// peer.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Except []CIDR `json:"except,omitempty"`
}

// CIDR is a range of IPv4 or IPv6 addresses, in the form that Kubernetes calls canonical:
// no bits set beyond the prefix length, no leading zeros, IPv6 in lower case and shortened.
//
// +kubebuilder:validation:MinLength=4
// +kubebuilder:validation:MaxLength=43
// +kubebuilder:validation:XValidation:rule="isCIDR(self)",message="must be a range of addresses such as 198.51.100.0/24 or 2001:db8::/64; one address is written 198.51.100.7/32, and an IPv4-mapped IPv6 address as the IPv4 address"
// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || cidr(self) == cidr(self).masked()",message="has bits set beyond its prefix length; give the range's first address"
// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || string(cidr(self)) == self",message="is not in the canonical form of IPv6: lower case, no leading zeros, the longest run of zeros as ::"
type CIDR string
