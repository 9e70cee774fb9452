package reach

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	firstPort = 1
	lastPort  = 65535
)

// protocols are the protocols that policies know.
func protocols() []corev1.Protocol {
	return []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP}
}

// portRange is what one port of a rule opens: the numbers from first to last, or the port of
// a name.
type portRange struct {
	protocol    corev1.Protocol
	first, last int32
	// name is set for a named port, which has no numbers of its own.
	name string
}

// every tells whether it is every port of the protocol, those with names too.
func (r portRange) every() bool {
	return r.first <= firstPort && r.last >= lastPort
}

func parsePorts(declared []networkingv1.NetworkPolicyPort) []portRange {
	out := make([]portRange, 0, max(len(declared), len(protocols())))
	if len(declared) == 0 {
		for _, protocol := range protocols() {
			out = append(out, portRange{protocol: protocol, first: firstPort, last: lastPort})
		}
	}
	for i := range declared {
		out = append(out, parsePort(&declared[i]))
	}
	return out
}

func parsePort(declared *networkingv1.NetworkPolicyPort) portRange {
	out := portRange{protocol: corev1.ProtocolTCP}
	if declared.Protocol != nil {
		out.protocol = *declared.Protocol
	}
	switch {
	case declared.Port == nil:
		out.first, out.last = firstPort, lastPort
	case declared.Port.Type == intstr.String:
		out.name = declared.Port.StrVal
	default:
		out.first, out.last = declared.Port.IntVal, declared.Port.IntVal
		if declared.EndPort != nil {
			out.last = *declared.EndPort
		}
	}
	return out
}

// opens tells whether the range has the port of a flow. Names are those of the called pod,
// in rules of both directions; an address has none.
func (r portRange) opens(protocol corev1.Protocol, port int32, called *Pod) bool {
	if r.protocol != protocol {
		return false
	}
	if r.name == "" {
		return r.first <= port && port <= r.last
	}
	return called != nil && slices.ContainsFunc(called.Ports, func(p NamedPort) bool {
		return p.Name == r.name && p.Number == port && protocolOf(p.Protocol) == protocol
	})
}

// protocolOf fills in the default.
func protocolOf(protocol corev1.Protocol) corev1.Protocol {
	if protocol == "" {
		return corev1.ProtocolTCP
	}
	return protocol
}
