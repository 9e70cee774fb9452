package render

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// dnsOpenings open name resolution, at the DNS pods and at given addresses only: port 53 of everywhere would be a
// way out for data.
func dnsOpenings(dns *plan.DNS) []opening {
	if dns == nil {
		return nil
	}
	var out []opening
	if len(dns.Ports) > 0 {
		out = append(out, opening{
			peers: []networkingv1.NetworkPolicyPeer{{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: dns.Namespace}},
				PodSelector:       &dns.Pods,
			}},
			ports: dns.Ports,
		})
	}
	if len(dns.Addresses) > 0 {
		out = append(out, opening{peers: addressPeers(dns.Addresses), ports: plan.DNSPorts()})
	}
	return out
}

// sortPorts sorts ports and drops repeated ones.
func sortPorts(ports []networkingv1.NetworkPolicyPort) []networkingv1.NetworkPolicyPort {
	slices.SortFunc(ports, comparePorts)
	return slices.CompactFunc(ports, func(a, b networkingv1.NetworkPolicyPort) bool { return comparePorts(a, b) == 0 })
}

func comparePorts(a, b networkingv1.NetworkPolicyPort) int {
	return cmp.Or(
		cmp.Compare(deref(a.Protocol), deref(b.Protocol)),
		comparePortNumbers(a.Port, b.Port),
		cmp.Compare(deref(a.EndPort), deref(b.EndPort)),
	)
}

// comparePortNumbers puts every port before numbers and numbers before names.
func comparePortNumbers(a, b *intstr.IntOrString) int {
	if a == nil || b == nil {
		return cmp.Compare(present(a), present(b))
	}
	return cmp.Or(
		cmp.Compare(a.Type, b.Type),
		cmp.Compare(a.IntVal, b.IntVal),
		cmp.Compare(a.StrVal, b.StrVal),
	)
}

func present(port *intstr.IntOrString) int {
	if port == nil {
		return 0
	}
	return 1
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
