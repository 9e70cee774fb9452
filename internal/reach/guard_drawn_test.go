package reach_test

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// tieredCluster is a drawn cluster with ClusterNetworkPolicies.
type tieredCluster struct {
	drawnCluster

	guards []*policyv1alpha2.ClusterNetworkPolicy
}

func (d tieredCluster) make(t *rapid.T) *reach.Cluster {
	out, err := reach.NewTiered(d.spaces, d.policies, d.guards)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func drawTiered(t *rapid.T) tieredCluster {
	out := tieredCluster{drawnCluster: drawCluster(t)}
	for i := range rapid.IntRange(1, 4).Draw(t, "guards") {
		out.guards = append(out.guards, drawGuard(t, i))
	}
	return out
}

// change draws what may become of a cluster: another policy before all others, one less, or another cluster.
func (d tieredCluster) change(t *rapid.T) tieredCluster {
	switch rapid.IntRange(0, 2).Draw(t, "change") {
	case 0:
		return drawTiered(t)
	case 1:
		d.guards = d.guards[1:]
	default:
		d.guards = append([]*policyv1alpha2.ClusterNetworkPolicy{drawGuard(t, len(d.guards))}, d.guards...)
	}
	return d
}

// drawGuard draws a ClusterNetworkPolicy. Priorities are few, so that some are the same.
func drawGuard(t *rapid.T, i int) *policyv1alpha2.ClusterNetworkPolicy {
	out := &policyv1alpha2.ClusterNetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("guard-", i)}}
	out.Spec.Tier = rapid.SampledFrom([]policyv1alpha2.Tier{"Admin", "Admin", "Baseline"}).Draw(t, "tier")
	out.Spec.Priority = rapid.Int32Range(0, 3).Draw(t, "priority")
	if rapid.Bool().Draw(t, "pods") {
		out.Spec.Subject.Pods = drawNamespacedPod(t)
	} else {
		out.Spec.Subject.Namespaces = drawNamespaces(t)
	}
	for range rapid.IntRange(0, 3).Draw(t, "ingress") {
		rule := policyv1alpha2.ClusterNetworkPolicyIngressRule{Action: drawAction(t), Protocols: drawProtocols(t)}
		for range rapid.IntRange(1, 2).Draw(t, "peers") {
			peer := drawGuardPeer(t, false)
			rule.From = append(rule.From, policyv1alpha2.ClusterNetworkPolicyIngressPeer{Namespaces: peer.Namespaces, Pods: peer.Pods})
		}
		out.Spec.Ingress = append(out.Spec.Ingress, rule)
	}
	for range rapid.IntRange(0, 3).Draw(t, "egress") {
		rule := policyv1alpha2.ClusterNetworkPolicyEgressRule{Action: drawAction(t), Protocols: drawProtocols(t)}
		for range rapid.IntRange(1, 2).Draw(t, "peers") {
			rule.To = append(rule.To, drawGuardPeer(t, true))
		}
		out.Spec.Egress = append(out.Spec.Egress, rule)
	}
	return out
}

func drawAction(t *rapid.T) policyv1alpha2.ClusterNetworkPolicyRuleAction {
	return rapid.SampledFrom([]policyv1alpha2.ClusterNetworkPolicyRuleAction{"Accept", "Deny", "Pass"}).Draw(t, "action")
}

func drawNamespaces(t *rapid.T) *metav1.LabelSelector {
	return rapid.SampledFrom([]*metav1.LabelSelector{
		{},
		{MatchLabels: map[string]string{"segmentation.dev/tier": "web"}},
		{MatchLabels: map[string]string{"team": "x"}},
		{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "team", Operator: metav1.LabelSelectorOpDoesNotExist}}},
	}).Draw(t, "namespaces")
}

func drawNamespacedPod(t *rapid.T) *policyv1alpha2.NamespacedPod {
	return &policyv1alpha2.NamespacedPod{NamespaceSelector: *drawNamespaces(t), PodSelector: *drawPodSelector(t)}
}

// drawGuardPeer draws a peer. Some cannot be judged.
func drawGuardPeer(t *rapid.T, isEgress bool) (out policyv1alpha2.ClusterNetworkPolicyEgressPeer) {
	shapes := []string{"namespaces", "namespaces", "pods", "pods", "nothing"}
	if isEgress {
		shapes = append(shapes, "networks", "networks", "nodes", "names")
	}
	switch rapid.SampledFrom(shapes).Draw(t, "peer") {
	case "namespaces":
		out.Namespaces = drawNamespaces(t)
	case "pods":
		out.Pods = drawNamespacedPod(t)
	case "networks":
		out.Networks = rapid.SliceOfN(rapid.SampledFrom([]policyv1alpha2.CIDR{"10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "fd00::/8"}), 1, 2).
			Draw(t, "networks")
	case "nodes":
		out.Nodes = &metav1.LabelSelector{}
	case "names":
		out.DomainNames = []policyv1alpha2.DomainName{"example.com"}
	}
	return out
}

func drawProtocols(t *rapid.T) []policyv1alpha2.ClusterNetworkPolicyProtocol {
	number := func(n int32) *policyv1alpha2.Port { return &policyv1alpha2.Port{Number: n} }
	between := func(first, last int32) *policyv1alpha2.Port {
		return &policyv1alpha2.Port{Range: &policyv1alpha2.PortRange{Start: first, End: last}}
	}
	return rapid.SliceOfN(rapid.SampledFrom([]policyv1alpha2.ClusterNetworkPolicyProtocol{
		{TCP: &policyv1alpha2.ClusterNetworkPolicyProtocolTCP{DestinationPort: number(80)}},
		{TCP: &policyv1alpha2.ClusterNetworkPolicyProtocolTCP{DestinationPort: between(81, 90)}},
		{UDP: &policyv1alpha2.ClusterNetworkPolicyProtocolUDP{DestinationPort: number(91)}},
		{SCTP: &policyv1alpha2.ClusterNetworkPolicyProtocolSCTP{DestinationPort: between(1, 65535)}},
		{DestinationNamedPort: "http"},
		{DestinationNamedPort: "admin"},
		{TCP: &policyv1alpha2.ClusterNetworkPolicyProtocolTCP{}},
	}), 0, 2).Draw(t, "protocols")
}

func withoutNames(protocols []policyv1alpha2.ClusterNetworkPolicyProtocol) []policyv1alpha2.ClusterNetworkPolicyProtocol {
	return slices.DeleteFunc(protocols, func(p policyv1alpha2.ClusterNetworkPolicyProtocol) bool { return p.DestinationNamedPort != "" })
}
