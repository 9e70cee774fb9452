package v1alpha1

// Condition types of a SegmentationProfile. Ready, Reconciling and Stalled have the meaning
// that kstatus gives them (sigs.k8s.io/cli-utils, pkg/kstatus).
const (
	// ConditionReady is true when every claimed namespace was seen, in the cache, to hold
	// what this generation declares, and nothing is left that needs a person.
	ConditionReady = "Ready"

	// ConditionReconciling is present, and true, while the operator has work left that
	// it expects to finish by itself.
	ConditionReconciling = "Reconciling"

	// ConditionStalled is present, and true, when the operator cannot go on until a person
	// changes something.
	ConditionStalled = "Stalled"

	// ConditionAccepted is true when the spec compiles.
	ConditionAccepted = "Accepted"

	// ConditionConflicted is true when the profile selects namespaces that it does not get:
	// held by an older profile, or claimed by two of its own tiers.
	ConditionConflicted = "Conflicted"

	// ConditionIsolated is true when no NetworkPolicy that the operator did not write opens a path in a namespace of the
	// profile that the profile does not declare, and it is known what enforces NetworkPolicies and that it opens no more.
	ConditionIsolated = "Isolated"

	// ConditionGuarded is present on a profile with spec.guardrails. It is true when its guardrails were seen to be as
	// they should be, and no policy of somebody else's can come before them.
	ConditionGuarded = "Guarded"

	// ConditionMeshed is present on a profile with spec.mesh. It is true when the kinds of the mesh are there and every
	// claimed namespace was seen to hold its policies of the mesh.
	ConditionMeshed = "Meshed"
)

// Reasons of conditions.
const (
	// ReasonCompiled says that the spec compiles.
	ReasonCompiled = "Compiled"
	// ReasonInvalid says that the spec does not compile; the last good objects stay.
	ReasonInvalid = "Invalid"
	// ReasonSegmented says that every claimed namespace holds what is declared.
	ReasonSegmented = "Segmented"
	// ReasonPreview says that the profile is computed and not written.
	ReasonPreview = "Preview"
	// ReasonProgressing says that namespaces are being written or checked.
	ReasonProgressing = "Progressing"
	// ReasonRetrying says that writes failed and are tried again.
	ReasonRetrying = "Retrying"
	// ReasonNoConflict says that the profile gets every namespace it selects.
	ReasonNoConflict = "NoConflict"
	// ReasonHeldByOlderProfile says that an older profile holds namespaces that this one selects.
	ReasonHeldByOlderProfile = "HeldByOlderProfile"
	// ReasonTiersOverlap says that two tiers of the profile select the same namespace.
	ReasonTiersOverlap = "TiersOverlap"
	// ReasonNameTaken says that an object that the operator did not write has a name that it needs.
	ReasonNameTaken = "NameTaken"
	// ReasonAboveCeiling says that the API server refused to let the operator grant a role,
	// since the operator does not hold the role's permissions itself.
	ReasonAboveCeiling = "AboveCeiling"
	// ReasonRoleMissing says that a ClusterRole that the profile binds does not exist.
	ReasonRoleMissing = "RoleMissing"
	// ReasonEditsBoundary says that a ClusterRole that the profile binds would let a tier edit its own
	// boundary, and that the profile does not say that it may.
	ReasonEditsBoundary = "EditsBoundary"
	// ReasonUndeclaredAccess says that a RoleBinding that the operator did not write grants what the
	// profile does not declare.
	ReasonUndeclaredAccess = "UndeclaredAccess"
	// ReasonUndeclaredPath says that a NetworkPolicy that the operator did not write opens a path that the profile does
	// not declare.
	ReasonUndeclaredPath = "UndeclaredPath"
	// ReasonNoUndeclaredPath says that no NetworkPolicy that the operator did not write does.
	ReasonNoUndeclaredPath = "NoUndeclaredPath"
	// ReasonRejected says that the API server refused a write for a reason that trying again
	// does not mend, such as an admission policy or a quota.
	ReasonRejected = "Rejected"
	// ReasonProtectedNamespace says that the profile selects namespaces that no profile may claim.
	ReasonProtectedNamespace = "ProtectedNamespace"
	// ReasonServiceMissing says that a dependency names a Service that no namespace of the other side has.
	ReasonServiceMissing = "ServiceMissing"
	// ReasonServiceUnusable says that a dependency names a Service that stands for no pods, as it is of type
	// ExternalName or has no selector, or that is too large to be taken over by those that call it.
	ReasonServiceUnusable = "ServiceUnusable"
	// ReasonServicePortMissing says that a Service has none of the ports that a dependency gives.
	ReasonServicePortMissing = "ServicePortMissing"
	// ReasonServiceWithoutPods says that a Service that a dependency names selects no pod now.
	ReasonServiceWithoutPods = "ServiceWithoutPods"
	// ReasonTooManyServices says that the Services that a dependency names differ in too many ways, or are in too many
	// namespaces of a peer; what is too much opens nothing.
	ReasonTooManyServices = "TooManyServices"
	// ReasonDNSMissing says that the Service of the cluster's DNS was not found: names cannot be resolved.
	ReasonDNSMissing = "DNSMissing"
	// ReasonAPIServerUnknown says that no addresses are known of the API server.
	ReasonAPIServerUnknown = "APIServerUnknown"
	// ReasonCoversCluster says that the addresses of a peer are also those of pods, Services, nodes or a cloud's
	// metadata service.
	ReasonCoversCluster = "CoversCluster"
	// ReasonPeerIsMember says that namespaces of a peer are members of a profile: their own policies decide.
	ReasonPeerIsMember = "PeerIsMember"
	// ReasonPendingConsent says that a path between two profiles is declared by one of them only.
	ReasonPendingConsent = "PendingConsent"
	// ReasonNoEngine says that it is not known what enforces NetworkPolicies, or that nothing does.
	ReasonNoEngine = "NoEngine"
	// ReasonEngineWider says that the engine that enforces NetworkPolicies lets more pass than is declared.
	ReasonEngineWider = "EngineWider"
	// ReasonEngineNarrower says that the engine lets less pass than is declared, or may.
	ReasonEngineNarrower = "EngineNarrower"
	// ReasonPortNotExposed says that no pod and no Service of the tier that is called has a port that a dependency gives.
	ReasonPortNotExposed = "PortNotExposed"
	// ReasonGuarded says that the guardrails are as they should be.
	ReasonGuarded = "Guarded"
	// ReasonAPIMissing says that the cluster does not have a kind that the profile asks for.
	ReasonAPIMissing = "APIMissing"
	// ReasonGuardrailWider says that a guardrail leaves more to NetworkPolicies than the profile declares.
	ReasonGuardrailWider = "GuardrailWider"
	// ReasonGuardrailNarrower says that a guardrail denies what the profile declares.
	ReasonGuardrailNarrower = "GuardrailNarrower"
	// ReasonGuardrailsFull says that the priorities are used up that guardrails may have.
	ReasonGuardrailsFull = "GuardrailsFull"
	// ReasonPriorityCollision says that a ClusterNetworkPolicy of somebody else has a priority that guardrails may have.
	ReasonPriorityCollision = "PriorityCollision"

	// ReasonMeshed says that the policies of a mesh are as they should be.
	ReasonMeshed = "Meshed"
	// ReasonMeshAdmitsMore says that policies of a mesh cannot say a dependency as narrowly as NetworkPolicies do, which
	// still decide.
	ReasonMeshAdmitsMore = "MeshAdmitsMore"
	// ReasonMeshAdmitsLess says that a mesh denies what a dependency declares, since its policies cannot say it.
	ReasonMeshAdmitsLess = "MeshAdmitsLess"
)
