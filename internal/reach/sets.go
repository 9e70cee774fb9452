package reach

// setID stands for a set of ports.
type setID int32

const (
	nothing    setID = 0
	everything setID = 1
)

// portSets are sets of ports of which each is there once, so that comparing two of them, and
// remembering what became of two of them, is comparing numbers.
type portSets struct {
	atoms  *atoms
	list   []portSet
	byKey  map[string]setID
	unions map[[2]setID]setID
	// common and without are what became of two sets, the first as it is given.
	common, without map[[2]setID]setID
}

func newPortSets(a *atoms) *portSets {
	s := &portSets{
		atoms: a, byKey: map[string]setID{}, unions: map[[2]setID]setID{},
		common: map[[2]setID]setID{}, without: map[[2]setID]setID{},
	}
	s.id(newBits(len(a.all)))
	s.id(a.everything())
	return s
}

func (s *portSets) id(set portSet) setID {
	key := set.key()
	id, known := s.byKey[key]
	if !known {
		id = setID(len(s.list))
		s.list = append(s.list, set)
		s.byKey[key] = id
	}
	return id
}

// union is the union of two sets.
func (s *portSets) union(a, b setID) setID {
	switch {
	case a == b || b == nothing:
		return a
	case a == nothing:
		return b
	}
	key := [2]setID{min(a, b), max(a, b)}
	out, known := s.unions[key]
	if !known {
		out = s.id(s.list[a].union(s.list[b]))
		s.unions[key] = out
	}
	return out
}

// intersection is what is in both sets.
func (s *portSets) intersection(a, b setID) setID {
	switch {
	case a == b || b == everything:
		return a
	case a == everything:
		return b
	case a == nothing || b == nothing:
		return nothing
	}
	return s.known(s.common, min(a, b), max(a, b), bits.intersection)
}

// difference is what is in the first set and not in the second.
func (s *portSets) difference(a, b setID) setID {
	switch {
	case a == b || a == nothing || b == everything:
		return nothing
	case b == nothing:
		return a
	}
	return s.known(s.without, a, b, bits.difference)
}

// known works something out of two sets, once.
func (s *portSets) known(known map[[2]setID]setID, a, b setID, of func(a, b portSet) portSet) setID {
	key := [2]setID{a, b}
	out, is := known[key]
	if !is {
		out = s.id(of(s.list[a], s.list[b]))
		known[key] = out
	}
	return out
}

// numbers is a set without its names: what an address has of it.
func (s *portSets) numbers(id setID) setID {
	if s.atoms.namings != nil {
		return s.id(s.atoms.namings.spread(s.list[id]))
	}
	return s.id(s.list[id].difference(s.atoms.names))
}

// both is what is open when both sides have to open it, in plain pieces: for sure, and maybe.
func (s *portSets) both(o opened) (sure, maybe portSet) {
	if s.atoms.namings != nil {
		return s.atoms.namings.read(s.list[o.out].intersection(s.list[o.in]))
	}
	return s.atoms.both(s.list[o.out], s.list[o.in])
}

// of is the set of all ports in ranges.
func (s *portSets) of(ranges []portRange) setID {
	out := nothing
	for _, r := range ranges {
		out = s.union(out, s.id(s.atoms.covered(r)))
	}
	return out
}
