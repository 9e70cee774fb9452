package reach

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
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

// Allowed judges a flow. Where both ends are pods with addresses of both families, the flow
// passes if it passes over one of them; if it does not, the verdict is that of the first.
func (c *Cluster) Allowed(f Flow) Verdict {
	if samePod(f.From.Pod, f.To.Pod) {
		// A pod reaches itself, whatever policies say.
		return Verdict{Egress: true, Ingress: true}
	}
	var first Verdict
	var buffer [maxRoutes]route
	for i, r := range c.routes(buffer[:0], f) {
		verdict := Verdict{
			Egress:  r.ruling(egress).allowed(),
			Ingress: r.ruling(ingress).allowed(),
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

func samePod(a, b *Pod) bool {
	return a != nil && b != nil && a.Name != "" && a.Name == b.Name && a.Namespace == b.Namespace
}

// ruling is what decides over one side of a flow.
type ruling struct {
	// guarded is what ClusterNetworkPolicies decide. If they do not, NetworkPolicies do.
	guarded decided
	// isolated is set if a policy isolates the side. If none does, everything passes.
	isolated bool
	// by is the policy that lets an isolated side's flow pass, by its place in the
	// namespace, and rule the rule of it; none if no rule does.
	by, rule int
}

func (r ruling) allowed() bool {
	if r.guarded.final() {
		return r.guarded.action == accept
	}
	return !r.isolated || r.by != none
}

// ruling finds what decides at one side, tier by tier: the Admin tier if it accepts or denies, then NetworkPolicies if one
// isolates the pod, and else the Baseline tier.
func (r *route) ruling(d direction) ruling {
	near, far := &r.from, &r.to
	if d == ingress {
		near, far = far, near
	}
	if near.pod == nil {
		return ruling{by: none}
	}
	guards := near.namespace.guards
	if guards == nil {
		return r.declared(d, near, far)
	}
	if guarded := r.guarded(guards[adminTier], d, near, far); guarded.final() {
		return ruling{guarded: guarded, by: none}
	}
	out := r.declared(d, near, far)
	if !out.isolated {
		out.guarded = r.guarded(guards[baselineTier], d, near, far)
	}
	return out
}

// declared finds the first rule of a NetworkPolicy that lets a flow pass at one side.
func (r *route) declared(d direction, near, far *end) ruling {
	out := ruling{by: none}
	for i := range near.namespace.policies {
		declared := near.namespace.policies[i].spec
		if !declared.selects(near.pod, d) {
			continue
		}
		out.isolated = true
		for k, one := range declared.rules[d] {
			if one.opens(r.protocol, r.port, r.to.pod) && one.reaches(near, far) {
				out.by, out.rule = i, k
				return out
			}
		}
	}
	return out
}

func (r *rule) reaches(near, far *end) bool {
	if r.anyone {
		return true
	}
	for _, p := range r.peers {
		if p.includes(near, far) {
			return true
		}
	}
	return false
}

func (r *rule) opens(protocol corev1.Protocol, port int32, called *Pod) bool {
	for i := range r.ports {
		if r.ports[i].opens(protocol, port, called) {
			return true
		}
	}
	return false
}
