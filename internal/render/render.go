// Package render turns a plan into the objects of one namespace. It is pure: the same plan
// gives the same bytes. What it returns is sorted and carries every default that the API
// server would fill in, so that comparing it with what the API server returns is exact.
//
// All namespaces of a tier get the same objects but for the namespace's name. So a tier is
// rendered once, and In puts the result into a namespace.
package render

import (
	"maps"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// Prefix begins the name of every generated object.
const Prefix = "segmentation"

// Objects are the objects of one namespace, each kind sorted by name.
type Objects struct {
	// Policies are the NetworkPolicies.
	Policies []*networkingv1.NetworkPolicy
	// Roles are the Roles.
	Roles []*rbacv1.Role
	// Bindings are the RoleBindings.
	Bindings []*rbacv1.RoleBinding
	// Terms are the conditions of bindings, by their names, for those that have any.
	Terms map[string]Terms
	// Withheld are bindings that are declared, and not to be written for now.
	Withheld []Withheld
}

// Tier renders a tier: the objects of each of its namespaces, with no namespace set. The
// result shares memory with the plan: neither may be modified.
func Tier(p *plan.Plan, t *plan.Tier) Objects {
	m := metadata{plan: p, tier: t}
	out := Objects{Policies: Policies(p, t, ByLabels, &Exceptions{})}
	for i := range t.Grants {
		if t.Grants[i].Role != "" {
			out.Roles = append(out.Roles, role(m, &t.Grants[i]))
		}
		b := binding(m, &t.Grants[i])
		out.Bindings = append(out.Bindings, b)
		if g := &t.Grants[i]; len(g.Callers) > 0 || g.BoundaryEdits {
			if out.Terms == nil {
				out.Terms = map[string]Terms{}
			}
			out.Terms[b.Name] = Terms{Callers: g.Callers, BoundaryEdits: g.BoundaryEdits}
		}
	}
	slices.SortFunc(out.Roles, func(a, b *rbacv1.Role) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(out.Bindings, func(a, b *rbacv1.RoleBinding) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Sight is how a tier's policies tell which namespaces belong to another tier.
type Sight string

const (
	// ByLabels goes by the membership labels alone. It is how policies are in the end.
	ByLabels Sight = "ByLabels"
	// BySelection goes by what the tier selects, among the members of the profile. It does not
	// change when a member's tier label does, and so is true before and after a move.
	BySelection Sight = "BySelection"
	// ByChoice goes by what the tier selects, members or not. It is for a namespace that joins, and
	// was open to all of them until now.
	ByChoice Sight = "ByChoice"
	// ByEither goes by the membership labels too.
	ByEither Sight = "ByEither"
)

// Exceptions are namespaces that are not what selectors and labels make of them.
type Exceptions struct {
	// Mistaken are members of any profile, by tier, that the tier selects and that do not belong
	// to it: another profile has them, or another tier selects them too. BySelection, ByChoice and
	// ByEither leave them out.
	Mistaken map[string][]string
	// Kept are members of the profile, by tier, that stay in the tier though it does not select
	// them: two other tiers do. BySelection, ByChoice and ByEither take them in.
	Kept map[string][]string
	// Leaving are members that are about to be none. ByChoice and ByEither take them to be none.
	Leaving []string
	// Others are the same of other profiles, as far as there are paths to them.
	Others map[string]*Exceptions
}

// Equal tells whether two are the same.
func (e *Exceptions) Equal(other *Exceptions) bool {
	return slices.Equal(e.Leaving, other.Leaving) &&
		maps.EqualFunc(e.Mistaken, other.Mistaken, slices.Equal[[]string]) &&
		maps.EqualFunc(e.Kept, other.Kept, slices.Equal[[]string]) &&
		maps.EqualFunc(e.Others, other.Others, (*Exceptions).Equal)
}

// Policies renders the NetworkPolicies of a tier, sorted by name, with no namespace set. They
// share memory with the plan: neither may be modified.
func Policies(p *plan.Plan, t *plan.Tier, sight Sight, except *Exceptions) []*networkingv1.NetworkPolicy {
	m := metadata{plan: p, tier: t, sight: sight, except: except}
	out := append(podPolicies(m), basePolicy(m))
	slices.SortFunc(out, func(a, b *networkingv1.NetworkPolicy) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// PoliciesIn puts policies into a namespace, as In does.
func PoliciesIn(policies []*networkingv1.NetworkPolicy, namespace string) []*networkingv1.NetworkPolicy {
	out := make([]*networkingv1.NetworkPolicy, len(policies))
	for i, policy := range policies {
		placed := *policy
		placed.Namespace = namespace
		out[i] = &placed
	}
	return out
}

// In puts the objects into a namespace. The result shares all but the namespace's name with
// the receiver: neither may be modified.
func (o Objects) In(namespace string) Objects {
	out := Objects{
		Policies: PoliciesIn(o.Policies, namespace),
		Roles:    make([]*rbacv1.Role, len(o.Roles)),
		Bindings: make([]*rbacv1.RoleBinding, len(o.Bindings)),
		Terms:    o.Terms,
		Withheld: o.Withheld,
	}
	for i, role := range o.Roles {
		placed := *role
		placed.Namespace = namespace
		out.Roles[i] = &placed
	}
	for i, binding := range o.Bindings {
		placed := *binding
		placed.Namespace = namespace
		out.Bindings[i] = &placed
	}
	return out
}

// metadata makes the metadata of a tier's objects.
type metadata struct {
	plan   *plan.Plan
	tier   *plan.Tier
	sight  Sight
	except *Exceptions
}

// EntrySeparator is between the entries of v1alpha1.DeclaredByAnnotation.
const EntrySeparator = ", "

// object returns the metadata of one object. Nothing of the profile's own labels and
// annotations is copied: a GitOps tool would take a copy of its tracking marks for an object
// that it has to prune.
func (m metadata) object(name string, declaredBy ...string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name: name,
		Labels: map[string]string{
			v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue,
			v1alpha1.ProfileLabel:   m.plan.Profile,
			v1alpha1.TierLabel:      m.tier.Name,
		},
		Annotations:     map[string]string{v1alpha1.DeclaredByAnnotation: strings.Join(declaredBy, EntrySeparator)},
		OwnerReferences: m.owners(),
	}
}

// policyOwners returns the references of a policy: to the profile, and to what keeps it.
func (m metadata) policyOwners() []metav1.OwnerReference {
	if m.plan.Keeper == nil {
		return m.owners()
	}
	return append(m.owners(), *m.plan.Keeper)
}

// owners returns the reference to the profile. It has no controller flag, since an object
// that a backup restored may still have a reference with one, and the API server allows
// only one; and it does not block the profile's deletion.
func (m metadata) owners() []metav1.OwnerReference {
	if m.plan.UID == "" {
		return nil
	}
	return []metav1.OwnerReference{ProfileReference(m.plan.Profile, m.plan.UID)}
}

// ProfileReference is the reference to a profile on what is written for it.
func ProfileReference(profile string, uid types.UID) metav1.OwnerReference {
	return metav1.OwnerReference{
		APIVersion: v1alpha1.GroupVersion.String(),
		Kind:       "SegmentationProfile",
		Name:       profile,
		UID:        uid,
	}
}

// IsOwnKey tells whether a label or an annotation with this key is the operator's on what it writes. All others are
// left alone.
func IsOwnKey(key string) bool {
	return key == v1alpha1.ManagedByLabel || strings.HasPrefix(key, v1alpha1.GroupName+"/")
}

// IsOwnReference tells whether an owner reference is one of those that the operator writes: to a profile, or to what
// keeps policies when the profile is gone.
func IsOwnReference(ref metav1.OwnerReference) bool {
	return IsProfileReference(ref) || ref.APIVersion == "v1" && ref.Kind == "Namespace"
}

// IsProfileReference tells whether an owner reference is one to a profile.
func IsProfileReference(ref metav1.OwnerReference) bool {
	return strings.HasPrefix(ref.APIVersion, v1alpha1.GroupName+"/") && ref.Kind == "SegmentationProfile"
}

// MembershipLabels are the labels of a member namespace.
func MembershipLabels(profile, tier string) map[string]string {
	return map[string]string{v1alpha1.ProfileLabel: profile, v1alpha1.TierLabel: tier}
}
