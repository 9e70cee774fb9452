package reach

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Endpoint is one end of a flow: a pod, or an address that belongs to no pod.
type Endpoint struct {
	// Pod is the pod; nil for an address outside.
	Pod *Pod
	// IP is the address. For a pod it may be left out: then each of the pod's addresses
	// is tried.
	IP netip.Addr
}

// Flow is a connection that one end opens to the other. What is sent back over an open
// connection needs no permission.
type Flow struct {
	// From is the end that opens the connection.
	From Endpoint
	// To is the end that is called.
	To Endpoint
	// Protocol is TCP, UDP or SCTP; empty means TCP.
	Protocol corev1.Protocol
	// Port is the port of the called end.
	Port int32
}

// Verdict says whether a flow passes. Both sides must let it.
type Verdict struct {
	// Egress is whether the policies of the calling pod let the flow out; true for an
	// address, which has no policies.
	Egress bool
	// Ingress is whether the policies of the called pod let the flow in; true for an
	// address.
	Ingress bool
}

// Allowed tells whether the flow passes.
func (v Verdict) Allowed() bool {
	return v.Egress && v.Ingress
}

// end is one end of a flow over one route: the address is that of the route.
type end struct {
	pod *Pod
	ip  netip.Addr
}

// Allowed judges a flow. Where both ends are pods with addresses of both families, the flow
// passes if it passes over one of them; if it does not, the verdict is that of the first.
func (c *Cluster) Allowed(f Flow) Verdict {
	if samePod(f.From.Pod, f.To.Pod) {
		// A pod reaches itself, whatever policies say.
		return Verdict{Egress: true, Ingress: true}
	}
	var first Verdict
	for i, r := range f.routes() {
		verdict := Verdict{
			Egress:  c.lets(networkingv1.PolicyTypeEgress, r.from, r.to, f, r.to.pod),
			Ingress: c.lets(networkingv1.PolicyTypeIngress, r.to, r.from, f, r.to.pod),
		}
		if verdict.Allowed() {
			return verdict
		}
		if i == 0 {
			first = verdict
		}
	}
	return first
}

// lets tells whether the policies of the near end let a flow pass in one direction.
func (c *Cluster) lets(direction networkingv1.PolicyType, near, far end, f Flow, called *Pod) bool {
	rules, isolated := c.rulesOf(direction, near)
	if !isolated {
		return true
	}
	for _, r := range rules {
		if r.reaches(c, far) && r.opens(protocolOf(f.Protocol), f.Port, called) {
			return true
		}
	}
	return false
}

// rulesOf returns the rules that decide over one direction of one end, and whether any
// policy isolates it. Where none does, everything passes.
func (c *Cluster) rulesOf(direction networkingv1.PolicyType, near end) (rules []*rule, isolated bool) {
	if near.pod == nil {
		return nil, false
	}
	for _, p := range c.policies[near.pod.Namespace] {
		of, isolates := p.rules[direction]
		if isolates && p.pods.Matches(labels.Set(near.pod.Labels)) {
			rules, isolated = append(rules, of...), true
		}
	}
	return rules, isolated
}

func (r *rule) reaches(c *Cluster, far end) bool {
	return r.anyone || slices.ContainsFunc(r.peers, func(p *peer) bool { return p.includes(c, far) })
}

func (r *rule) opens(protocol corev1.Protocol, port int32, called *Pod) bool {
	return slices.ContainsFunc(r.ports, func(p portRange) bool { return p.opens(protocol, port, called) })
}

func samePod(a, b *Pod) bool {
	return a != nil && b != nil && a.Name != "" && a.Name == b.Name && a.Namespace == b.Namespace
}

// route is a pair of addresses of one family.
type route struct {
	from, to end
}

// routes returns the routes that a flow may take: one for each pair of addresses of the same
// family. Without such a pair there is one, on which no block has the address of a pod.
func (f Flow) routes() []route {
	var out []route
	for _, from := range f.From.addresses() {
		for _, to := range f.To.addresses() {
			if !from.IsValid() || !to.IsValid() || from.Is4() == to.Is4() {
				out = append(out, route{end{f.From.Pod, from}, end{f.To.Pod, to}})
			}
		}
	}
	if len(out) == 0 {
		out = []route{{end{f.From.Pod, f.From.IP.Unmap()}, end{f.To.Pod, f.To.IP.Unmap()}}}
	}
	return out
}

// addresses are the addresses of an end, at least one, and that may be the zero address.
func (e Endpoint) addresses() []netip.Addr {
	if e.IP.IsValid() || e.Pod == nil || len(e.Pod.IPs) == 0 {
		return []netip.Addr{e.IP.Unmap()}
	}
	out := make([]netip.Addr, 0, len(e.Pod.IPs))
	for _, ip := range e.Pod.IPs {
		out = append(out, ip.Unmap())
	}
	return out
}
