package mesh

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// chooses tells whether a selector chooses a workload; one without labels chooses all.
func (s *WorkloadSelector) chooses(labels map[string]string) bool {
	if s == nil {
		return true
	}
	for key, want := range s.MatchLabels {
		if got, has := labels[key]; !has || got != want {
			return false
		}
	}
	return true
}

// modeOf is what a policy says of a port; empty if it leaves that to a wider one.
func (a *PeerAuthentication) modeOf(port int32) string {
	mode := a.Spec.PortLevelMTLS[strconv.Itoa(int(port))].Mode
	if mode == "" && a.Spec.MTLS != nil {
		mode = a.Spec.MTLS.Mode
	}
	if mode == "UNSET" {
		return ""
	}
	return mode
}

// Allows tells whether a policy lets pass what it matches, and denies what no policy does.
func (p *AuthorizationPolicy) Allows() bool {
	return p.Spec.Action == Allow || p.Spec.Action == ""
}

// matches tells whether a policy matches a connection, where it allows: for sure; where it does not: perhaps.
func (p *AuthorizationPolicy) matches(from *Caller, to *Called) bool {
	unknown := !p.Allows()
	if len(p.Spec.Unknown) > 0 && !unknown {
		return false
	}
	return slices.ContainsFunc(p.Spec.Rules, func(r Rule) bool { return r.matches(from, to, unknown) })
}

// matches tells whether a rule does. What is not known here counts as said.
func (r Rule) matches(from *Caller, to *Called, unknown bool) bool {
	if len(r.Unknown) > 0 && !unknown {
		return false
	}
	isFrom := len(r.From) == 0 || slices.ContainsFunc(r.From, func(f From) bool { return f.Source.matches(from, unknown) })
	isTo := len(r.To) == 0 || slices.ContainsFunc(r.To, func(t To) bool { return t.Operation.matches(to, unknown) })
	return isFrom && isTo
}

func (s Source) matches(from *Caller, unknown bool) bool {
	if len(s.Unknown) > 0 && !unknown {
		return false
	}
	principal := from.TrustDomain + "/ns/" + from.Namespace + "/sa/" + from.ServiceAccount
	isPrincipal := len(s.Principals) == 0 || from.isKnown() && anyIs(s.Principals, principal)
	isNamespace := len(s.Namespaces) == 0 || from.isKnown() && anyIs(s.Namespaces, from.Namespace)
	isAddress := len(s.IPBlocks) == 0 || anyContains(s.IPBlocks, from.IP)
	return isPrincipal && isNamespace && isAddress && !anyContains(s.NotIPBlocks, from.IP)
}

func (o Operation) matches(to *Called, unknown bool) bool {
	if len(o.Unknown) > 0 && !unknown {
		return false
	}
	return len(o.Ports) == 0 || slices.Contains(o.Ports, strconv.Itoa(int(to.Port)))
}

// anyIs tells whether a value is one of those given, of which one may begin or end with a wildcard.
func anyIs(patterns []string, value string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		switch {
		case strings.HasPrefix(pattern, "*"):
			return value != "" && strings.HasSuffix(value, pattern[1:])
		case strings.HasSuffix(pattern, "*"):
			return strings.HasPrefix(value, pattern[:len(pattern)-1])
		default:
			return value == pattern
		}
	})
}

// anyContains tells whether one of some addresses and ranges contains an address.
func anyContains(blocks []string, ip netip.Addr) bool {
	return slices.ContainsFunc(blocks, func(block string) bool {
		if prefix, err := netip.ParsePrefix(block); err == nil {
			return prefix.Contains(ip)
		}
		single, err := netip.ParseAddr(block)
		return err == nil && single == ip
	})
}
