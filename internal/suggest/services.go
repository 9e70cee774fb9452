package suggest

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// readServices takes wishes from Services that are there to be called from outside the cluster.
func (s *suggester) readServices() {
	for i := range s.tiers {
		for _, namespace := range s.tiers[i].namespaces {
			for j := range s.cluster.services[namespace] {
				called := &s.cluster.services[namespace][j]
				kind := called.declared.Spec.Type
				if called.Problem == "" && (kind == corev1.ServiceTypeLoadBalancer || kind == corev1.ServiceTypeNodePort) {
					s.calledFromOutside(called, &s.tiers[i])
				}
			}
		}
	}
}

func (s *suggester) calledFromOutside(called *service, of *tier) {
	w := wish{to: side{tier: string(of.name)}, service: called.name}
	if !s.isEverywhere(called, of) {
		// Named as a Service, it would be missed in the other namespaces of the tier.
		w.service, w.ports = "", targets(called.Ports)
		w.to.pods, _ = podsOf(&metav1.LabelSelector{MatchLabels: called.Pods})
	}
	w.why = fmt.Sprintf("Service %s/%s is of type %s, and so called from outside the cluster; the nodes call instead "+
		"where a load balancer hides who calls (externalTrafficPolicy: Cluster)", called.namespace, called.name, called.declared.Spec.Type)
	for _, from := range s.callersOf(called.declared) {
		w.from = from
		s.wishes = append(s.wishes, w)
	}
}

// isEverywhere tells whether every namespace of a tier has a Service, with the same ports.
func (s *suggester) isEverywhere(called *service, of *tier) bool {
	return !slices.ContainsFunc(of.namespaces, func(namespace string) bool {
		return !slices.ContainsFunc(s.cluster.services[namespace], func(other service) bool {
			return other.name == called.name && other.Problem == "" && slices.Equal(other.Ports, called.Ports)
		})
	})
}

func targets(ports []plan.ServicePort) []opening {
	out := make([]opening, 0, len(ports))
	for _, p := range ports {
		out = append(out, opening{protocol: p.Protocol, number: p.Target.IntVal, name: p.Target.StrVal})
	}
	slices.SortFunc(out, opening.compare)
	return slices.Compact(out)
}

// callersOf are the addresses that a load balancer lets through:
// https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/ (loadBalancerSourceRanges).
func (s *suggester) callersOf(called *corev1.Service) []side {
	var blocks []v1alpha1.CIDRBlock
	for _, text := range called.Spec.LoadBalancerSourceRanges {
		if p, err := netip.ParsePrefix(text); err == nil && p.Bits() > 0 {
			blocks = append(blocks, v1alpha1.CIDRBlock{CIDR: v1alpha1.CIDR(p.Masked().String())})
		}
	}
	slices.SortFunc(blocks, func(a, b v1alpha1.CIDRBlock) int { return cmp.Compare(a.CIDR, b.CIDR) })
	if len(blocks) == 0 || len(blocks) > maxCIDRs {
		return []side{s.internet(v1alpha1.PrivateRangesExcluded)}
	}
	key := fmt.Sprintf("ranges %v", blocks)
	s.outsiders[key] = outsider{peer: v1alpha1.Peer{CIDRs: blocks}, words: []string{"callers", called.Name}}
	return []side{{peer: key}}
}

// uncalled are the Services in tiers that no dependency of a profile leads to, sorted.
func (s *suggester) uncalled(p *v1alpha1.SegmentationProfile) []string {
	leads := map[v1alpha1.Name][]*v1alpha1.Dependency{}
	for i := range p.Spec.Dependencies {
		d := &p.Spec.Dependencies[i]
		for j := range s.tiers {
			if name := s.tiers[j].name; d.To.AllTiers || d.To.Profile == "" && d.To.Tier == name {
				leads[name] = append(leads[name], d)
			}
		}
	}
	var out []string
	for i := range s.tiers {
		t := &s.tiers[i]
		for _, namespace := range t.namespaces {
			for j := range s.cluster.services[namespace] {
				of := &s.cluster.services[namespace][j]
				if of.Problem == "" && !slices.ContainsFunc(leads[t.name], of.isCalledBy) {
					out = append(out, fmt.Sprintf("%s/%s in tier %s (%s)", namespace, of.name, t.name, frontsText(of.Ports)))
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// isCalledBy tells whether a dependency on the tier of a Service leads to it.
func (s *service) isCalledBy(d *v1alpha1.Dependency) bool {
	return d.To.Service == v1alpha1.Name(s.name) || d.To.Service == "" && opensTarget(d, s)
}

// opensTarget tells whether a dependency opens a port of the pods of a Service.
func opensTarget(d *v1alpha1.Dependency, of *service) bool {
	if len(d.Ports) == 0 {
		return len(d.Access) == 0
	}
	for _, p := range d.Ports {
		for _, target := range of.Ports {
			if p.Protocol == target.Protocol && (p.Port == nil || *p.Port == target.Target ||
				p.EndPort > 0 && target.Target.IntVal >= p.Port.IntVal && target.Target.IntVal <= p.EndPort) {
				return true
			}
		}
	}
	return false
}

func frontsText(ports []plan.ServicePort) string {
	texts := make([]string, 0, len(ports))
	for _, p := range ports {
		texts = append(texts, opening{protocol: p.Protocol, number: p.Port}.String())
	}
	return strings.Join(texts, ", ")
}
