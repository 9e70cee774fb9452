package reach

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Difference is the exact difference between two clusters: every flow that one lets pass and
// the other does not, of all that could exist, as classes of ends and spans of ports.
type Difference struct {
	space *Space
	// across and within are the pairs that differ, in order: those of pods in one namespace
	// are within.
	across, within []run
	effects        [][]effect
	pairs          int
}

// run is pairs that differ in the same way: one end that calls, and ends that are called, one
// after the other. Where nearly everything changed there are few runs, but very many pairs.
type run struct {
	from, first, after int32
	// effects is the place of the effects.
	effects int32
}

// runs are all runs, and whether they are of pods in one namespace.
func (d *Difference) runs() iter.Seq2[run, bool] {
	return func(yield func(run, bool) bool) {
		for _, same := range []bool{false, true} {
			for _, r := range *d.list(same) {
				if !yield(r, same) {
					return
				}
			}
		}
	}
}

func (d *Difference) list(same bool) *[]run {
	if same {
		return &d.within
	}
	return &d.across
}

// add adds a pair, after those that come before it.
func (d *Difference) add(p pair, effects int) {
	list := d.list(p.same)
	if n := len(*list); n > 0 {
		last := &(*list)[n-1]
		if last.from == int32(p.from) && last.after == int32(p.to) && last.effects == int32(effects) {
			last.after++
			return
		}
	}
	*list = append(*list, run{int32(p.from), int32(p.to), int32(p.to) + 1, int32(effects)})
}

// Compare compares two clusters over every pod, port and address that could exist: see
// NewSpace for what that is, what the options do, and when it fails. A namespace that only
// one cluster has is one without labels and policies to the other. Of a pod with addresses
// of both families it says what becomes of the flows over each.
//
// It does not look at flow by flow: what is open between two classes of ends is a set of
// ports, and pairs with the same sets before and after are worked out once.
func Compare(before, after *Cluster, with ...Option) (*Difference, error) {
	space, err := NewSpace([]*Cluster{before, after}, with...)
	if err != nil {
		return nil, err
	}
	ports := space.newSets()
	out := [2]*openings{space.openings(0, egress, ports), space.openings(1, egress, ports)}
	in := [2]*openings{space.openings(0, ingress, ports), space.openings(1, ingress, ports)}
	d := &Difference{space: space}
	known := map[change]int{}
	for p := range space.pairs() {
		d.pairs++
		var sides [2]opened
		for i := range sides {
			sides[i] = opened{out[i].between(p.from, p.to, p.same), in[i].between(p.to, p.from, p.same)}
		}
		if sides[0] == sides[1] {
			continue
		}
		c := change{sides[0], sides[1]}
		place, seen := known[c]
		if !seen {
			place = len(d.effects)
			known[c] = place
			d.effects = append(d.effects, ports.effects(c))
		}
		if len(d.effects[place]) > 0 {
			d.add(p, place)
		}
	}
	return d, nil
}

// Counts are how much a difference is.
type Counts struct {
	// Pairs are the pairs of classes that were compared.
	Pairs int
	// Changed are those of them between which something changed.
	Changed int
	// Opened and Closed are the spans of ports that were opened and closed, over all pairs.
	Opened, Closed int
}

// Counts counts.
func (d *Difference) Counts() Counts {
	out := Counts{Pairs: d.pairs}
	for r := range d.runs() {
		pairs := int(r.after - r.first)
		out.Changed += pairs
		for i := range d.effects[r.effects] {
			if d.effects[r.effects][i].opened {
				out.Opened += pairs
			} else {
				out.Closed += pairs
			}
		}
	}
	return out
}

// Empty tells whether the clusters let the same flows pass.
func (d *Difference) Empty() bool {
	return len(d.across)+len(d.within) == 0
}

// Party is a class of pods, or of addresses outside.
type Party struct {
	// Namespaces are the namespaces of the pods, sorted; none for addresses outside. They
	// are alike: what is said of one is true of each.
	Namespaces []string
	// Labels are those of one pod of the class. Others are in it too: all that the same
	// selectors match.
	Labels map[string]string
	// Addresses are the addresses outside, or those of the pods if options give them some.
	Addresses []Range
}

// Change is one part of a difference.
type Change struct {
	// From is the class that calls, and To the one that is called.
	From, To Party
	// SameNamespace is set if it is about pods in one and the same namespace, and not set if
	// it is about pods in two.
	SameNamespace bool
	// Ports are the ports that it is about.
	Ports Span
	// Opened is set if the flows pass after and not before; otherwise they pass before and
	// not after.
	Opened bool
	// Egress and Ingress are set for the sides that were opened or closed; the others were
	// open before and after.
	Egress, Ingress bool
	// Example is one of the flows.
	Example Flow
}

// All are the changes, by who calls, who is called, and port; those inside one namespace come
// after all others.
func (d *Difference) All() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for r, same := range d.runs() {
			for to := r.first; to < r.after; to++ {
				for i := range d.effects[r.effects] {
					if !yield(d.change(pair{int(r.from), int(to), same}, &d.effects[r.effects][i])) {
						return
					}
				}
			}
		}
	}
}

func (d *Difference) change(p pair, e *effect) Change {
	namespace := 0
	if !p.same {
		namespace = d.space.other(p.from, p.to)
	}
	port := probe{protocol: e.Protocol, number: e.First, names: e.Named[0]}
	return Change{
		From: d.space.party(p.from), To: d.space.party(p.to), SameNamespace: p.same,
		Ports: e.Span, Opened: e.opened, Egress: e.egress, Ingress: e.ingress,
		Example: Flow{
			From: d.space.endpoint(p.from, namespace, probe{}), To: d.space.endpoint(p.to, 0, port),
			Protocol: e.Protocol, Port: e.First,
		},
	}
}

func (s *Space) party(i int) Party {
	e := &s.ends[i]
	out := Party{}
	if e.class != none {
		out.Namespaces, out.Labels = s.classes[e.class].names, maps.Clone(s.classes[e.class].kinds[e.kind].labels)
	}
	if e.part != none {
		out.Addresses = s.parts[e.part]
	}
	return out
}

// Find finds the change that has a flow, if one does. It looks at pods by namespace and
// labels, at addresses as the options had it, and at the first of a pod's addresses.
func (d *Difference) Find(f Flow) (Change, bool) {
	from, to := d.space.endOf(f.From), d.space.endOf(f.To)
	if from == none || to == none || samePod(f.From.Pod, f.To.Pod) {
		return Change{}, false
	}
	p := pair{from, to, d.space.ends[from].class != none && d.space.ends[to].class != none && f.From.Pod.Namespace == f.To.Pod.Namespace}
	names := f.To.names(protocolOf(f.Protocol), f.Port)
	effects := d.effectsOf(p)
	for i := range effects {
		if effects[i].holds(protocolOf(f.Protocol), f.Port, names) {
			return d.change(p, &effects[i]), true
		}
	}
	return Change{}, false
}

// effectsOf are the effects between two ends, none if they do not differ.
func (d *Difference) effectsOf(p pair) []effect {
	if place := d.placeOf(p); place != none {
		return d.effects[place]
	}
	return nil
}

// placeOf is the place of the effects between two ends; none if they do not differ.
func (d *Difference) placeOf(p pair) int {
	list := *d.list(p.same)
	i, found := slices.BinarySearchFunc(list, p, func(r run, p pair) int {
		switch {
		case int(r.from) != p.from:
			return cmp.Compare(int(r.from), p.from)
		case int(r.first) > p.to:
			return 1
		case int(r.after) <= p.to:
			return -1
		default:
			return 0
		}
	})
	if !found {
		return none
	}
	return int(list[i].effects)
}

// names are the names that an end gives to one of its ports.
func (e Endpoint) names(protocol corev1.Protocol, port int32) []string {
	if e.Pod == nil || e.Pod.HostNetwork {
		return nil
	}
	var out []string
	for _, p := range e.Pod.Ports {
		if protocolOf(p.Protocol) == protocol && p.Number == port {
			out = append(out, p.Name)
		}
	}
	return out
}
