package render

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// RoleName is the name of the Role made from a profile's role.
func RoleName(role string) string {
	return Prefix + "-" + role
}

func role(m metadata, grant *plan.Grant) *rbacv1.Role {
	return &rbacv1.Role{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "Role"},
		ObjectMeta: m.object(RoleName(grant.Role), "tier/"+m.tier.Name, "role/"+grant.Role),
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
	return &rbacv1.RoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "RoleBinding"},
		ObjectMeta: m.object(bindingName(ref, grant), "tier/"+m.tier.Name, declared),
		Subjects:   grant.Subjects,
		RoleRef:    ref,
	}
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
