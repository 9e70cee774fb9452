package builders

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// DependencyBuilder makes a dependency of a profile.
type DependencyBuilder struct {
	obj segv1alpha1.Dependency
}

// MakeDependency begins a dependency. It still needs a From and a To.
func MakeDependency(name string) *DependencyBuilder {
	return &DependencyBuilder{obj: segv1alpha1.Dependency{Name: segv1alpha1.Name(name)}}
}

// FromTier sets the tier that calls.
func (b *DependencyBuilder) FromTier(name string) *DependencyBuilder {
	b.obj.From.Tier = segv1alpha1.Name(name)
	return b
}

// FromPeer sets the peer that calls.
func (b *DependencyBuilder) FromPeer(name string) *DependencyBuilder {
	b.obj.From.Peer = segv1alpha1.Name(name)
	return b
}

// FromPods narrows the tier that calls to pods with these labels.
func (b *DependencyBuilder) FromPods(
	labels map[string]string, requirements ...segv1alpha1.LabelSelectorRequirement,
) *DependencyBuilder {
	b.obj.From.Pods = LabelSelector(labels, requirements...)
	return b
}

// FromAccounts names the service accounts that pods which call run as.
func (b *DependencyBuilder) FromAccounts(names ...string) *DependencyBuilder {
	for _, name := range names {
		b.obj.From.ServiceAccounts = append(b.obj.From.ServiceAccounts, segv1alpha1.ServiceAccountName(name))
	}
	return b
}

// ToTier sets the tier that is called.
func (b *DependencyBuilder) ToTier(name string) *DependencyBuilder {
	b.obj.To.Tier = segv1alpha1.Name(name)
	return b
}

// ToPeer sets the peer that is called.
func (b *DependencyBuilder) ToPeer(name string) *DependencyBuilder {
	b.obj.To.Peer = segv1alpha1.Name(name)
	return b
}

// ToPods narrows the tier that is called to pods with these labels.
func (b *DependencyBuilder) ToPods(
	labels map[string]string, requirements ...segv1alpha1.LabelSelectorRequirement,
) *DependencyBuilder {
	b.obj.To.Pods = LabelSelector(labels, requirements...)
	return b
}

// ToService sets the Service that is called, in the namespaces of a tier.
func (b *DependencyBuilder) ToService(tier, service string) *DependencyBuilder {
	b.obj.To.Tier, b.obj.To.Service = segv1alpha1.Name(tier), segv1alpha1.Name(service)
	return b
}

// FromAllTiers has every tier call.
func (b *DependencyBuilder) FromAllTiers() *DependencyBuilder {
	b.obj.From.AllTiers = true
	return b
}

// ToAllTiers has every tier called.
func (b *DependencyBuilder) ToAllTiers() *DependencyBuilder {
	b.obj.To.AllTiers = true
	return b
}

// FromProfile sets the tier of another profile that calls.
func (b *DependencyBuilder) FromProfile(profile, tier string) *DependencyBuilder {
	b.obj.From.Profile, b.obj.From.Tier = segv1alpha1.Name(profile), segv1alpha1.Name(tier)
	return b
}

// ToProfile sets the tier of another profile that is called.
func (b *DependencyBuilder) ToProfile(profile, tier string) *DependencyBuilder {
	b.obj.To.Profile, b.obj.To.Tier = segv1alpha1.Name(profile), segv1alpha1.Name(tier)
	return b
}

// Port adds a TCP port by number.
func (b *DependencyBuilder) Port(number int32) *DependencyBuilder {
	return b.Ports(segv1alpha1.Port{Protocol: corev1.ProtocolTCP, Port: new(intstr.FromInt32(number))})
}

// UDPPort adds a UDP port by number.
func (b *DependencyBuilder) UDPPort(number int32) *DependencyBuilder {
	return b.Ports(segv1alpha1.Port{Protocol: corev1.ProtocolUDP, Port: new(intstr.FromInt32(number))})
}

// NamedPort adds a TCP port by the name of a container port.
func (b *DependencyBuilder) NamedPort(name string) *DependencyBuilder {
	return b.Ports(segv1alpha1.Port{Protocol: corev1.ProtocolTCP, Port: new(intstr.FromString(name))})
}

// PortRange adds a range of TCP ports, both ends included.
func (b *DependencyBuilder) PortRange(first, last int32) *DependencyBuilder {
	return b.Ports(segv1alpha1.Port{
		Protocol: corev1.ProtocolTCP,
		Port:     new(intstr.FromInt32(first)),
		EndPort:  last,
	})
}

// Protocol adds every port of a protocol.
func (b *DependencyBuilder) Protocol(protocol corev1.Protocol) *DependencyBuilder {
	return b.Ports(segv1alpha1.Port{Protocol: protocol})
}

// Ports adds ports as they are.
func (b *DependencyBuilder) Ports(ports ...segv1alpha1.Port) *DependencyBuilder {
	b.obj.Ports = append(b.obj.Ports, ports...)
	return b
}

// Access grants roles of the profile to the service accounts of the tier that calls.
func (b *DependencyBuilder) Access(roles ...string) *DependencyBuilder {
	for _, role := range roles {
		b.obj.Access = append(b.obj.Access, segv1alpha1.DependencyAccess{Role: segv1alpha1.Name(role)})
	}
	return b
}

// ClusterRoleAccess grants existing ClusterRoles to the service accounts of the tier that calls.
func (b *DependencyBuilder) ClusterRoleAccess(clusterRoles ...string) *DependencyBuilder {
	for _, role := range clusterRoles {
		b.obj.Access = append(b.obj.Access, segv1alpha1.DependencyAccess{ClusterRole: segv1alpha1.ClusterRoleName(role)})
	}
	return b
}

// Obj returns the dependency.
func (b *DependencyBuilder) Obj() segv1alpha1.Dependency {
	return *b.obj.DeepCopy()
}
