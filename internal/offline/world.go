package offline

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
)

// World is what is at hand of a cluster.
type World struct {
	// Profiles are all profiles.
	Profiles []v1alpha1.SegmentationProfile
	// Namespaces are all namespaces.
	Namespaces []corev1.Namespace
	// Services, EndpointSlices, Nodes and ServiceCIDRs are what profiles depend on. Without any of them, what profiles
	// depend on is taken to be as in plan.Usual.
	Services       []corev1.Service
	EndpointSlices []discoveryv1.EndpointSlice
	Nodes          []corev1.Node
	ServiceCIDRs   []networkingv1.ServiceCIDR
	// ClusterRoles are those that are there; nil if that is not known.
	ClusterRoles []rbacv1.ClusterRole
	// Pods are the pods; nil if they are not known.
	Pods []corev1.Pod
	// Policies are the NetworkPolicies that are there, whoever wrote them.
	Policies []networkingv1.NetworkPolicy
	// ClusterPolicies are the ClusterNetworkPolicies that are there, whoever wrote them.
	ClusterPolicies []policyv1alpha2.ClusterNetworkPolicy
	// Roles and RoleBindings are those that are there, whoever wrote them.
	Roles        []rbacv1.Role
	RoleBindings []rbacv1.RoleBinding
	// Missing are the kinds that the cluster does not have.
	Missing []Kind
	// GuardrailPriorities are the priorities that guardrails may have; left out, those that they have as a rule.
	GuardrailPriorities guardrail.Band
	// Unread are the kinds that could not be read.
	Unread []Kind
	// Protected are the namespaces that no profile may claim.
	Protected claim.Protected
	// Keeper is a second owner of policies in the cluster that it is about; nil if they have none.
	Keeper *metav1.OwnerReference
	// ByServiceAddress is set if the network plugin goes by the addresses of Services.
	ByServiceAddress bool
	// Engine is the engine that enforces policies; without a name if it is to be found among the pods.
	Engine engine.Found
}

// Kind is a kind of objects, in the plural.
type Kind string

// The kinds that a world has.
const (
	Profiles       Kind = "SegmentationProfiles"
	Namespaces     Kind = "Namespaces"
	Services       Kind = "Services"
	EndpointSlices Kind = "EndpointSlices"
	Nodes          Kind = "Nodes"
	ServiceCIDRs   Kind = "ServiceCIDRs"
	Policies       Kind = "NetworkPolicies"
	Roles          Kind = "Roles"
	RoleBindings   Kind = "RoleBindings"
	ClusterRoles   Kind = "ClusterRoles"
	Pods           Kind = "Pods"

	ClusterPolicies Kind = "ClusterNetworkPolicies"
)

// isRead tells whether all of these kinds could be read.
func (w *World) isRead(kinds ...Kind) bool {
	return !slices.ContainsFunc(kinds, func(k Kind) bool { return slices.Contains(w.Unread, k) })
}

// isCluster tells whether anything is known of what profiles depend on.
func (w *World) isCluster() bool {
	return len(w.Services)+len(w.EndpointSlices)+len(w.Nodes)+len(w.ServiceCIDRs) > 0
}

// clusterRole returns the rules of a ClusterRole.
func (w *World) clusterRole(name string) (rules []rbacv1.PolicyRule, found bool) {
	for i := range w.ClusterRoles {
		if w.ClusterRoles[i].Name == name {
			return w.ClusterRoles[i].Rules, true
		}
	}
	return nil, false
}
