package judge

import (
	"cmp"
	"maps"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// cyclonus asks cyclonus about the flows of one world.
type cyclonus struct {
	policy *matcher.Policy
	// namespaces are the labels of the namespaces, the one with the name among them, which
	// the API server adds and cyclonus does not.
	namespaces map[string]map[string]string
}

// theirs is cyclonus in a world, told its policies as they are or in other words.
func theirs(w *world, others ...restatement) evaluator {
	policies := defaulted(w.policies)
	for _, r := range others {
		policies = r.say(policies)
	}
	c := &cyclonus{
		// Not simplified: that is another piece of cyclonus, made for showing policies.
		policy:     matcher.BuildNetworkPolicies(false, policies),
		namespaces: map[string]map[string]string{},
	}
	for _, ns := range w.namespaces {
		c.namespaces[ns.Name] = map[string]string{corev1.LabelMetadataName: ns.Name}
		maps.Copy(c.namespaces[ns.Name], ns.Labels)
	}
	return c.verdict
}

// defaulted fills in policyTypes as the API server does; cyclonus panics without them.
func defaulted(policies []*networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy {
	return copied(policies, func(p *networkingv1.NetworkPolicy) {
		if len(p.Spec.PolicyTypes) > 0 {
			return
		}
		p.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(p.Spec.Egress) > 0 {
			p.Spec.PolicyTypes = append(p.Spec.PolicyTypes, networkingv1.PolicyTypeEgress)
		}
	})
}

// verdict asks once for each name that the called port has: cyclonus takes one at a time. A
// side lets the flow pass if it does so under one of its names.
func (c *cyclonus) verdict(f reach.Flow) verdict {
	traffic := &matcher.Traffic{
		Source:       c.peer(f.From),
		Destination:  c.peer(f.To),
		ResolvedPort: int(f.Port),
		Protocol:     cmp.Or(f.Protocol, corev1.ProtocolTCP),
	}
	var out verdict
	for _, name := range calledNames(f) {
		traffic.ResolvedPortName = name
		result := c.policy.IsTrafficAllowed(traffic)
		out.egress = out.egress || result.Egress.IsAllowed()
		out.ingress = out.ingress || result.Ingress.IsAllowed()
	}
	return out
}

func (c *cyclonus) peer(e reach.Endpoint) *matcher.TrafficPeer {
	out := &matcher.TrafficPeer{IP: address(e).String()}
	if e.Pod != nil {
		out.Internal = &matcher.InternalPeer{
			Namespace:       e.Pod.Namespace,
			NamespaceLabels: c.namespaces[e.Pod.Namespace],
			PodLabels:       e.Pod.Labels,
		}
	}
	return out
}

// calledNames are the names that the called pod has for the port of a flow; one empty name
// if it has none.
func calledNames(f reach.Flow) []string {
	var out []string
	if f.To.Pod != nil {
		for _, p := range f.To.Pod.Ports {
			if p.Number == f.Port && cmp.Or(p.Protocol, corev1.ProtocolTCP) == cmp.Or(f.Protocol, corev1.ProtocolTCP) {
				out = append(out, p.Name)
			}
		}
	}
	if len(out) == 0 {
		return []string{""}
	}
	return out
}
