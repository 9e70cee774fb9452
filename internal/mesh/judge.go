package mesh

import (
	"iter"
	"net/netip"
)

// Caller is who opens a connection.
type Caller struct {
	// Namespace and ServiceAccount are those of a pod that has a part in the mesh, which proves them by mutual TLS; empty
	// for everybody else.
	Namespace, ServiceAccount string
	// TrustDomain is that of its mesh.
	TrustDomain string
	// IP is the address from which its packets come.
	IP netip.Addr
}

// isKnown tells whether a caller can prove who it is.
func (c *Caller) isKnown() bool {
	return c.Namespace != ""
}

// Called is a workload that has a part in the mesh, and one of its TCP ports.
type Called struct {
	// Namespace is its namespace.
	Namespace string
	// Labels are its labels.
	Labels map[string]string
	// Port is the port.
	Port int32
}

// Verdict says what becomes of a connection.
type Verdict struct {
	// Allowed is set if it passes.
	Allowed bool
	// Asked is set if somebody else is asked first, and may deny it: an extension, by a policy with the action CUSTOM.
	Asked bool
}

// Mesh is what decides over connections: the policies of all namespaces. It may be used by several goroutines at once.
//
// What it knows is L4. Where a policy says something else, it is taken to deny: a rule that allows and has a condition, or
// something that only HTTP has, is taken to match nothing, and one that denies to match whatever else it says matches. For
// connections that are not HTTP, Istio documents the same.
type Mesh struct {
	root            string
	policies        map[string][]*AuthorizationPolicy
	authentications map[string][]*PeerAuthentication
}

// New makes a mesh of policies. The root namespace is the one whose policies hold for all others.
func New(root string, policies []*AuthorizationPolicy, authentications []*PeerAuthentication) *Mesh {
	m := &Mesh{root: root, policies: map[string][]*AuthorizationPolicy{}, authentications: map[string][]*PeerAuthentication{}}
	for _, p := range policies {
		m.policies[p.Namespace] = append(m.policies[p.Namespace], p)
	}
	for _, a := range authentications {
		m.authentications[a.Namespace] = append(m.authentications[a.Namespace], a)
	}
	return m
}

// Judge judges a connection, in the order that Istio documents: who asks for mutual TLS and does not get it takes no
// connection; then CUSTOM, DENY and ALLOW have their say. Without an ALLOW policy that is about the workload, all is allowed.
func (m *Mesh) Judge(from Caller, to Called) Verdict {
	mode := m.mode(&to)
	if mode == ModeStrict && !from.isKnown() {
		return Verdict{}
	}
	if mode == modeDisable {
		from.Namespace, from.ServiceAccount, from.TrustDomain = "", "", ""
	}
	var says opinions
	for policy := range m.about(&to) {
		says.take(policy.Spec.Action, policy.matches(&from, &to))
	}
	return Verdict{Allowed: !says.denied && (says.allowed || !says.guarded), Asked: says.asked}
}

// opinions are what the policies about a workload say of a connection.
type opinions struct {
	asked, denied, allowed bool
	// guarded is set if there is an ALLOW policy.
	guarded bool
}

func (o *opinions) take(action Action, isMatch bool) {
	switch action {
	case Custom:
		o.asked = o.asked || isMatch
	case Deny:
		o.denied = o.denied || isMatch
	case Allow, "":
		o.guarded, o.allowed = true, o.allowed || isMatch
	default: // AUDIT has no say.
	}
}

// about yields the policies that are about a workload: those of its namespace, and those of the root namespace.
func (m *Mesh) about(to *Called) iter.Seq[*AuthorizationPolicy] {
	return func(yield func(*AuthorizationPolicy) bool) {
		namespaces := []string{to.Namespace, m.root}
		if m.root == to.Namespace {
			namespaces = namespaces[:1]
		}
		for _, namespace := range namespaces {
			for _, policy := range m.policies[namespace] {
				if policy.Annotations[dryRun] != "true" && policy.Spec.Selector.chooses(to.Labels) && !yield(policy) {
					return
				}
			}
		}
	}
}

// modeDisable takes connections without mutual TLS only, which prove nothing.
const modeDisable = "DISABLE"

// mode is what the workload asks of connections. The narrowest policy that says it counts, and of two as narrow the older:
// https://istio.io/latest/docs/concepts/security/#peer-authentication
func (m *Mesh) mode(to *Called) string {
	own := m.oldest(to.Namespace, func(a *PeerAuthentication) bool { return !a.isForAll() && a.Spec.Selector.chooses(to.Labels) })
	if own != nil {
		if mode := own.modeOf(to.Port); mode != "" {
			return mode
		}
	}
	for _, namespace := range []string{to.Namespace, m.root} {
		if a := m.oldest(namespace, (*PeerAuthentication).isForAll); a != nil {
			if mode := a.modeOf(0); mode != "" {
				return mode
			}
		}
	}
	return ""
}

func (m *Mesh) oldest(namespace string, is func(*PeerAuthentication) bool) *PeerAuthentication {
	var out *PeerAuthentication
	for _, a := range m.authentications[namespace] {
		if is(a) && (out == nil || a.isOlder(out)) {
			out = a
		}
	}
	return out
}

func (a *PeerAuthentication) isOlder(other *PeerAuthentication) bool {
	if a.CreationTimestamp.Equal(&other.CreationTimestamp) {
		return a.Name < other.Name
	}
	return a.CreationTimestamp.Before(&other.CreationTimestamp)
}

func (a *PeerAuthentication) isForAll() bool {
	return a.Spec.Selector == nil || len(a.Spec.Selector.MatchLabels) == 0
}
