package reach_test

import (
	"net/netip"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// Of the large cluster, with ClusterNetworkPolicies: by numbers, by names, and by networks.
func BenchmarkTiers(b *testing.B) {
	large := makeLargeCluster(b)
	guards := func(first int32) []*policyv1alpha2.ClusterNetworkPolicy {
		out := make([]*policyv1alpha2.ClusterNetworkPolicy, 0, 3)
		for i, protocols := range [][]policyv1alpha2.ClusterNetworkPolicyProtocol{
			{{DestinationNamedPort: "http"}}, {{TCP: &policyv1alpha2.ClusterNetworkPolicyProtocolTCP{DestinationPort: &policyv1alpha2.Port{Number: first}}}}, nil,
		} {
			g := &policyv1alpha2.ClusterNetworkPolicy{}
			g.Spec.Tier, g.Spec.Priority, g.Spec.Subject.Namespaces = policyv1alpha2.AdminTier, int32(i), &metav1.LabelSelector{}
			g.Spec.Egress = []policyv1alpha2.ClusterNetworkPolicyEgressRule{{
				Action: "Deny", To: []policyv1alpha2.ClusterNetworkPolicyEgressPeer{{Networks: []policyv1alpha2.CIDR{"10.3.0.0/16"}}}, Protocols: protocols,
			}}
			out = append(out, g)
		}
		return out
	}
	cluster := func(first int32) *reach.Cluster {
		out, err := reach.NewTiered(large.namespaces, large.policies, guards(first))
		if err != nil {
			b.Fatal(err)
		}
		return out
	}
	before, after := cluster(80), cluster(81)
	b.Run("compare", func(b *testing.B) {
		for b.Loop() {
			if _, err := reach.Compare(before, after, reach.PodNetworks(netip.MustParsePrefix("10.0.0.0/8")), reach.MaxClasses(20000)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("matrix", func(b *testing.B) {
		for b.Loop() {
			if _, err := before.Matrix(large.namespaces); err != nil {
				b.Fatal(err)
			}
		}
	})
}
