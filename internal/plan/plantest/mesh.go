package plantest

import (
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// Meshed draws a profile that is enforced by Istio as well, some of whose dependencies name service accounts.
func Meshed() *rapid.Generator[*v1alpha1.SegmentationProfile] {
	return rapid.Custom(func(t *rapid.T) *v1alpha1.SegmentationProfile {
		profile := Profile().Draw(t, "profile")
		modes := []v1alpha1.MutualTLS{"", v1alpha1.MutualTLSUnmanaged, v1alpha1.MutualTLSStrict}
		profile.Spec.Mesh.Istio = &v1alpha1.Istio{
			MutualTLS:   rapid.SampledFrom(modes).Draw(t, "mutual TLS"),
			TrustDomain: rapid.SampledFrom([]string{"", "cluster.local", "mesh.example.com"}).Draw(t, "trust domain"),
		}
		for i := range profile.Spec.Dependencies {
			d := &profile.Spec.Dependencies[i]
			if hasAccounts(profile, &d.From) && rapid.Bool().Draw(t, "service accounts") {
				d.From.ServiceAccounts = rapid.SliceOfNDistinct(rapid.SampledFrom(Accounts()), 1, 2, rapid.ID).Draw(t, "accounts")
			}
			if d.To.Peer == "" && rapid.IntRange(0, 4).Draw(t, "labels by expressions") == 0 {
				d.To.Pods = rapid.SampledFrom([]*v1alpha1.LabelSelector{
					builders.LabelSelector(nil, builders.In("app", "a")),
					builders.LabelSelector(nil, builders.In("app", "a"), builders.Exists("app"), builders.NotIn("app", "b")),
					builders.LabelSelector(map[string]string{"app": "a"}, builders.In("app", "b")),
				}).Draw(t, "pods").DeepCopy()
				d.Access = nil
			}
		}
		return profile
	})
}

// Accounts are the service accounts that profiles are drawn with.
func Accounts() []v1alpha1.ServiceAccountName {
	return []v1alpha1.ServiceAccountName{"default", "robot", "a.b-c"}
}

// hasAccounts tells whether a side has pods, which run as service accounts.
func hasAccounts(profile *v1alpha1.SegmentationProfile, e *v1alpha1.Endpoint) bool {
	return e.Peer == "" || peerOf(profile, e.Peer).Namespaces != nil
}
