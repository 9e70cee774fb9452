// Package exposure tells which ports the pods and Services of namespaces have, to find the mistyped ones among those
// that dependencies give. It is pure.
//
// A container need not say on which ports it listens: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
// So what is found is a hint, and never a mistake.
package exposure

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// Port is a port that something in a namespace has.
type Port struct {
	// Protocol is its protocol.
	Protocol corev1.Protocol
	// Number is its number; zero if only its name is known.
	Number int32
	// Name is its name; empty if it has none.
	Name string
}

// Of returns the ports that pods and Services of a namespace have, sorted, each once.
func Of(pods []corev1.Pod, services []corev1.Service) []Port {
	var out []Port
	for i := range pods {
		for _, container := range slices.Concat(pods[i].Spec.InitContainers, pods[i].Spec.Containers) {
			for _, p := range container.Ports {
				out = append(out, Port{cmp.Or(p.Protocol, corev1.ProtocolTCP), p.ContainerPort, p.Name})
			}
		}
	}
	for i := range services {
		service := plan.ServiceOf(&services[i])
		if service.Problem != "" {
			continue // It says nothing of pods.
		}
		for _, p := range service.Ports {
			out = append(out, Port{p.Protocol, p.Target.IntVal, p.Target.StrVal})
		}
	}
	slices.SortFunc(out, compare)
	return slices.Compact(out)
}

func compare(a, b Port) int {
	return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Name, b.Name))
}

// WithoutPods returns those of some Services of a namespace, by name, that select none of its pods, sorted.
func WithoutPods(services map[string]plan.Service, pods []corev1.Pod) []string {
	var out []string
	for name, service := range services {
		selector := labels.SelectorFromSet(service.Pods)
		if service.Problem == "" && !slices.ContainsFunc(pods, func(p corev1.Pod) bool { return selector.Matches(labels.Set(p.Labels)) }) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Unknown returns findings about the ports that dependencies give and nothing in the tier that is called has. Of a tier
// in which nothing has any port, nothing is known.
func Unknown(p *plan.Plan, byTier map[string][][]Port) []Mistyped {
	var out []Mistyped
	for i := range p.Tiers {
		t := &p.Tiers[i]
		known := byTier[t.Name]
		if !slices.ContainsFunc(known, func(ports []Port) bool { return len(ports) > 0 }) {
			continue
		}
		for j := range t.Declared {
			rule := &t.Declared[j]
			if rule.Direction != networkingv1.PolicyTypeIngress || rule.Service != "" {
				continue
			}
			for k := range rule.Ports {
				if port := &rule.Ports[k]; !has(known, port) {
					out = append(out, Mistyped{Dependency: rule.Dependency, Tier: t.Name, Port: text(port)})
				}
			}
		}
	}
	return out
}

// Mistyped is a port that a dependency gives and nothing has.
type Mistyped struct {
	Dependency, Tier, Port string
}

// Message says what was found and what to do about it.
func (m *Mistyped) Message() string {
	return fmt.Sprintf("dependency %s: no pod and no Service in tier %s has port %s; if it is not mistyped, nothing needs to be done",
		m.Dependency, m.Tier, m.Port)
}

func has(known [][]Port, declared *networkingv1.NetworkPolicyPort) bool {
	return declared.Port == nil || slices.ContainsFunc(known, func(ports []Port) bool {
		return slices.ContainsFunc(ports, func(p Port) bool { return isGiven(p, declared) })
	})
}

func isGiven(p Port, declared *networkingv1.NetworkPolicyPort) bool {
	switch {
	case p.Protocol != *declared.Protocol:
		return false
	case declared.Port.Type == intstr.String:
		return p.Name == declared.Port.StrVal
	case declared.EndPort != nil:
		return declared.Port.IntVal <= p.Number && p.Number <= *declared.EndPort
	default:
		return p.Number == declared.Port.IntVal
	}
}

func text(p *networkingv1.NetworkPolicyPort) string {
	var b strings.Builder
	b.WriteString(p.Port.String())
	if p.EndPort != nil {
		fmt.Fprintf(&b, "-%d", *p.EndPort)
	}
	return b.String() + "/" + string(*p.Protocol)
}
