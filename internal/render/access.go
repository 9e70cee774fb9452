package render

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// RoleName is the name of the Role made from a profile's role.
func RoleName(role string) string {
	return Prefix + "-" + role
}

func role(m metadata, grant *plan.Grant) *rbacv1.Role {
	return &rbacv1.Role{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "Role"},
		ObjectMeta: m.object(RoleName(grant.Role), declaredBy(m, grant, "role/"+grant.Role)...),
		Rules:      grant.Rules,
	}
}

func binding(m metadata, grant *plan.Grant) *rbacv1.RoleBinding {
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: grant.ClusterRole}
	declared := "clusterRole/" + grant.ClusterRole
	if grant.Role != "" {
		ref.Kind, ref.Name = "Role", RoleName(grant.Role)
		declared = "role/" + grant.Role
	}
	out := &rbacv1.RoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "RoleBinding"},
		ObjectMeta: m.object(bindingName(ref, grant), declaredBy(m, grant, declared)...),
		Subjects:   grant.Subjects,
		RoleRef:    ref,
	}
	if len(grant.Callers) > 0 {
		out.Annotations[v1alpha1.CallersAnnotation] = strings.Join(callersEntries(grant), EntrySeparator)
	}
	return out
}

// callersEntries say of whom the service accounts are bound: of tiers, and by name.
func callersEntries(grant *plan.Grant) []string {
	out := slices.Clone(grant.Callers)
	for _, s := range grant.Subjects {
		if s.Kind == rbacv1.GroupKind && strings.HasPrefix(s.Name, ServiceAccountsPrefix) {
			out = append(out, s.Name)
		}
	}
	return out
}

// CallersEntries returns what v1alpha1.CallersAnnotation lists: tiers, and groups, which begin with
// ServiceAccountsPrefix.
func CallersEntries(b *rbacv1.RoleBinding) []string {
	value := b.Annotations[v1alpha1.CallersAnnotation]
	if value == "" {
		return nil
	}
	return strings.Split(value, EntrySeparator)
}

func declaredBy(m metadata, grant *plan.Grant, role string) []string {
	out := make([]string, 0, 2+len(grant.Dependencies))
	out = append(out, "tier/"+m.tier.Name, role)
	for _, name := range grant.Dependencies {
		out = append(out, "dependency/"+name)
	}
	return out
}

// Terms are the conditions under which a binding is written.
type Terms struct {
	// Callers are the tiers whose namespaces' service accounts it binds, too.
	Callers []string
	// BoundaryEdits is set if the ClusterRole that it binds may let its holders edit the boundary of the
	// namespace.
	BoundaryEdits bool
}

// ServiceAccountsPrefix begins the name of the group of all service accounts of a namespace, which follows.
const ServiceAccountsPrefix = "system:serviceaccounts:"

// serviceAccounts is the group of all service accounts of a namespace:
// https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#user-accounts-versus-service-accounts
func serviceAccounts(namespace string) rbacv1.Subject {
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: ServiceAccountsPrefix + namespace}
}

// WithCallers returns the objects with the service accounts of those namespaces bound that the function
// returns for a tier. A binding that binds nobody is left out, and its Role with it: what still binds the Role
// from before would otherwise give what it has now. The receiver is not changed.
func (o Objects) WithCallers(namespaces func(tier string) []string) Objects {
	bindings := make([]*rbacv1.RoleBinding, 0, len(o.Bindings))
	idle := map[string]bool{}
	for _, b := range o.Bindings {
		if callers := o.Terms[b.Name].Callers; len(callers) > 0 {
			b = withSubjects(b, callers, namespaces)
		}
		if len(b.Subjects) > 0 {
			bindings = append(bindings, b)
		} else if b.RoleRef.Kind == "Role" {
			idle[b.RoleRef.Name] = true
		}
	}
	o.Bindings = bindings
	if len(idle) > 0 {
		o.Roles = slices.DeleteFunc(slices.Clone(o.Roles), func(r *rbacv1.Role) bool { return idle[r.Name] })
	}
	return o
}

func withSubjects(b *rbacv1.RoleBinding, callers []string, namespaces func(tier string) []string) *rbacv1.RoleBinding {
	out := *b
	out.Subjects = slices.Clone(b.Subjects)
	for _, tier := range callers {
		for _, namespace := range namespaces(tier) {
			out.Subjects = append(out.Subjects, serviceAccounts(namespace))
		}
	}
	slices.SortFunc(out.Subjects, plan.CompareSubjects)
	out.Subjects = slices.Compact(out.Subjects)
	return &out
}

// maxNameLength is the longest name of an object that Kubernetes promises to take.
const maxNameLength = 253

// bindingName names a binding for its roleRef. A roleRef cannot be changed in place, so
// another one must have another name.
func bindingName(ref rbacv1.RoleRef, grant *plan.Grant) string {
	sum := sha256.Sum256([]byte(ref.Kind + "/" + ref.Name))
	suffix := "-" + hex.EncodeToString(sum[:5])
	name := Prefix + "-" + grant.Role + grant.ClusterRole
	// A ClusterRole's name may be cut inside a character.
	return strings.ToValidUTF8(name[:min(len(name), maxNameLength-len(suffix))], "") + suffix
}
