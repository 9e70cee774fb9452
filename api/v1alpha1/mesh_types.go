package v1alpha1

// Mesh says in which service meshes the profile is enforced as well.
//
// +kubebuilder:validation:MinProperties=1
type Mesh struct {
	// istio has the same dependencies written as policies of Istio, in each
	// namespace of the tiers. Write {}.
	// +optional
	Istio *Istio `json:"istio,omitempty"`
}

// Istio is how the profile is enforced by Istio: as AuthorizationPolicies
// (security.istio.io/v1) with the action ALLOW, which say of the pods of each
// namespace who may call them. Istio has no say in what pods send to where no
// workload of the mesh is.
//
// Istio's CustomResourceDefinitions have to be installed. Without them the condition
// Meshed says so, and the NetworkPolicies stand alone.
type Istio struct {
	// mutualTLS is Unmanaged (the default) or Strict. With Strict, a
	// PeerAuthentication in each namespace of the tiers has its workloads take
	// connections by mutual TLS only. AuthorizationPolicies know who calls by mutual
	// TLS alone: where a caller has no part in the mesh, it is denied either way.
	// +optional
	// +default="Unmanaged"
	MutualTLS MutualTLS `json:"mutualTLS,omitempty"`

	// trustDomain is the trust domain of the mesh, by which service accounts are
	// named. Left out, it is cluster.local, as Istio has it.
	// +optional
	// +default="cluster.local"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	TrustDomain string `json:"trustDomain,omitempty"`
}

// MutualTLS says whether the workloads of tiers take connections by mutual TLS only.
//
// +kubebuilder:validation:Enum=Unmanaged;Strict
type MutualTLS string

const (
	// MutualTLSUnmanaged leaves it as the mesh has it.
	MutualTLSUnmanaged MutualTLS = "Unmanaged"
	// MutualTLSStrict has them take nothing else.
	MutualTLSStrict MutualTLS = "Strict"
)

// ServiceAccountName is the name of a service account, a DNS subdomain (RFC 1123).
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
type ServiceAccountName string
