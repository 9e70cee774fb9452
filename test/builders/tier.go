package builders

import (
	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// TierBuilder makes a tier of a profile.
type TierBuilder struct {
	obj segv1alpha1.Tier
}

// MakeTier begins a tier. It still needs Selector or Names.
func MakeTier(name string) *TierBuilder {
	return &TierBuilder{obj: segv1alpha1.Tier{Name: segv1alpha1.Name(name)}}
}

// Selector chooses the tier's namespaces by labels, and by requirements if there are any.
func (b *TierBuilder) Selector(
	labels map[string]string, requirements ...segv1alpha1.LabelSelectorRequirement,
) *TierBuilder {
	b.obj.Namespaces.Selector = LabelSelector(labels, requirements...)
	return b
}

// Names chooses the tier's namespaces by name.
func (b *TierBuilder) Names(names ...string) *TierBuilder {
	b.obj.Namespaces.Names = append(b.obj.Namespaces.Names, namespaceNames(names)...)
	return b
}

// InternalTraffic says which pods of the tier reach each other.
func (b *TierBuilder) InternalTraffic(traffic segv1alpha1.InternalTraffic) *TierBuilder {
	b.obj.InternalTraffic = traffic
	return b
}

// Access grants a role of the profile to subjects.
func (b *TierBuilder) Access(role string, subjects ...segv1alpha1.Subject) *TierBuilder {
	b.obj.Access = append(b.obj.Access, segv1alpha1.TierAccess{Role: segv1alpha1.Name(role), Subjects: subjects})
	return b
}

// ClusterRoleAccess grants an existing ClusterRole to subjects.
func (b *TierBuilder) ClusterRoleAccess(clusterRole string, subjects ...segv1alpha1.Subject) *TierBuilder {
	b.obj.Access = append(b.obj.Access, segv1alpha1.TierAccess{
		ClusterRole: segv1alpha1.ClusterRoleName(clusterRole),
		Subjects:    subjects,
	})
	return b
}

// Obj returns the tier.
func (b *TierBuilder) Obj() segv1alpha1.Tier {
	return *b.obj.DeepCopy()
}

// User is a subject.
func User(name string) segv1alpha1.Subject {
	return segv1alpha1.Subject{Kind: segv1alpha1.SubjectKindUser, Name: name}
}

// Group is a subject.
func Group(name string) segv1alpha1.Subject {
	return segv1alpha1.Subject{Kind: segv1alpha1.SubjectKindGroup, Name: name}
}

// ServiceAccount is a subject.
func ServiceAccount(namespace, name string) segv1alpha1.Subject {
	return segv1alpha1.Subject{
		Kind:      segv1alpha1.SubjectKindServiceAccount,
		Name:      name,
		Namespace: segv1alpha1.NamespaceName(namespace),
	}
}

func namespaceNames(names []string) []segv1alpha1.NamespaceName {
	out := make([]segv1alpha1.NamespaceName, len(names))
	for i, name := range names {
		out[i] = segv1alpha1.NamespaceName(name)
	}
	return out
}
