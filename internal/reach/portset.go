package reach

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

// atoms cuts ports into pieces that no rule in play takes apart: ranges of numbers, and
// names. A piece is a portRange, and a set of pieces says exactly what rules open, without
// a look at each of 65,535 numbers.
type atoms struct {
	all []portRange
	// names are the pieces that are names.
	names portSet
	// namings is set where pieces are numbers and names together.
	namings *namings
}

// portSet has the places of pieces.
type portSet = bits

// newAtoms makes the pieces for the ports in play.
func newAtoms(inPlay []portRange) *atoms {
	out := &atoms{}
	for _, protocol := range protocols() {
		cuts := sets.New[int32](firstPort, lastPort+1)
		names := sets.New[string]()
		for _, r := range inPlay {
			switch {
			case r.protocol != protocol:
			case r.name != "":
				names.Insert(r.name)
			default:
				cuts.Insert(r.first, r.last+1)
			}
		}
		starts := sets.List(cuts)
		for i := range starts[1:] {
			out.all = append(out.all, portRange{protocol: protocol, first: starts[i], last: starts[i+1] - 1})
		}
		for _, name := range sets.List(names) {
			out.all = append(out.all, portRange{protocol: protocol, name: name})
		}
	}
	out.names = out.having(func(r portRange) bool { return r.name != "" })
	return out
}

// having are the pieces of which something is true.
func (a *atoms) having(holds func(portRange) bool) portSet {
	out := newBits(len(a.all))
	for i, r := range a.all {
		if holds(r) {
			out.add(i)
		}
	}
	return out
}

// everything is the set of all ports.
func (a *atoms) everything() portSet {
	return allBits(len(a.all))
}

// covered are the pieces that lie in a range. A named port lies in no range of numbers but
// the whole: its number is the pod's to choose.
func (a *atoms) covered(r portRange) portSet {
	if a.namings != nil {
		return a.having(func(atom portRange) bool { return a.namings.in(r, atom) })
	}
	return a.having(func(atom portRange) bool {
		return r.protocol == atom.protocol && (r.every() ||
			r.name == atom.name && r.first <= atom.first && atom.last <= r.last)
	})
}

// both is what is open when both sides have to open it. Sure is open whatever pods there
// are. Where one side opens a name and the other numbers, it depends on the number that the
// called pod gave the name: maybe.
func (a *atoms) both(out, in portSet) (sure, maybe portSet) {
	onlyOut, onlyIn := out.difference(in), in.difference(out)
	return out.intersection(in), a.namesWithin(onlyOut, onlyIn).union(a.namesWithin(onlyIn, onlyOut))
}

// namesWithin are the names of one set that may have a number of the other.
func (a *atoms) namesWithin(names, numbers portSet) portSet {
	found := sets.New[corev1.Protocol]()
	for i := range numbers.difference(a.names).all() {
		found.Insert(a.all[i].protocol)
	}
	out := newBits(len(a.all))
	for i := range names.intersection(a.names).all() {
		if found.Has(a.all[i].protocol) {
			out.add(i)
		}
	}
	return out
}

// Ports are ports as a person reads them, sorted: 8080, 9090-9099, 53/UDP, metrics, all, or
// "all UDP". Without a protocol they are TCP.
type Ports []string

// text makes the ports of a set readable.
func (a *atoms) text(set portSet) Ports {
	if !slices.ContainsFunc(protocols(), func(p corev1.Protocol) bool { return !a.whole(p, set) }) {
		return Ports{"all"}
	}
	var out Ports
	for _, protocol := range protocols() {
		out = append(out, protocolText(protocol, joined(a.of(protocol, set)))...)
	}
	return out
}

// of are the pieces of one protocol that are in a set, in order.
func (a *atoms) of(protocol corev1.Protocol, set portSet) []portRange {
	var out []portRange
	for i := range set.all() {
		if a.all[i].protocol == protocol {
			out = append(out, a.all[i])
		}
	}
	return out
}

// whole tells whether a set has every number of a protocol.
func (a *atoms) whole(protocol corev1.Protocol, set portSet) bool {
	ranges := joined(a.of(protocol, set))
	return len(ranges) > 0 && ranges[0].every()
}

// joined puts neighbouring ranges together.
func joined(sorted []portRange) []portRange {
	var out []portRange
	for _, r := range sorted {
		if n := len(out); n > 0 && r.name == "" && out[n-1].last+1 == r.first {
			out[n-1].last = r.last
			continue
		}
		out = append(out, r)
	}
	return out
}

func protocolText(protocol corev1.Protocol, ranges []portRange) Ports {
	suffix := ""
	if protocol != corev1.ProtocolTCP {
		suffix = "/" + string(protocol)
	}
	out := make(Ports, 0, len(ranges))
	for _, r := range ranges {
		switch {
		case r.name != "":
			out = append(out, r.name+suffix)
		case r.every():
			return Ports{"all " + string(protocol)}
		case r.first == r.last:
			out = append(out, strconv.Itoa(int(r.first))+suffix)
		default:
			out = append(out, fmt.Sprintf("%d-%d%s", r.first, r.last, suffix))
		}
	}
	return out
}

// marked adds a mark to each of the ports.
func (p Ports) marked(mark string) Ports {
	out := make(Ports, 0, len(p))
	for _, port := range p {
		out = append(out, port+mark)
	}
	return out
}

// narrowed is what is left of a set to be said beside what is said already. A protocol that
// is whole in the set stays whole: "80, all TCP*" says more than "80, 1-79*, 81-65535*".
func (a *atoms) narrowed(set, said portSet) portSet {
	out := set.difference(said)
	for _, protocol := range protocols() {
		if !out.empty() && a.whole(protocol, set) && !a.whole(protocol, said) {
			out = out.union(set.intersection(a.having(func(r portRange) bool { return r.protocol == protocol })))
		}
	}
	return out
}

// String joins the ports.
func (p Ports) String() string {
	return cmp.Or(strings.Join(p, ","), "-")
}
