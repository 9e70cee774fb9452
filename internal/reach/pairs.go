package reach

import (
	"iter"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
)

// pair is two classes of ends between which there may be flows.
type pair struct {
	from, to int
	// same is set for two pods in one namespace.
	same bool
}

// pairs are all pairs. Between two addresses policies have no say, and between addresses of
// two families there is no flow.
func (s *Space) pairs() iter.Seq[pair] {
	return func(yield func(pair) bool) {
		for from := range s.ends {
			for to := range s.ends {
				across, within := s.related(&s.ends[from], &s.ends[to])
				if across && !yield(pair{from, to, false}) || within && !yield(pair{from, to, true}) {
					return
				}
			}
		}
	}
}

// related tells whether there may be flows between two ends, in two namespaces and in one.
func (s *Space) related(from, to *classEnd) (across, within bool) {
	switch {
	case from.class == none && to.class == none:
		return false, false
	case from.class == none || to.class == none:
		return true, false
	case from.part != none && to.part != none && s.parts[from.part].address().Is4() != s.parts[to.part].address().Is4():
		return false, false
	case from.class == to.class:
		return len(s.classes[from.class].names) > 1, true
	default:
		return true, false
	}
}

// probe is one port of a class of ports: a number, and the names that the called pod gives
// to it.
type probe struct {
	protocol corev1.Protocol
	number   int32
	names    []string
}

// probes has one port of each class. What rules open for a port with several names, one or
// two of the names are enough for, one at each side; so no more than two are tried.
func (s *Space) probes() []probe {
	var out []probe
	for _, protocol := range protocols() {
		names := [][]string{nil}
		for i := range s.ports.names.all() {
			if s.ports.all[i].protocol != protocol {
				continue
			}
			for _, other := range names {
				if len(other) < 2 {
					names = append(names, append(append([]string(nil), other...), s.ports.all[i].name))
				}
			}
		}
		for _, r := range s.ports.all {
			if r.protocol != protocol || r.name != "" {
				continue
			}
			for _, given := range names {
				out = append(out, probe{protocol, r.first, given})
			}
		}
	}
	return out
}

// Flows has one flow of each class, so that whatever is decided by the selectors, blocks and
// ports of the clusters of the space is tried in full by trying them all. Each has one
// address at each end, or none.
func (s *Space) Flows() iter.Seq[Flow] {
	return func(yield func(Flow) bool) {
		probes := s.probes()
		for to := range s.ends {
			for _, p := range probes {
				if s.ends[to].class == none && len(p.names) > 0 {
					continue
				}
				if !s.flowsTo(to, p, yield) {
					return
				}
			}
		}
	}
}

// flowsTo yields the flows to one end on one port.
func (s *Space) flowsTo(to int, p probe, yield func(Flow) bool) bool {
	called := s.endpoint(to, 0, p)
	for from := range s.ends {
		across, within := s.related(&s.ends[from], &s.ends[to])
		flow := Flow{To: called, Protocol: p.protocol, Port: p.number}
		if within {
			if flow.From = s.endpoint(from, 0, probe{}); !yield(flow) {
				return false
			}
		}
		if across {
			if flow.From = s.endpoint(from, s.other(from, to), probe{}); !yield(flow) {
				return false
			}
		}
	}
	return true
}

// other is the place of a namespace of the first end that is not the first of the second's.
func (s *Space) other(from, to int) int {
	if s.ends[from].class == s.ends[to].class {
		return 1
	}
	return 0
}

// endpoint is an end of a class, in the namespace of the class that has the given place.
func (s *Space) endpoint(i, namespace int, p probe) Endpoint {
	e := &s.ends[i]
	if e.class == none {
		return Endpoint{IP: s.parts[e.part].address()}
	}
	c := &s.classes[e.class]
	pod := &Pod{Namespace: c.names[namespace], Labels: c.kinds[e.kind].labels}
	if e.part != none {
		pod.IPs = []netip.Addr{s.parts[e.part].address()}
	}
	for _, name := range p.names {
		pod.Ports = append(pod.Ports, NamedPort{Name: name, Protocol: p.protocol, Number: p.number})
	}
	return Endpoint{Pod: pod}
}
