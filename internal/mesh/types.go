package mesh

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group is the API group of Istio's policies.
const Group = "security.istio.io"

// The kinds that are written.
const (
	// KindAuthorizationPolicy says who may call workloads.
	KindAuthorizationPolicy = "AuthorizationPolicy"
	// KindPeerAuthentication says by what connections workloads may be called.
	KindPeerAuthentication = "PeerAuthentication"
)

// GroupVersion is the version in which Istio's policies are written.
func GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: Group, Version: "v1"}
}

// AddToScheme makes the kinds known to a client.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion(),
		&AuthorizationPolicy{}, &AuthorizationPolicyList{}, &PeerAuthentication{}, &PeerAuthenticationList{})
	metav1.AddToGroupVersion(scheme, GroupVersion())
	return nil
}

// AuthorizationPolicy is Istio's policy of who may call the workloads of a namespace. It has the fields that are written,
// and keeps all others as they are: somebody else may have set them.
type AuthorizationPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// Spec is what the policy says.
	Spec AuthorizationSpec `json:"spec,omitzero"`
}

// AuthorizationPolicyList is a list of them.
type AuthorizationPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	// Items are the policies.
	Items []AuthorizationPolicy `json:"items"`
}

// AuthorizationSpec is what an AuthorizationPolicy says.
type AuthorizationSpec struct {
	// Selector chooses workloads of the namespace; nil means all.
	Selector *WorkloadSelector `json:"selector,omitempty"`
	// Action is what becomes of what the rules match.
	Action Action `json:"action,omitempty"`
	// Rules are the rules. An ALLOW policy without any allows nothing, and so denies what no other allows.
	Rules []Rule `json:"rules,omitempty"`

	// Unknown is what else it has, by the names of the fields.
	Unknown map[string]any `json:"-"`
}

// Action is what becomes of what a policy matches. Empty is ALLOW.
type Action string

// The actions.
const (
	// Allow lets it pass; all else is denied to the workloads that the policy is about.
	Allow Action = "ALLOW"
	// Deny denies it, whatever else allows it.
	Deny Action = "DENY"
	// Audit has no say in what passes.
	Audit Action = "AUDIT"
	// Custom asks somebody else, who may deny it.
	Custom Action = "CUSTOM"
)

// WorkloadSelector chooses workloads by labels.
type WorkloadSelector struct {
	// MatchLabels are the labels that they must have.
	MatchLabels map[string]string `json:"matchLabels,omitempty"`
}

// Rule matches what one of the sources sends to one of the operations. Without sources it is everybody, and without
// operations everything.
type Rule struct {
	// From are the sources.
	From []From `json:"from,omitempty"`
	// To are the operations.
	To []To `json:"to,omitempty"`

	// Unknown is what else it has: conditions.
	Unknown map[string]any `json:"-"`
}

// From is one source of a rule.
type From struct {
	// Source says who it is.
	Source Source `json:"source"`
}

// Source is who calls. All that is given has to hold.
type Source struct {
	// Principals are service accounts, as <trust domain>/ns/<namespace>/sa/<name>.
	Principals []string `json:"principals,omitempty"`
	// Namespaces are the namespaces of service accounts.
	Namespaces []string `json:"namespaces,omitempty"`
	// IPBlocks are the addresses from which packets come, and NotIPBlocks those from which they must not come.
	IPBlocks    []string `json:"ipBlocks,omitempty"`
	NotIPBlocks []string `json:"notIpBlocks,omitempty"`

	// Unknown is what else it has.
	Unknown map[string]any `json:"-"`
}

// To is one operation of a rule.
type To struct {
	// Operation says what it is.
	Operation Operation `json:"operation"`
}

// Operation is what is called.
type Operation struct {
	// Ports are the ports of the workload.
	Ports []string `json:"ports,omitempty"`

	// Unknown is what else it has: what only HTTP has.
	Unknown map[string]any `json:"-"`
}

// PeerAuthentication is Istio's policy of the connections that the workloads of a namespace take.
type PeerAuthentication struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// Spec is what the policy says.
	Spec PeerAuthenticationSpec `json:"spec,omitzero"`
}

// PeerAuthenticationList is a list of them.
type PeerAuthenticationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	// Items are the policies.
	Items []PeerAuthentication `json:"items"`
}

// PeerAuthenticationSpec is what a PeerAuthentication says.
type PeerAuthenticationSpec struct {
	// Selector chooses workloads of the namespace; nil means all.
	Selector *WorkloadSelector `json:"selector,omitempty"`
	// MTLS says it for all ports.
	MTLS *MutualTLS `json:"mtls,omitempty"`
	// PortLevelMTLS says it for some.
	PortLevelMTLS map[string]MutualTLS `json:"portLevelMtls,omitempty"`

	// Unknown is what else it has.
	Unknown map[string]any `json:"-"`
}

// MutualTLS says whether connections have to be by mutual TLS.
type MutualTLS struct {
	// Mode says it: ModeStrict, or something that lets others in.
	Mode string `json:"mode,omitempty"`
}

// ModeStrict takes connections by mutual TLS only.
const ModeStrict = "STRICT"

// KindOf is the kind of an object, which may not say it: the cache leaves it out.
func KindOf(object Object) string {
	if _, is := object.(*PeerAuthentication); is {
		return KindPeerAuthentication
	}
	return KindAuthorizationPolicy
}

// Bare returns an object of the same kind and name and nothing else.
func Bare(object Object) Object {
	meta := metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName()}
	if KindOf(object) == KindPeerAuthentication {
		return &PeerAuthentication{ObjectMeta: meta}
	}
	return &AuthorizationPolicy{ObjectMeta: meta}
}
