package v1alpha1

// Role is a set of API permissions in a namespace.
//
// +kubebuilder:validation:XValidation:rule=`(has(self.boundaryEdits) && self.boundaryEdits == "Allowed") || !self.rules.exists(r, r.verbs.exists(v, !(v in ["get", "list", "watch"])) && (sets.intersects(r.resources, ["networkpolicies", "networkpolicies/status", "tier.networkpolicies", "networksets", "ciliumnetworkpolicies", "ciliumnetworkpolicies/status", "ciliumlocalredirectpolicies", "ciliumenvoyconfigs", "egressfirewalls", "policyendpoints"]) || (sets.intersects(r.apiGroups, ["rbac.authorization.k8s.io", "*"]) && sets.intersects(r.resources, ["roles", "rolebindings", "clusterroles", "clusterrolebindings"])) || (sets.intersects(r.apiGroups, ["", "*"]) && sets.intersects(r.resources, ["namespaces", "namespaces/status", "namespaces/finalize"])) || (sets.intersects(r.apiGroups, ["segmentation.dev", "*"]) && sets.intersects(r.resources, ["segmentationprofiles", "segmentationprofiles/status"])) || (sets.intersects(r.apiGroups, ["", "networking.k8s.io", "segmentation.dev", "*"]) && sets.intersects(r.resources, ["*/status", "*/finalize"])) || ("*" in r.resources && !sets.contains(["apps", "autoscaling", "batch", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "metrics.k8s.io", "policy"], r.apiGroups))))`,fieldPath=".rules",message="a rule lets a tier edit its own boundary: it has a writing verb on networkpolicies, roles, rolebindings, namespaces or segmentationprofiles, or a wildcard that covers them; grant less, or say boundaryEdits: Allowed in the role"
type Role struct {
	// name names the role, for the access of tiers. The Role in a namespace is
	// called segmentation-<name>.
	// +required
	Name Name `json:"name,omitempty"`

	// rules are the permissions, with the meaning of rbac.authorization.k8s.io/v1:
	// 1 to 32 rules, which add up.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Rules []PolicyRule `json:"rules,omitempty"`

	// boundaryEdits says whether the role may let its holders edit the boundary of
	// the tier in which they have it. Refused, which leaving it out means too,
	// refuses rules with other verbs than get, list and watch on networkpolicies,
	// roles, rolebindings, namespaces and segmentationprofiles, and wildcards that
	// cover them. With Allowed, who has the role may open paths that this profile
	// does not declare.
	// +optional
	BoundaryEdits BoundaryEdits `json:"boundaryEdits,omitempty"`
}

// BoundaryEdits says whether a grant may let a tier edit its own boundary.
//
// +kubebuilder:validation:Enum=Refused;Allowed
type BoundaryEdits string

const (
	// BoundaryEditsRefused refuses such a grant. It is what leaving the field out means.
	BoundaryEditsRefused BoundaryEdits = "Refused"
	// BoundaryEditsAllowed lets such a grant pass.
	BoundaryEditsAllowed BoundaryEdits = "Allowed"
)

// PolicyRule allows verbs on resources of API groups, with the meaning of
// rbac.authorization.k8s.io/v1. Permissions on non-resource URLs do not exist in a
// namespace, so there is no field for them.
type PolicyRule struct {
	// apiGroups are the API groups of the resources, without their versions: "" is
	// the core group, that of pods; apps that of deployments; "*" is all of them.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self != 'v1' && !self.contains('/')",message="must be an API group without its version: apps rather than apps/v1, and the empty string rather than v1"
	APIGroups []string `json:"apiGroups,omitempty"`

	// resources are the resources, in the plural and in lower case, such as pods
	// or pods/log; "*" is all of them.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^[^A-Z]+$`
	Resources []string `json:"resources,omitempty"`

	// resourceNames narrows the rule to objects with these names. Left out, it
	// means every object. It cannot narrow create, and list and watch only for
	// requests that select one name.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	ResourceNames []string `json:"resourceNames,omitempty"`

	// verbs are what is allowed, in lower case, such as get, list and watch; "*" is
	// everything.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[^A-Z]+$`
	Verbs []string `json:"verbs,omitempty"`
}

// TierAccess grants a role to subjects in each namespace of a tier. It becomes a
// RoleBinding there.
//
// +kubebuilder:validation:XValidation:rule="has(self.role) != has(self.clusterRole)",message="give either role (one of spec.roles) or clusterRole (an existing ClusterRole), and only one of them"
// +kubebuilder:validation:XValidation:rule="!has(self.boundaryEdits) || !has(self.role)",message="boundaryEdits is about clusterRole; of a role of this profile it is said in spec.roles",fieldPath=".boundaryEdits"
type TierAccess struct {
	// subjects are those who get the role: 1 to 8 users, groups or service
	// accounts.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Subjects []Subject `json:"subjects,omitempty"`

	// role is the name of a role in spec.roles, which becomes a Role in each
	// namespace of the tier.
	// +optional
	Role Name `json:"role,omitempty"`

	// clusterRole is the name of an existing ClusterRole, such as view, bound in
	// each namespace of the tier and nowhere else. The operator must be allowed to
	// bind it: see spec.roles.
	// +optional
	ClusterRole ClusterRoleName `json:"clusterRole,omitempty"`

	// boundaryEdits says whether clusterRole may let its holders edit the boundary
	// of the tier: see roles.boundaryEdits. Refused, which leaving it out means
	// too, has the operator not bind a ClusterRole with such rules, also if it gets
	// them later. Of the built-in ones edit and admin have them, view does not.
	// +optional
	BoundaryEdits BoundaryEdits `json:"boundaryEdits,omitempty"`
}

// DependencyAccess grants a role in each namespace of the tier that is called to the service
// accounts of the namespaces of the tier that calls.
//
// +kubebuilder:validation:XValidation:rule="has(self.role) != has(self.clusterRole)",message="give either role (one of spec.roles) or clusterRole (an existing ClusterRole), and only one of them"
// +kubebuilder:validation:XValidation:rule="!has(self.boundaryEdits) || !has(self.role)",message="boundaryEdits is about clusterRole; of a role of this profile it is said in spec.roles",fieldPath=".boundaryEdits"
type DependencyAccess struct {
	// role is the name of a role in spec.roles, which becomes a Role in each
	// namespace of the tier that is called.
	// +optional
	Role Name `json:"role,omitempty"`

	// clusterRole is the name of an existing ClusterRole, such as view, bound in
	// each namespace of the tier that is called and nowhere else.
	// +optional
	ClusterRole ClusterRoleName `json:"clusterRole,omitempty"`

	// boundaryEdits says whether clusterRole may let its holders edit the boundary
	// of the tier that is called: see tiers.access.boundaryEdits.
	// +optional
	BoundaryEdits BoundaryEdits `json:"boundaryEdits,omitempty"`
}

// ClusterRoleName is the name of a ClusterRole.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:XValidation:rule="self != '.' && self != '..' && !self.contains('/') && !self.contains('%')",message="must be the name of a ClusterRole: it cannot be . or .. nor contain / or %"
type ClusterRoleName string

// Subject is a user, a group or a service account.
//
// +kubebuilder:validation:XValidation:rule="(self.kind == 'ServiceAccount') == has(self.namespace)",message="namespace must be given for a ServiceAccount, and left out for a User or a Group"
// +kubebuilder:validation:XValidation:rule="self.kind != 'ServiceAccount' || self.name.matches(r'^([a-z0-9](-*[a-z0-9])*(\\.\\b|$))+$')",message="name must be the name of a ServiceAccount: lower-case letters, digits, '-' and '.', beginning and ending with a letter or a digit; its namespace is a field of its own",fieldPath=".name"
type Subject struct {
	// kind is User, Group or ServiceAccount.
	// +required
	Kind SubjectKind `json:"kind,omitempty"`

	// name is the name of the user, the group or the service account. Users and
	// groups have the names that authentication gives them, such as
	// jane@example.com or oidc:developers.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// namespace is the namespace of the service account. Users and groups have
	// none.
	// +optional
	Namespace NamespaceName `json:"namespace,omitempty"`
}

// SubjectKind says what a subject is.
//
// +kubebuilder:validation:Enum=User;Group;ServiceAccount
type SubjectKind string

const (
	// SubjectKindUser is a user, by the name that authentication gives.
	SubjectKindUser SubjectKind = "User"
	// SubjectKindGroup is a group, by the name that authentication gives.
	SubjectKindGroup SubjectKind = "Group"
	// SubjectKindServiceAccount is a service account.
	SubjectKindServiceAccount SubjectKind = "ServiceAccount"
)
