package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Service is what a Service says that NetworkPolicy can say: which pods it stands for, and on which of their ports.
type Service struct {
	// Problem says why it stands for no pods; empty if it does.
	Problem ServiceProblem
	// Pods are the labels of the pods that it selects.
	Pods map[string]string
	// Ports are its ports.
	Ports []ServicePort
	// Addresses are its cluster IPs.
	Addresses []netip.Addr
}

// ServiceProblem says why a Service stands for no pods.
type ServiceProblem string

const (
	// ExternalName is of a Service that is another name for a host:
	// https://kubernetes.io/docs/concepts/services-networking/service/#externalname
	ExternalName ServiceProblem = "ExternalName"
	// NoSelector is of a Service whose endpoints somebody else writes:
	// https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors
	NoSelector ServiceProblem = "NoSelector"
	// TooLarge is of a Service that has more ports, or selects by more labels, than policies take over.
	TooLarge ServiceProblem = "TooLarge"
)

// MaxServicePorts is how many ports a Service has at most for it to be opened, and MaxServiceLabels by how many labels
// it selects. The API server takes tens of thousands of ports, and all that call the Service get them: who may write one
// Service must not fill the policies of others, until they cannot be written any more.
const (
	MaxServicePorts  = 128
	MaxServiceLabels = 16
)

// ServicePort is a port of a Service.
type ServicePort struct {
	// Name is its name; empty if it has none.
	Name string
	// Protocol is its protocol.
	Protocol corev1.Protocol
	// Port is its number.
	Port int32
	// Target is the port of the pods: a number, or a name that each pod resolves by itself.
	Target intstr.IntOrString
}

// ServiceOf is what a Service says.
func ServiceOf(service *corev1.Service) Service {
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		return Service{Problem: ExternalName}
	}
	if len(service.Spec.Ports) > MaxServicePorts || len(service.Spec.Selector) > MaxServiceLabels {
		return Service{Problem: TooLarge}
	}
	out := Service{Pods: maps.Clone(service.Spec.Selector)}
	if len(out.Pods) == 0 {
		// It has ports and addresses all the same, as that of the API server has.
		out = Service{Problem: NoSelector}
	}
	for i := range service.Spec.Ports {
		out.Ports = append(out.Ports, servicePortOf(&service.Spec.Ports[i]))
	}
	slices.SortFunc(out.Ports, func(a, b ServicePort) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Name, b.Name))
	})
	for _, text := range service.Spec.ClusterIPs {
		if address, err := netip.ParseAddr(text); err == nil { // A headless Service has "None".
			out.Addresses = append(out.Addresses, address.Unmap())
		}
	}
	return out
}

// servicePortOf fills in what a Service leaves out: its own port is then the pods' too.
func servicePortOf(port *corev1.ServicePort) ServicePort {
	out := ServicePort{Name: port.Name, Protocol: cmp.Or(port.Protocol, corev1.ProtocolTCP), Port: port.Port, Target: port.TargetPort}
	if out.Target.Type == intstr.Int && out.Target.IntVal == 0 || out.Target.Type == intstr.String && out.Target.StrVal == "" {
		out.Target = intstr.FromInt32(port.Port)
	}
	return out
}

// Key tells Services apart by the rules that they become: those with the same key are one.
func (s *Service) Key() string {
	if s.Problem != "" {
		return string(s.Problem)
	}
	raw, err := json.Marshal(struct {
		Pods  map[string]string
		Ports []ServicePort
	}{s.Pods, s.Ports})
	if err != nil {
		panic("a Service can be marshalled: " + err.Error()) // It holds strings and numbers only.
	}
	return string(raw)
}

// portsText says in words which ports the Service has.
func (s *Service) portsText() string {
	texts := make([]string, 0, len(s.Ports))
	for _, p := range s.Ports {
		texts = append(texts, strings.TrimSuffix(fmt.Sprintf("%d/%s %s", p.Port, p.Protocol, p.Name), " "))
	}
	return strings.Join(texts, ", ")
}

// selector chooses the pods of the Service.
func (s *Service) selector() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: s.Pods}
}

// narrowed returns the ports of the Service that declared ports name; all of them if none are declared.
func (s *Service) narrowed(declared []networkingv1.NetworkPolicyPort) []ServicePort {
	if len(declared) == 0 {
		return s.Ports
	}
	var out []ServicePort
	for _, port := range s.Ports {
		if slices.ContainsFunc(declared, port.isNamedBy) {
			out = append(out, port)
		}
	}
	return out
}

// isNamedBy tells whether a declared port names the port: by number, by a range, by name, or by protocol alone.
func (p *ServicePort) isNamedBy(declared networkingv1.NetworkPolicyPort) bool {
	if declared.Protocol != nil && *declared.Protocol != p.Protocol {
		return false
	}
	switch {
	case declared.Port == nil:
		return true
	case declared.Port.Type == intstr.String:
		return declared.Port.StrVal == p.Name
	case declared.EndPort != nil:
		return declared.Port.IntVal <= p.Port && p.Port <= *declared.EndPort
	default:
		return declared.Port.IntVal == p.Port
	}
}

// targets are the ports of pods behind ports of a Service.
func targets(ports []ServicePort) []networkingv1.NetworkPolicyPort {
	out := make([]networkingv1.NetworkPolicyPort, 0, len(ports))
	for _, p := range ports {
		out = append(out, networkingv1.NetworkPolicyPort{Protocol: new(p.Protocol), Port: new(p.Target)})
	}
	return out
}

// fronts are the ports of a Service itself, for who goes by its address.
func fronts(ports []ServicePort) []networkingv1.NetworkPolicyPort {
	out := make([]networkingv1.NetworkPolicyPort, 0, len(ports))
	for _, p := range ports {
		out = append(out, networkingv1.NetworkPolicyPort{Protocol: new(p.Protocol), Port: new(intstr.FromInt32(p.Port))})
	}
	return out
}

// DNSPorts are the ports on which names are asked for (RFC 1035).
func DNSPorts() []networkingv1.NetworkPolicyPort {
	return portsOf(dnsPort, corev1.ProtocolTCP, corev1.ProtocolUDP)
}

func portsOf(port int32, protocols ...corev1.Protocol) []networkingv1.NetworkPolicyPort {
	out := make([]networkingv1.NetworkPolicyPort, 0, len(protocols))
	for _, protocol := range protocols {
		out = append(out, networkingv1.NetworkPolicyPort{Protocol: new(protocol), Port: new(intstr.FromInt32(port))})
	}
	return out
}
