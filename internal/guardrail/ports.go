package guardrail

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

const (
	firstPort = 1
	lastPort  = 65535
)

// protocolsOf are ports of a NetworkPolicy as those of a ClusterNetworkPolicy. None stand for every port in both. A named
// port has no protocol there: it is the port of that name, whatever its protocol.
func protocolsOf(ports []networkingv1.NetworkPolicyPort) []policyv1alpha2.ClusterNetworkPolicyProtocol {
	out := make([]policyv1alpha2.ClusterNetworkPolicyProtocol, 0, len(ports))
	for i := range ports {
		out = append(out, protocolOf(&ports[i]))
	}
	return out
}

func protocolOf(port *networkingv1.NetworkPolicyPort) policyv1alpha2.ClusterNetworkPolicyProtocol {
	if port.Port != nil && port.Port.Type == intstr.String {
		return policyv1alpha2.ClusterNetworkPolicyProtocol{DestinationNamedPort: port.Port.StrVal}
	}
	numbers := numbersOf(port)
	protocol := corev1.ProtocolTCP
	if port.Protocol != nil {
		protocol = *port.Protocol
	}
	switch protocol {
	case corev1.ProtocolUDP:
		return policyv1alpha2.ClusterNetworkPolicyProtocol{UDP: &policyv1alpha2.ClusterNetworkPolicyProtocolUDP{DestinationPort: numbers}}
	case corev1.ProtocolSCTP:
		return policyv1alpha2.ClusterNetworkPolicyProtocol{SCTP: &policyv1alpha2.ClusterNetworkPolicyProtocolSCTP{DestinationPort: numbers}}
	default:
		return policyv1alpha2.ClusterNetworkPolicyProtocol{TCP: &policyv1alpha2.ClusterNetworkPolicyProtocolTCP{DestinationPort: numbers}}
	}
}

// numbersOf are the numbers of a port. Every port of a protocol is a range there, since a protocol without ports is
// refused; and a range has more than one.
func numbersOf(port *networkingv1.NetworkPolicyPort) *policyv1alpha2.Port {
	switch {
	case port.Port == nil:
		return &policyv1alpha2.Port{Range: &policyv1alpha2.PortRange{Start: firstPort, End: lastPort}}
	case port.EndPort != nil && *port.EndPort > port.Port.IntVal:
		return &policyv1alpha2.Port{Range: &policyv1alpha2.PortRange{Start: port.Port.IntVal, End: *port.EndPort}}
	default:
		return &policyv1alpha2.Port{Number: port.Port.IntVal}
	}
}
