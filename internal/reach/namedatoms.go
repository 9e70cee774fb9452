package reach

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// namings tell the ports of a number apart by the name that the called pod gives to it. NetworkPolicies only add up, and so
// a set may have a name at whatever number. Where rules are in order, and some deny, it matters at which number: a rule that
// denies 80 comes before one that accepts "http". So where there are ClusterNetworkPolicies, each range of numbers is a piece
// for ports to which the pod gives no name in play, and one more for each name.
//
// This is exact for a port that has one name, or none. Kubernetes warns of pods that declare a port twice, but takes them. A
// port with more names is taken to be open if it is open by one of them; Cluster.Allowed looks at them in the order of rules.
type namings struct {
	// names are those in play, by protocol, in order.
	names map[corev1.Protocol][]string
	// plain are the pieces that it was made of, as a person reads them.
	plain *atoms
	// places are the places of the pieces without a name, by that of the range in plain.
	places map[int]int
}

// byName are the pieces with each name told apart.
func (a *atoms) byName() *atoms {
	n := &namings{names: map[corev1.Protocol][]string{}, plain: a, places: map[int]int{}}
	for i := range a.names.all() {
		n.names[a.all[i].protocol] = append(n.names[a.all[i].protocol], a.all[i].name)
	}
	out := &atoms{namings: n}
	for i, r := range a.all {
		if r.name != "" {
			continue
		}
		n.places[i] = len(out.all)
		out.all = append(out.all, r)
		for _, name := range n.names[r.protocol] {
			r.name = name
			out.all = append(out.all, r)
		}
	}
	out.names = out.having(func(r portRange) bool { return r.name != "" })
	return out
}

// in tells whether a piece is in a range, under whatever name, or has a name, at whatever number.
func (*namings) in(r, atom portRange) bool {
	if r.protocol != atom.protocol {
		return false
	}
	if r.name != "" {
		return r.name == atom.name
	}
	return r.first <= atom.first && atom.last <= r.last
}

// hasAny tells whether a set has some numbers under some names: by one of those in play, or, if they are none, without.
func (s *portSets) hasAny(id setID, numbers int, names []string) bool {
	isNamed := false
	for i, name := range s.atoms.namings.names[s.atoms.all[numbers].protocol] {
		if slices.Contains(names, name) {
			isNamed = true
			if s.list[id].has(numbers + 1 + i) {
				return true
			}
		}
	}
	return !isNamed && s.list[id].has(numbers)
}

// spread has the names of ports as their numbers: an address gives them none.
func (n *namings) spread(set portSet) portSet {
	out := make(bits, len(set))
	for i, place := range n.places {
		if !set.has(place) {
			continue
		}
		for i := range 1 + len(n.names[n.plain.all[i].protocol]) {
			out.add(place + i)
		}
	}
	return out
}

// read is a set in plain pieces. Sure is open whatever names the called pod gives: a name, if it is open at every number.
// Maybe is open where it has one of them, or none.
func (n *namings) read(set portSet) (sure, maybe portSet) {
	sure, maybe = newBits(len(n.plain.all)), newBits(len(n.plain.all))
	for i, r := range n.plain.all {
		var isSure, isMaybe bool
		if r.name == "" {
			isSure, isMaybe = n.readNumbers(set, i)
		} else {
			isSure, isMaybe = n.readName(set, r)
		}
		if isSure {
			sure.add(i)
		}
		if isMaybe {
			maybe.add(i)
		}
	}
	return sure, maybe
}

// readNumbers are numbers whatever names they are given, and without any.
func (n *namings) readNumbers(set portSet, numbers int) (sure, maybe bool) {
	sure = true
	for i := range 1 + len(n.names[n.plain.all[numbers].protocol]) {
		sure = sure && set.has(n.places[numbers]+i)
	}
	return sure, set.has(n.places[numbers])
}

// readName is a name at every number, and at one that is not open without it.
func (n *namings) readName(set portSet, named portRange) (sure, maybe bool) {
	sure = true
	at := 1 + slices.Index(n.names[named.protocol], named.name)
	for numbers, place := range n.places {
		if n.plain.all[numbers].protocol == named.protocol {
			sure, maybe = sure && set.has(place+at), maybe || set.has(place+at) && !set.has(place)
		}
	}
	return sure, maybe
}

// areSteady tells whether names never close what is open without them, as it is by NetworkPolicies alone.
func (s *portSets) areSteady(numbers int, ids ...setID) bool {
	names := s.atoms.namings.names[s.atoms.all[numbers].protocol]
	return !slices.ContainsFunc(ids, func(id setID) bool {
		return s.list[id].has(numbers) && len(s.names(id, numbers)) < len(names)
	})
}

// effectByName is what is open in the second case and not in the first, for one range of numbers, looked at name by name.
func (s *portSets) effectByName(from, to opened, numbers int) (effect, bool) {
	r := s.atoms.all[numbers]
	out := effect{Span: Span{Protocol: r.protocol, First: r.first, Last: r.last}}
	changes := func(names ...string) bool {
		if !s.open(to.out, numbers, names) || !s.open(to.in, numbers, names) {
			return false
		}
		isEgress, isIngress := !s.open(from.out, numbers, names), !s.open(from.in, numbers, names)
		out.egress, out.ingress = out.egress || isEgress, out.ingress || isIngress
		return isEgress || isIngress
	}
	var with, without [][]string
	for _, name := range s.atoms.namings.names[r.protocol] {
		if changes(name) {
			with = append(with, []string{name})
		} else {
			without = append(without, []string{name})
		}
	}
	if changes() {
		out.Named, out.Unless = [][]string{{}}, without
	} else {
		out.Named = with
	}
	return out, len(out.Named) > 0
}
