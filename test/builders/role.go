package builders

import (
	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// RoleBuilder makes a role of a profile. For the Role in a namespace see MakeRBACRole.
type RoleBuilder struct {
	obj segv1alpha1.Role
}

// MakeRole begins a role of a profile. It still needs a rule.
func MakeRole(name string) *RoleBuilder {
	return &RoleBuilder{obj: segv1alpha1.Role{Name: segv1alpha1.Name(name)}}
}

// Rule adds a rule on resources of one API group; "" is the core group.
func (b *RoleBuilder) Rule(apiGroup string, resources, verbs []string) *RoleBuilder {
	return b.Rules(segv1alpha1.PolicyRule{APIGroups: []string{apiGroup}, Resources: resources, Verbs: verbs})
}

// Rules adds rules as they are.
func (b *RoleBuilder) Rules(rules ...segv1alpha1.PolicyRule) *RoleBuilder {
	b.obj.Rules = append(b.obj.Rules, rules...)
	return b
}

// Read adds a rule to get, list and watch resources of the core group.
func (b *RoleBuilder) Read(resources ...string) *RoleBuilder {
	return b.Rule("", resources, []string{"get", "list", "watch"})
}

// BoundaryEdits lets the role edit the boundary of a tier.
func (b *RoleBuilder) BoundaryEdits() *RoleBuilder {
	b.obj.BoundaryEdits = segv1alpha1.BoundaryEditsAllowed
	return b
}

// Obj returns the role.
func (b *RoleBuilder) Obj() segv1alpha1.Role {
	return *b.obj.DeepCopy()
}
