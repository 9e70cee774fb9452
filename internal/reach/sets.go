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
}

func newPortSets(a *atoms) *portSets {
	s := &portSets{atoms: a, byKey: map[string]setID{}, unions: map[[2]setID]setID{}}
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

// numbers is a set without its names: what an address has of it.
func (s *portSets) numbers(id setID) setID {
	return s.id(s.list[id].difference(s.atoms.names))
}

// of is the set of all ports in ranges.
func (s *portSets) of(ranges []portRange) setID {
	out := nothing
	for _, r := range ranges {
		out = s.union(out, s.id(s.atoms.covered(r)))
	}
	return out
}
