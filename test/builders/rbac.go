package builders

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RBACRoleBuilder makes a Role in a namespace. For the roles of a profile see MakeRole.
type RBACRoleBuilder struct {
	ObjectBuilder[RBACRoleBuilder]
	obj rbacv1.Role
}

// MakeRBACRole begins a Role in a namespace.
func MakeRBACRole(namespace, name string) *RBACRoleBuilder {
	b := &RBACRoleBuilder{}
	b.obj.TypeMeta = metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "Role"}
	b.obj.Namespace, b.obj.Name = namespace, name
	b.ObjectBuilder = ObjectBuilder[RBACRoleBuilder]{builder: b, meta: &b.obj.ObjectMeta}
	return b
}

// Rule adds a rule on resources of one API group; "" is the core group.
func (b *RBACRoleBuilder) Rule(apiGroup string, resources, verbs []string) *RBACRoleBuilder {
	b.obj.Rules = append(b.obj.Rules, rbacv1.PolicyRule{
		APIGroups: []string{apiGroup},
		Resources: resources,
		Verbs:     verbs,
	})
	return b
}

// Obj returns the Role.
func (b *RBACRoleBuilder) Obj() *rbacv1.Role {
	return b.obj.DeepCopy()
}

// RoleBindingBuilder makes a RoleBinding.
type RoleBindingBuilder struct {
	ObjectBuilder[RoleBindingBuilder]
	obj rbacv1.RoleBinding
}

// MakeRoleBinding begins a RoleBinding. It still needs Role or ClusterRole.
func MakeRoleBinding(namespace, name string) *RoleBindingBuilder {
	b := &RoleBindingBuilder{}
	b.obj.TypeMeta = metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "RoleBinding"}
	b.obj.Namespace, b.obj.Name = namespace, name
	b.ObjectBuilder = ObjectBuilder[RoleBindingBuilder]{builder: b, meta: &b.obj.ObjectMeta}
	return b
}

// Role binds a Role of the same namespace.
func (b *RoleBindingBuilder) Role(name string) *RoleBindingBuilder {
	b.obj.RoleRef = rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name}
	return b
}

// ClusterRole binds a ClusterRole.
func (b *RoleBindingBuilder) ClusterRole(name string) *RoleBindingBuilder {
	b.obj.RoleRef = rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}
	return b
}

// User adds a subject.
func (b *RoleBindingBuilder) User(name string) *RoleBindingBuilder {
	return b.subject(rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name})
}

// Group adds a subject.
func (b *RoleBindingBuilder) Group(name string) *RoleBindingBuilder {
	return b.subject(rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: name})
}

// ServiceAccount adds a subject.
func (b *RoleBindingBuilder) ServiceAccount(namespace, name string) *RoleBindingBuilder {
	return b.subject(rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name})
}

// Obj returns the RoleBinding.
func (b *RoleBindingBuilder) Obj() *rbacv1.RoleBinding {
	return b.obj.DeepCopy()
}

func (b *RoleBindingBuilder) subject(subject rbacv1.Subject) *RoleBindingBuilder {
	b.obj.Subjects = append(b.obj.Subjects, subject)
	return b
}
