package reach_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// The matrix claims to speak for all pods that could exist. In a world of two label keys
// with two values in play, one more value and none at all, all of them can be tried.
func TestTheMatrixAgreesWithEveryFlow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		spaces := []reach.Namespace{
			member("web-1", "web"), member("web-2", "web"), member("api-1", "api"),
			{Name: "other", Labels: map[string]string{"team": "x"}},
		}
		drawn := rapid.SliceOfN(rapid.Custom(drawPolicy), 0, 6).Draw(t, "policies")
		cluster, err := reach.New(spaces, drawn)
		if err != nil {
			t.Fatal(err)
		}
		matrix, err := reach.NewMatrix(spaces, drawn)
		if err != nil {
			t.Fatal(err)
		}
		for i := range matrix.Groups {
			for k := range matrix.Groups {
				checkCell(t, cluster, matrix, i, k)
			}
		}
	})
}

func checkCell(t *rapid.T, cluster *reach.Cluster, m *reach.Matrix, i, k int) {
	cell := m.Cells[i][k]
	for _, port := range []int32{1, 80, 81, 85, 90, 91, 65535} {
		for _, protocol := range []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP} {
			within, across := count(cluster, m.Groups[i], m.Groups[k], protocol, port)
			every := within.open+across.open == within.pairs+across.pairs
			inside := !every && within.pairs > 0 && within.open == within.pairs && across.open == 0
			some := !every && !inside && within.open+across.open > 0
			got := fmt.Sprint(has(cell.Every, protocol, port), has(cell.Within, protocol, port))
			if want := fmt.Sprint(every, inside); got != want {
				t.Fatalf("%s to %s on %d/%s: open for every pair, inside only: got %s, want %s in %q",
					m.Groups[i].Name, m.Groups[k].Name, port, protocol, got, want, cell)
			}
			// Some may repeat what the others say, as a part of "all".
			if some && !has(cell.Some, protocol, port) || has(cell.Some, protocol, port) && within.open+across.open == 0 {
				t.Fatalf("%s to %s on %d/%s: open for some is %v, the cell says %q",
					m.Groups[i].Name, m.Groups[k].Name, port, protocol, some, cell)
			}
		}
	}
}

type counted struct{ pairs, open int }

func count(cluster *reach.Cluster, from, to reach.Group, protocol corev1.Protocol, port int32) (within, across counted) {
	for _, a := range everyPod(from) {
		for _, b := range everyPod(to) {
			c := &across
			if a.Namespace == b.Namespace {
				c = &within
			}
			c.pairs++
			if cluster.Allowed(reach.Flow{From: pod(a), To: pod(b), Protocol: protocol, Port: port}).Allowed() {
				c.open++
			}
		}
	}
	return within, across
}

func everyPod(g reach.Group) []*reach.Pod {
	out := make([]*reach.Pod, 0, 12*len(g.Namespaces))
	for _, ns := range g.Namespaces {
		for _, a := range []string{"", "x", "y", "z"} {
			for _, b := range []string{"", "x", "z"} {
				set := map[string]string{"a": a, "b": b}
				for key, value := range set {
					if value == "" {
						delete(set, key)
					}
				}
				out = append(out, &reach.Pod{Namespace: ns, Labels: set})
			}
		}
	}
	return out
}

// has tells whether ports, as they are written, have a port.
func has(ports reach.Ports, protocol corev1.Protocol, port int32) bool {
	for _, text := range ports {
		if text == "all" || text == "all "+string(protocol) {
			return true
		}
		numbers, of, found := strings.Cut(text, "/")
		if !found {
			of = string(corev1.ProtocolTCP)
		}
		first, last, isRange := strings.Cut(numbers, "-")
		if !isRange {
			last = first
		}
		low, errLow := strconv.Atoi(first)
		high, errHigh := strconv.Atoi(last)
		if errLow == nil && errHigh == nil && of == string(protocol) && int32(low) <= port && port <= int32(high) {
			return true
		}
	}
	return false
}

func drawPolicy(t *rapid.T) *networkingv1.NetworkPolicy {
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{
		Name:      "drawn",
		Namespace: rapid.SampledFrom([]string{"web-1", "web-2", "api-1", "other"}).Draw(t, "namespace"),
	}}
	policy.Spec.PodSelector = *drawPodSelector(t)
	policy.Spec.PolicyTypes = rapid.SliceOfNDistinct(
		rapid.SampledFrom([]networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}), 0, 2, rapid.ID,
	).Draw(t, "policyTypes")
	for range rapid.IntRange(0, 2).Draw(t, "ingress") {
		policy.Spec.Ingress = append(policy.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{From: drawPeers(t), Ports: drawPorts(t)})
	}
	for range rapid.IntRange(0, 2).Draw(t, "egress") {
		policy.Spec.Egress = append(policy.Spec.Egress, networkingv1.NetworkPolicyEgressRule{To: drawPeers(t), Ports: drawPorts(t)})
	}
	return policy
}

func drawPeers(t *rapid.T) []networkingv1.NetworkPolicyPeer {
	out := make([]networkingv1.NetworkPolicyPeer, 0, 2)
	for range rapid.IntRange(0, 2).Draw(t, "peers") {
		var peer networkingv1.NetworkPolicyPeer
		shape := rapid.SampledFrom([]string{"pods", "namespaces", "both"}).Draw(t, "peer")
		if shape != "namespaces" {
			peer.PodSelector = drawPodSelector(t)
		}
		if shape != "pods" {
			peer.NamespaceSelector = rapid.SampledFrom([]*metav1.LabelSelector{
				{},
				{MatchLabels: map[string]string{"segmentation.dev/tier": "web"}},
				{MatchLabels: map[string]string{"team": "x"}},
				{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "team", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"x"}}}},
			}).Draw(t, "namespaceSelector")
		}
		out = append(out, peer)
	}
	return out
}

func drawPodSelector(t *rapid.T) *metav1.LabelSelector {
	requirement := func(key string, operator metav1.LabelSelectorOperator, values ...string) metav1.LabelSelectorRequirement {
		return metav1.LabelSelectorRequirement{Key: key, Operator: operator, Values: values}
	}
	return &metav1.LabelSelector{MatchExpressions: rapid.SliceOfN(rapid.SampledFrom([]metav1.LabelSelectorRequirement{
		requirement("a", metav1.LabelSelectorOpIn, "x"),
		requirement("a", metav1.LabelSelectorOpIn, "x", "y"),
		requirement("a", metav1.LabelSelectorOpNotIn, "y"),
		requirement("a", metav1.LabelSelectorOpExists),
		requirement("a", metav1.LabelSelectorOpDoesNotExist),
		requirement("b", metav1.LabelSelectorOpIn, "x"),
		requirement("b", metav1.LabelSelectorOpNotIn, "x"),
		requirement("b", metav1.LabelSelectorOpExists),
	}), 0, 2).Draw(t, "podSelector")}
}

func drawPorts(t *rapid.T) []networkingv1.NetworkPolicyPort {
	number := func(n int32) *intstr.IntOrString { return new(intstr.FromInt32(n)) }
	return rapid.SliceOfN(rapid.SampledFrom([]networkingv1.NetworkPolicyPort{
		{Port: number(80)},
		{Port: number(80), EndPort: new(int32(90))},
		{Port: number(81), Protocol: new(corev1.ProtocolTCP), EndPort: new(int32(85))},
		{Port: number(1), EndPort: new(int32(65535))},
		{Protocol: new(corev1.ProtocolTCP)},
		{Protocol: new(corev1.ProtocolUDP)},
		{Protocol: new(corev1.ProtocolUDP), Port: number(91), EndPort: new(int32(65535))},
	}), 0, 2).Draw(t, "ports")
}
