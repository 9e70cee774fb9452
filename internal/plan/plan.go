// Package plan compiles a SegmentationProfile: it checks what the profile says as a whole
// and brings it into the form from which one namespace's objects are rendered, with every
// reference resolved. It is pure.
//
// What the CRD's own rules refuse is checked here once more where a mistake would open a
// path, panic, or become an object that the API server refuses: a stored object may be older
// than the rules, and one that is rendered from a file has passed none.
package plan

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
)

// Plan is a profile compiled and checked: all that is needed to write one namespace's
// objects.
type Plan struct {
	// Profile is the name of the profile.
	Profile string
	// UID is the profile's UID; empty for a profile that is not from a cluster.
	UID types.UID
	// Generation is the profile's generation.
	Generation int64
	// Keeper is a second owner of policies; nil if they have none. As long as it is there, the garbage
	// collector does not remove them when the profile is deleted: the operator does, in an order
	// in which no flow is lost.
	Keeper *metav1.OwnerReference
	// DNS is where names are resolved; nil opens nothing.
	DNS *DNS
	// Istio is set if the profile is enforced by Istio as well.
	Istio *Istio
	// Tiers are the profile's tiers in the order of the profile.
	Tiers []Tier
	// Guardrails are what the profile says of cluster-wide policies; nil if it wants none.
	Guardrails *v1alpha1.Guardrails
	// LeftOut are the names of ports that could not be written for what the cluster says.
	LeftOut []LeftOut
}

// DNS is where pods of the tiers resolve names.
type DNS struct {
	// Namespace is the namespace of the DNS pods.
	Namespace string
	// Service is the Service that is looked up for the rest; empty if the profile says what it is.
	Service string
	// Pods chooses the DNS pods.
	Pods metav1.LabelSelector
	// Ports are the ports on which they listen; empty opens nothing, as long as the Service was not found.
	Ports []networkingv1.NetworkPolicyPort
	// NodeLocal are the addresses of a DNS cache on each node, as the profile says them.
	NodeLocal []networkingv1.IPBlock
	// Addresses are those that are opened on port 53 besides the pods: NodeLocal, and those of the Service where the
	// network plugin goes by them.
	Addresses []networkingv1.IPBlock
}

// Tier is all that the namespaces of one tier get.
type Tier struct {
	// Name is the tier's name.
	Name string
	// Namespaces are the namespaces that the tier selects, as the profile says it.
	Namespaces NamespaceSet
	// Claim chooses the same namespaces.
	Claim claim.Tier
	// InternalTraffic says which pods of the tier reach each other.
	InternalTraffic v1alpha1.InternalTraffic
	// Declared are the sides of the dependencies that concern the tier, as the profile has them.
	Declared []Rule
	// Rules are the same as they are for what the cluster says: each says by itself what it opens, but for those
	// of a Service of the namespace's own (Tier.With).
	Rules []Rule
	// Forms are those that the engine cannot take.
	Forms Forms
	// Grants are the roles bound in each namespace.
	Grants []Grant
}

// Rule is one side of one dependency: what the pods of a tier may reach, or may be
// reached from.
type Rule struct {
	// Dependency is the name of the dependency.
	Dependency string
	// Direction is Egress on the side of from, and Ingress on the side of to.
	Direction networkingv1.PolicyType
	// Pods chooses pods of the tier; nil means every pod.
	Pods *metav1.LabelSelector
	// Service is the name of a Service in each namespace of the tier that chooses the pods in their place.
	Service string
	// Remote is the other side.
	Remote Party
	// Ports are the ports of the called side; empty means every port of every protocol. Where it is a Service
	// that was not looked up yet, they are ports of the Service.
	Ports []networkingv1.NetworkPolicyPort
}

// Party is the other side of a rule. Exactly one of Tier, AllTiers, Namespaces, CIDRs, APIServer and Internet is set.
type Party struct {
	// Tier is the name of a tier: of the same profile, if Profile is empty.
	Tier string
	// Profile is the name of another profile, whose tier it is.
	Profile string
	// Chosen are the namespaces that a tier of another profile selects; nil if that is not known.
	Chosen *NamespaceSet
	// AllTiers stands for every tier of the profile.
	AllTiers bool
	// Peer is the name of the peer, if it is one.
	Peer string
	// Namespaces are namespaces outside the profile.
	Namespaces *NamespaceSet
	// CIDRs are addresses.
	CIDRs []networkingv1.IPBlock
	// Pods chooses pods in the tiers or the namespaces; nil means every pod.
	Pods *metav1.LabelSelector
	// ServiceAccounts are those that pods which call run as, sorted; empty means every one. Only a mesh goes by them.
	ServiceAccounts []string
	// Service is the name of a Service in the tier or the namespaces that chooses the pods, as long as it was not
	// looked up.
	Service string
	// APIServer stands for the API server's addresses, as long as they were not looked up.
	APIServer bool
	// Internet stands for what is outside the cluster, as long as the cluster's addresses were not looked up.
	Internet *Internet
}

// Internet is all that is outside the cluster.
type Internet struct {
	// Private is set if private networks belong to it.
	Private bool
}

// NamespaceSet chooses namespaces. Exactly one of the two is set.
type NamespaceSet struct {
	// Selector chooses namespaces by label.
	Selector *metav1.LabelSelector
	// Names lists namespaces, sorted.
	Names []string
}

// Grant is a role, and those who get it in each namespace of a tier.
type Grant struct {
	// Role is the name of the profile's role; empty if ClusterRole is set.
	Role string
	// Rules are the rules of the profile's role.
	Rules []rbacv1.PolicyRule
	// ClusterRole is the name of an existing ClusterRole.
	ClusterRole string
	// BoundaryEdits is set if the ClusterRole may let its holders edit the boundary of the tier. All entries
	// that grant it say the same.
	BoundaryEdits bool
	// Subjects are those who get it, sorted and each once.
	Subjects []rbacv1.Subject
	// Callers are the tiers whose namespaces' service accounts get it as well, sorted and each once.
	Callers []string
	// Dependencies are the names of the dependencies that grant it to them, sorted.
	Dependencies []string
}

// Tier returns the tier of that name, or nil.
func (p *Plan) Tier(name string) *Tier {
	for i := range p.Tiers {
		if p.Tiers[i].Name == name {
			return &p.Tiers[i]
		}
	}
	return nil
}

// Called returns, for each tier, the tiers in whose namespaces its service accounts get roles.
func (p *Plan) Called() map[string][]string {
	called := map[string][]string{}
	for i := range p.Tiers {
		for j := range p.Tiers[i].Grants {
			for _, caller := range p.Tiers[i].Grants[j].Callers {
				if !slices.Contains(called[caller], p.Tiers[i].Name) {
					called[caller] = append(called[caller], p.Tiers[i].Name)
				}
			}
		}
	}
	return called
}

// ClaimTiers returns what the profile's tiers select.
func (p *Plan) ClaimTiers() []claim.Tier {
	tiers := make([]claim.Tier, 0, len(p.Tiers))
	for _, t := range p.Tiers {
		tiers = append(tiers, t.Claim)
	}
	return tiers
}
