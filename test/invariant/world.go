package invariant

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// maxPorts is how many ports fit into one word.
const maxPorts = 64

// World is what flows are made of. Every namespace has one pod of each class; a flow from a
// pod to one of its own class and namespace is one between two pods that are alike.
type World struct {
	// Namespaces are the namespaces, members and others.
	Namespaces []string
	// Classes are the kinds of pods in each of them.
	Classes []Class
	// Addresses are ends of flows outside the cluster. Pods have no addresses here: most
	// network plugins do not match them by address.
	Addresses []netip.Addr
	// Ports are the ports of flows, at most 64.
	Ports []Port
	// Named are the ports that have a name, in every pod.
	Named []reach.NamedPort
}

// Class is a kind of pod.
type Class struct {
	// Name is what the class is called in texts.
	Name string
	// Labels are the labels of its pods.
	Labels map[string]string
}

// Port is a port of a flow.
type Port struct {
	// Protocol is the protocol.
	Protocol corev1.Protocol
	// Number is the number.
	Number int32
}

// String writes the port as 8080/TCP.
func (p Port) String() string { return fmt.Sprintf("%d/%s", p.Number, p.Protocol) }

// TCP makes ports of TCP.
func TCP(numbers ...int32) []Port { return portsOf(corev1.ProtocolTCP, numbers) }

// UDP makes ports of UDP.
func UDP(numbers ...int32) []Port { return portsOf(corev1.ProtocolUDP, numbers) }

func portsOf(protocol corev1.Protocol, numbers []int32) []Port {
	ports := make([]Port, 0, len(numbers))
	for _, n := range numbers {
		ports = append(ports, Port{Protocol: protocol, Number: n})
	}
	return ports
}

// Size is the number of flows in the world: between two pods, and between a pod and an
// address.
func (w *World) Size() int {
	pods := len(w.Namespaces) * len(w.Classes)
	return (pods*pods + 2*pods*len(w.Addresses)) * len(w.Ports)
}

func (w *World) validate() error {
	var errs []error
	if n := len(w.Ports); n == 0 || n > maxPorts {
		errs = append(errs, fmt.Errorf("%d ports, want 1 to %d", n, maxPorts))
	}
	if len(w.Namespaces) == 0 || len(w.Classes) == 0 {
		errs = append(errs, errors.New("a world without pods"))
	}
	names := slices.Sorted(slices.Values(w.Namespaces))
	if len(slices.Compact(names)) != len(w.Namespaces) {
		errs = append(errs, errors.New("a namespace is there twice"))
	}
	return errors.Join(errs...)
}

// ends is the number of ends: pods namespace by namespace, then addresses.
func (w *World) ends() int { return w.pods() + len(w.Addresses) }

func (w *World) pods() int { return len(w.Namespaces) * len(w.Classes) }

// end is the text of an end: its namespace and class, or its address.
func (w *World) end(i int) string {
	if i >= w.pods() {
		return w.Addresses[i-w.pods()].String()
	}
	return w.Namespaces[i/len(w.Classes)] + "/" + w.Classes[i%len(w.Classes)].Name
}

// pod is the pod of a class.
func (w *World) pod(namespace string, class int) *reach.Pod {
	return &reach.Pod{Namespace: namespace, Labels: w.Classes[class].Labels, Ports: w.Named}
}

// endpoint is an end for internal/reach.
func (w *World) endpoint(i int) reach.Endpoint {
	if i >= w.pods() {
		return reach.Endpoint{IP: w.Addresses[i-w.pods()]}
	}
	return reach.Endpoint{Pod: w.pod(w.Namespaces[i/len(w.Classes)], i%len(w.Classes))}
}
