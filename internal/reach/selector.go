package reach

import (
	"encoding/binary"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
)

// selector is a selector of labels.
type selector struct {
	// id is the place among the selectors of its table.
	id int
	// text is the selector as labels writes it.
	text string
	// requirements all have to hold.
	requirements labels.Requirements
	// nothing is set for the selector that matches nothing.
	nothing bool
}

func (s *selector) matches(set labels.Set) bool {
	for i := range s.requirements {
		if !s.requirements[i].Matches(set) {
			return false
		}
	}
	return !s.nothing
}

// selectors are selectors of which each is there once, however often it is declared.
type selectors struct {
	list       []*selector
	byDeclared map[string]*selector
	byText     map[string]*selector
	scratch    []byte
}

func newSelectors() *selectors {
	return &selectors{byDeclared: map[string]*selector{}, byText: map[string]*selector{}}
}

// of parses a selector, once. A missing one matches nothing, and an empty one everything:
// metav1.LabelSelector.
func (s *selectors) of(declared *metav1.LabelSelector) (*selector, error) {
	s.scratch = appendSelector(s.scratch[:0], declared)
	if known := s.byDeclared[string(s.scratch)]; known != nil {
		return known, nil
	}
	parsed, err := metav1.LabelSelectorAsSelector(declared)
	if err != nil {
		return nil, err
	}
	text, nothing := parsed.String(), declared == nil
	if nothing {
		text = "<nothing>"
	}
	known := s.byText[text]
	if known == nil {
		requirements, _ := parsed.Requirements()
		known = &selector{id: len(s.list), text: text, requirements: requirements, nothing: nothing}
		s.list = append(s.list, known)
		s.byText[text] = known
	}
	s.byDeclared[string(s.scratch)] = known
	return known, nil
}

// appendSelector writes a selector so that different ones are written differently.
func appendSelector(key []byte, declared *metav1.LabelSelector) []byte {
	if declared == nil {
		return append(key, '-')
	}
	key = binary.AppendUvarint(key, uint64(len(declared.MatchLabels)))
	for _, label := range slices.Sorted(maps.Keys(declared.MatchLabels)) {
		key = appendText(appendText(key, label), declared.MatchLabels[label])
	}
	for i := range declared.MatchExpressions {
		r := &declared.MatchExpressions[i]
		key = appendText(appendText(key, r.Key), string(r.Operator))
		key = binary.AppendUvarint(key, uint64(len(r.Values)))
		for _, value := range r.Values {
			key = appendText(key, value)
		}
	}
	return key
}

func appendText(key []byte, text string) []byte {
	return append(binary.AppendUvarint(key, uint64(len(text))), text...)
}

// sorter tells which selectors match sets of labels. Sets that differ only in what no
// selector asks for are looked at once.
type sorter struct {
	selectors []*selector
	keys      []string
	// values are the values of each key that selectors name.
	values map[string]sets.Set[string]
	known  map[string]bits
}

func newSorter(list []*selector) *sorter {
	s := &sorter{selectors: list, values: map[string]sets.Set[string]{}, known: map[string]bits{}}
	for _, one := range list {
		for _, r := range one.requirements {
			if s.values[r.Key()] == nil {
				s.values[r.Key()] = sets.New[string]()
			}
			s.values[r.Key()].Insert(r.ValuesUnsorted()...)
		}
	}
	s.keys = slices.Sorted(maps.Keys(s.values))
	return s
}

// matching are the ids of the selectors that match. The answer is shared: it may not be
// modified.
func (s *sorter) matching(set labels.Set) bits {
	seen := s.seen(set)
	if out, known := s.known[seen]; known {
		return out
	}
	out := newBits(len(s.selectors))
	for i, one := range s.selectors {
		if one.matches(set) {
			out.add(i)
		}
	}
	s.known[seen] = out
	return out
}

// seen are labels as the selectors see them.
func (s *sorter) seen(set labels.Set) string {
	var out []byte
	for _, key := range s.keys {
		switch value, has := set[key]; {
		case !has:
			out = append(out, '-')
		case s.values[key].Has(value):
			out = appendText(append(out, '='), value)
		default:
			out = append(out, '?')
		}
	}
	return string(out)
}
