package mesh

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// MaxPortRange is how many ports a range has at most for it to be written: Istio has no ranges, and each of the ports is
// listed.
const MaxPortRange = 128

// ports are the ports of one rule, sorted, or every port. Istio sees TCP only, and has no say in what comes by another
// protocol.
func (r *renderer) ports(rule *plan.Rule) (ports []int32, every bool) {
	if len(rule.Ports) == 0 || slices.ContainsFunc(rule.Ports, isEveryTCPPort) {
		return nil, true
	}
	for i := range rule.Ports {
		if port := &rule.Ports[i]; isTCP(port) {
			ports = append(ports, r.numbers(rule, port)...)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports), false
}

func isTCP(port *networkingv1.NetworkPolicyPort) bool {
	return port.Protocol == nil || *port.Protocol == corev1.ProtocolTCP
}

func isEveryTCPPort(port networkingv1.NetworkPolicyPort) bool {
	return isTCP(&port) && (port.Port == nil || port.EndPort != nil && port.Port.IntVal <= 1 && *port.EndPort == lastPort)
}

// numbers are the numbers that one port stands for.
func (r *renderer) numbers(rule *plan.Rule, port *networkingv1.NetworkPolicyPort) []int32 {
	if port.Port.Type == intstr.String {
		// Each pod gives a number to the name, and the operator reads no pods.
		r.findLessf("dependency %s: Istio knows ports by their numbers only, and %s is a name; it is not opened in the mesh: give the "+
			"number, in a Service as its targetPort", rule.Dependency, port.Port.StrVal)
		return nil
	}
	first, last := port.Port.IntVal, port.Port.IntVal
	if port.EndPort != nil {
		last = *port.EndPort
	}
	if last-first >= MaxPortRange {
		r.findLessf("dependency %s: Istio has no ranges of ports, and of %d to %d there are more than %d; they are not opened in the "+
			"mesh: give a smaller range, or leave out port and endPort", rule.Dependency, first, last, MaxPortRange)
		return nil
	}
	var numbers []int32
	for number := first; number <= last; number++ {
		numbers = append(numbers, number)
	}
	return numbers
}

// lastPort is the last port that there is.
const lastPort = 65535
