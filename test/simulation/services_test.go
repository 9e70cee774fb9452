package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Services are looked for in every namespace by the same few names, and the one of these by which names are resolved
// is in one namespace.
func serviceNames() []string { return []string{"s1", "s2"} }

const dnsService = "dns"

// drawService draws a Service, or none.
func drawService(t *rapid.T, namespace, name string) *corev1.Service {
	out := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	out.Spec.Selector = rapid.SampledFrom([]map[string]string{
		{"app": "a"}, {"app": "a"}, {"app": "b"}, {"role": "b"}, nil,
	}).Draw(t, "selector of "+name)
	out.Spec.Ports = drawServicePorts(t, name)
	switch rapid.IntRange(0, 5).Draw(t, "type of "+name) {
	case 0:
		return nil
	case 1:
		out.Spec.Type, out.Spec.ExternalName = corev1.ServiceTypeExternalName, "example.com"
	}
	return out
}

func drawServicePorts(t *rapid.T, name string) []corev1.ServicePort {
	port := func(name string, number int32, target intstr.IntOrString) corev1.ServicePort {
		return corev1.ServicePort{Name: name, Protocol: corev1.ProtocolTCP, Port: number, TargetPort: target}
	}
	if name == dnsService {
		return []corev1.ServicePort{{Name: "dns", Protocol: corev1.ProtocolUDP, Port: 53, TargetPort: intstr.FromInt32(53)}}
	}
	return rapid.SampledFrom([][]corev1.ServicePort{
		{port("http", 80, intstr.IntOrString{})},
		{port("http", 80, intstr.FromInt32(85))},
		{port("http", 80, intstr.FromString("http")), port("alt", 81, intstr.FromInt32(443))},
		{port("other", 81, intstr.FromInt32(80))},
	}).Draw(t, "ports of "+name)
}

// redrawService changes, creates or deletes a Service, and says what it did.
func (s *simulated) redrawService(namespace, name string) string {
	s.totals.services++
	service := drawService(s.t, namespace, name)
	if service == nil {
		s.store.removeService(namespace, name)
		return fmt.Sprintf(" -%s/%s", namespace, name)
	}
	s.store.putService(service)
	return fmt.Sprintf(" %s/%s", namespace, name)
}

// drawServices gives a namespace Services.
func (s *simulated) drawServices(namespace string) {
	for _, name := range serviceNames() {
		s.redrawService(namespace, name)
	}
	if namespace == labelled {
		s.redrawService(namespace, dnsService)
	}
}

// changeServices draws other Services for one namespace or two.
func (s *simulated) changeServices() string {
	var done strings.Builder
	for _, namespace := range rapid.SliceOfNDistinct(rapid.SampledFrom(s.store.cluster()), 1, 2, rapid.ID).Draw(s.t, "Services in") {
		names := serviceNames()
		if namespace == labelled {
			names = append(names, dnsService)
		}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 2, rapid.ID).Draw(s.t, "Services") {
			done.WriteString(s.redrawService(namespace, name))
		}
	}
	return done.String()
}

// takeServices has a namespace's Services be as another store has them.
func (s *store) takeServices(from *store, namespace string) {
	objects := maps.Clone(s.objects[namespace])
	maps.DeleteFunc(objects, func(key id, _ client.Object) bool { return key.kind == kindService })
	for key, obj := range from.objects[namespace] {
		if key.kind == kindService {
			objects[key] = obj
		}
	}
	s.objects[namespace] = objects
}

// services writes the Services of a namespace, for texts.
func (s *store) services(namespace string) string {
	var out strings.Builder
	for _, obj := range s.of(namespace, kindService) {
		service, ok := obj.(*corev1.Service)
		if !ok {
			continue
		}
		fmt.Fprintf(&out, " %s%v:%v", service.Name, service.Spec.Selector, service.Spec.Type)
		for _, port := range slices.Clone(service.Spec.Ports) {
			fmt.Fprintf(&out, " %s=%d>%s", port.Name, port.Port, port.TargetPort.String())
		}
	}
	return out.String()
}
