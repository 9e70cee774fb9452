package v1alpha1

const (
	// ProfileLabel is the label on a member namespace that names its profile.
	// It is written after the namespace's own policies exist, never before.
	ProfileLabel = "segmentation.dev/profile"

	// TierLabel is the label on a member namespace that names its tier.
	TierLabel = "segmentation.dev/tier"

	// DeclaredByAnnotation is the annotation on a generated object that lists the
	// entries of the profile it implements, so that a person who reads the object
	// knows why it is there.
	DeclaredByAnnotation = "segmentation.dev/declared-by"

	// CallersAnnotation is the annotation on a RoleBinding that binds service accounts of
	// the namespaces of tiers. It lists the tiers, and those groups of service accounts that
	// are bound by name.
	CallersAnnotation = "segmentation.dev/callers"

	// BookmarkLabel names the profile that a bookmark stands for: a NetworkPolicy without effect in
	// the operator's namespace, from which the operator knows how the profile was deleted.
	BookmarkLabel = "segmentation.dev/bookmark-of"

	// ManagedByLabel is the standard label by which the operator knows its objects.
	ManagedByLabel = "app.kubernetes.io/managed-by"

	// ManagedByValue is the value of ManagedByLabel on what the operator writes,
	// and the field owner of its server-side applies.
	ManagedByValue = "segmentation-operator"
)
