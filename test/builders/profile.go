package builders

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// ProfileBuilder makes a SegmentationProfile.
type ProfileBuilder struct {
	ObjectBuilder[ProfileBuilder]
	obj segv1alpha1.SegmentationProfile
}

// MakeProfile begins a profile.
func MakeProfile(name string) *ProfileBuilder {
	b := &ProfileBuilder{}
	b.obj.TypeMeta = metav1.TypeMeta{APIVersion: segv1alpha1.GroupVersion.String(), Kind: "SegmentationProfile"}
	b.obj.Name = name
	b.ObjectBuilder = ObjectBuilder[ProfileBuilder]{builder: b, meta: &b.obj.ObjectMeta}
	return b
}

// Spec sets the whole spec.
func (b *ProfileBuilder) Spec(spec segv1alpha1.SegmentationProfileSpec) *ProfileBuilder {
	spec.DeepCopyInto(&b.obj.Spec)
	return b
}

// Mode sets the mode.
func (b *ProfileBuilder) Mode(mode segv1alpha1.Mode) *ProfileBuilder {
	b.obj.Spec.Mode = mode
	return b
}

// Preview sets the mode to Preview.
func (b *ProfileBuilder) Preview() *ProfileBuilder {
	return b.Mode(segv1alpha1.ModePreview)
}

// Strict sets the admission to Strict.
func (b *ProfileBuilder) Strict() *ProfileBuilder {
	b.obj.Spec.Admission = segv1alpha1.AdmissionStrict
	return b
}

// DNS sets where names are resolved.
func (b *ProfileBuilder) DNS(dns segv1alpha1.DNS) *ProfileBuilder {
	b.obj.Spec.DNS = dns
	return b
}

// NoDNS sets the DNS mode to None.
func (b *ProfileBuilder) NoDNS() *ProfileBuilder {
	return b.DNS(segv1alpha1.DNS{Mode: segv1alpha1.DNSModeNone})
}

// Istio has the profile enforced by Istio as well.
func (b *ProfileBuilder) Istio(istio segv1alpha1.Istio) *ProfileBuilder {
	b.obj.Spec.Mesh.Istio = &istio
	return b
}

// Tier adds tiers.
func (b *ProfileBuilder) Tier(tiers ...segv1alpha1.Tier) *ProfileBuilder {
	b.obj.Spec.Tiers = append(b.obj.Spec.Tiers, tiers...)
	return b
}

// Peer adds peers.
func (b *ProfileBuilder) Peer(peers ...segv1alpha1.Peer) *ProfileBuilder {
	b.obj.Spec.Peers = append(b.obj.Spec.Peers, peers...)
	return b
}

// Role adds roles.
func (b *ProfileBuilder) Role(roles ...segv1alpha1.Role) *ProfileBuilder {
	b.obj.Spec.Roles = append(b.obj.Spec.Roles, roles...)
	return b
}

// Dependency adds dependencies.
func (b *ProfileBuilder) Dependency(dependencies ...segv1alpha1.Dependency) *ProfileBuilder {
	b.obj.Spec.Dependencies = append(b.obj.Spec.Dependencies, dependencies...)
	return b
}

// Condition adds conditions to the status.
func (b *ProfileBuilder) Condition(conditions ...metav1.Condition) *ProfileBuilder {
	b.obj.Status.Conditions = append(b.obj.Status.Conditions, conditions...)
	return b
}

// Status sets the whole status.
func (b *ProfileBuilder) Status(status segv1alpha1.SegmentationProfileStatus) *ProfileBuilder {
	b.obj.Status = status
	return b
}

// Defaulted fills in what the API server would, so that a test without one sees the same
// profile as the operator. The status default is left out: it is for objects that no one
// has reconciled.
func (b *ProfileBuilder) Defaulted() *ProfileBuilder {
	spec := &b.obj.Spec
	setDefault(&spec.Mode, segv1alpha1.ModeEnforce)
	setDefault(&spec.Admission, segv1alpha1.AdmissionStandard)
	setDefault(&spec.DNS.Mode, segv1alpha1.DNSModeClusterDNS)
	setDefault(&spec.DNS.Namespace, "kube-system")
	for i := range spec.Tiers {
		setDefault(&spec.Tiers[i].InternalTraffic, segv1alpha1.InternalTrafficSameNamespace)
	}
	for i := range spec.Peers {
		if internet := spec.Peers[i].Internet; internet != nil {
			setDefault(&internet.PrivateRanges, segv1alpha1.PrivateRangesExcluded)
		}
	}
	for i := range spec.Dependencies {
		for j := range spec.Dependencies[i].Ports {
			setDefault(&spec.Dependencies[i].Ports[j].Protocol, corev1.ProtocolTCP)
		}
	}
	return b
}

// Obj returns the profile. Each call returns a copy, so that a chain can go on from there.
func (b *ProfileBuilder) Obj() *segv1alpha1.SegmentationProfile {
	return b.obj.DeepCopy()
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
