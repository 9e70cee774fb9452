package plantest

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// drawDependency draws a dependency between tiers and peers that the profile has. Services and other profiles are left
// out: what they open only a cluster can say.
func drawDependency(t *rapid.T, name string, profile *v1alpha1.SegmentationProfile) v1alpha1.Dependency {
	d := v1alpha1.Dependency{Name: v1alpha1.Name(name)}
	d.From = drawEndpoint(t, profile, true)
	d.To = drawEndpoint(t, profile, d.From.Peer == "")
	called := peerOf(profile, d.To.Peer)
	if called.APIServer == nil && rapid.Bool().Draw(t, "with ports") {
		isAddress := len(called.CIDRs) > 0 || called.Internet != nil
		d.Ports = rapid.SliceOfN(rapid.SampledFrom(ports(isAddress)), 1, 3).Draw(t, "ports")
	}
	if isPlain(&d.From) && isPlain(&d.To) && rapid.Bool().Draw(t, "with access") {
		d.Access = rapid.SliceOfNDistinct(rapid.SampledFrom([]v1alpha1.DependencyAccess{
			{Role: "viewer"}, {Role: "editor"}, {ClusterRole: "view"}, {ClusterRole: "admin", BoundaryEdits: v1alpha1.BoundaryEditsAllowed},
		}), 1, 3, rapid.ID).Draw(t, "access")
	}
	return d
}

// isPlain tells whether an endpoint is a tier as a whole.
func isPlain(e *v1alpha1.Endpoint) bool {
	return e.Tier != "" && e.Pods == nil
}

func drawEndpoint(t *rapid.T, profile *v1alpha1.SegmentationProfile, mayBePeer bool) v1alpha1.Endpoint {
	if mayBePeer && len(profile.Spec.Peers) > 0 && rapid.Bool().Draw(t, "peer") {
		return v1alpha1.Endpoint{Peer: rapid.SampledFrom(profile.Spec.Peers).Draw(t, "peer").Name}
	}
	if rapid.IntRange(0, 4).Draw(t, "all tiers") == 0 {
		return v1alpha1.Endpoint{AllTiers: true, Pods: drawPods(t)}
	}
	return v1alpha1.Endpoint{Tier: rapid.SampledFrom(profile.Spec.Tiers).Draw(t, "tier").Name, Pods: drawPods(t)}
}

// peerOf is the peer of that name; one that is nobody if there is none.
func peerOf(profile *v1alpha1.SegmentationProfile, name v1alpha1.Name) *v1alpha1.Peer {
	for i := range profile.Spec.Peers {
		if profile.Spec.Peers[i].Name == name {
			return &profile.Spec.Peers[i]
		}
	}
	return &v1alpha1.Peer{}
}

// ports are ports of each kind. Addresses have none with names.
func ports(ofAddresses bool) []v1alpha1.Port {
	number := func(n int32) *intstr.IntOrString { return new(intstr.FromInt32(n)) }
	ofAll := []v1alpha1.Port{
		{Port: number(80)},
		{Protocol: corev1.ProtocolTCP, Port: number(80)},
		{Port: number(80), EndPort: 90},
		{Port: number(85), EndPort: 65535},
		{Port: number(443), EndPort: 443},
		{Protocol: corev1.ProtocolUDP, Port: number(53)},
		{Protocol: corev1.ProtocolSCTP},
		{},
	}
	if ofAddresses {
		return ofAll
	}
	return slices.Concat(ofAll, []v1alpha1.Port{
		{Port: new(intstr.FromString("http"))},
		{Protocol: corev1.ProtocolUDP, Port: new(intstr.FromString("http"))},
		{Port: new(intstr.FromString("a-name-of-15-xs"))},
	})
}
