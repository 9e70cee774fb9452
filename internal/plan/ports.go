package plan

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

func (c *compiler) ports(d *v1alpha1.Dependency, to *Party, path *field.Path) []networkingv1.NetworkPolicyPort {
	if len(d.Ports) == 0 {
		return nil
	}
	if to.APIServer {
		c.fail(field.Forbidden(path, "the ports of the API server are found; leave out ports"))
	}
	out := make([]networkingv1.NetworkPolicyPort, 0, len(d.Ports))
	for i := range d.Ports {
		port := c.port(&d.Ports[i], path.Index(i))
		if (len(to.CIDRs) > 0 || to.Internet != nil) && isNamed(&port) {
			c.fail(field.Invalid(path.Index(i).Child("port"), port.Port.StrVal,
				"a name cannot be resolved on addresses; give the port's number"))
		}
		out = append(out, port)
	}
	return out
}

func (c *compiler) port(declared *v1alpha1.Port, path *field.Path) networkingv1.NetworkPolicyPort {
	protocol := declared.Protocol
	if protocol == "" {
		// What Kubernetes takes a port without a protocol to mean.
		protocol = corev1.ProtocolTCP
	}
	oneOf(c, protocol, path.Child("protocol"), corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP)
	port := networkingv1.NetworkPolicyPort{Protocol: &protocol}
	if declared.Port != nil {
		port.Port = c.portValue(declared.Port, path.Child("port"))
	}
	if declared.EndPort != 0 {
		port.EndPort = new(declared.EndPort)
		c.endPort(&port, path.Child("endPort"))
	}
	return port
}

// portValue copies a port, so that what the other kind of port left in it does not come along.
func (c *compiler) portValue(declared *intstr.IntOrString, path *field.Path) *intstr.IntOrString {
	if declared.Type == intstr.String {
		c.check(validation.IsValidPortName(declared.StrVal), declared.StrVal, path)
		return new(intstr.FromString(declared.StrVal))
	}
	c.portNumber(declared.IntVal, path)
	return new(intstr.FromInt32(declared.IntVal))
}

func (c *compiler) endPort(port *networkingv1.NetworkPolicyPort, path *field.Path) {
	c.portNumber(*port.EndPort, path)
	if port.Port == nil || isNamed(port) || port.Port.IntVal > *port.EndPort {
		c.fail(field.Invalid(path, *port.EndPort,
			fmt.Sprintf("must end a range that a numeric port of at most %d begins", *port.EndPort)))
	}
}

func (c *compiler) portNumber(number int32, path *field.Path) {
	c.check(validation.IsValidPortNum(int(number)), number, path)
}

func isNamed(port *networkingv1.NetworkPolicyPort) bool {
	return port.Port != nil && port.Port.Type == intstr.String
}
