package reach

import (
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
)

// maxKinds bounds the kinds of pods in one namespace. They could be as many as there are
// combinations of selectors; those that people write do not come near.
const maxKinds = 4096

// kindsOf returns one set of labels for each kind of pod that selectors tell apart: two pods
// are of one kind if the same selectors match them. The first has no labels. Beyond the
// limit, it returns how many it found until then.
func kindsOf(selectors []labels.Requirements, limit int) ([]labels.Set, int) {
	found := []kind{{labels: labels.Set{}, matching: allOf(len(selectors))}}
	for _, key := range keys(selectors) {
		if found = divide(found, selectors, key, limit); len(found) > limit {
			return nil, len(found)
		}
	}
	out := make([]labels.Set, 0, len(found))
	for _, k := range found {
		out = append(out, k.labels)
	}
	return out, len(out)
}

// kind is a set of labels, and the selectors of which all requirements hold that are about
// the keys looked at so far.
type kind struct {
	labels   labels.Set
	matching string
}

// allOf has all selectors matching: one byte for each.
func allOf(selectors int) string {
	return string(slices.Repeat([]byte{'1'}, selectors))
}

// divide looks at one more key: it gives each kind each of the values in play, another one,
// and none, and keeps one of those that the selectors do not tell apart. It gives up beyond the limit.
func divide(found []kind, selectors []labels.Requirements, key string, limit int) []kind {
	values := valuesInPlay(selectors, key)
	choices := append(make([]choice, 0, len(values)+1), choice{ruledOut: ruledOut(selectors, key, nil)})
	for _, value := range values {
		set := labels.Set{key: value}
		choices = append(choices, choice{set, ruledOut(selectors, key, set)})
	}
	var out []kind
	seen := sets.New[string]()
	for _, k := range found {
		for _, c := range choices {
			if len(out) > limit {
				return out
			}
			if matching := c.narrow(k.matching); !seen.Has(matching) {
				seen.Insert(matching)
				out = append(out, kind{labels.Merge(k.labels, c.labels), matching})
			}
		}
	}
	return out
}

// choice is a value of a key, or its absence, and the selectors that it rules out.
type choice struct {
	labels   labels.Set
	ruledOut []bool
}

func ruledOut(selectors []labels.Requirements, key string, set labels.Set) []bool {
	out := make([]bool, len(selectors))
	for i, requirements := range selectors {
		for _, r := range requirements {
			out[i] = out[i] || r.Key() == key && !r.Matches(set)
		}
	}
	return out
}

// narrow strikes out the selectors that are ruled out.
func (c *choice) narrow(matching string) string {
	out := []byte(matching)
	for i, isOut := range c.ruledOut {
		if isOut {
			out[i] = '0'
		}
	}
	return string(out)
}

// valuesInPlay are the values of a key that selectors name, and one that none names.
func valuesInPlay(selectors []labels.Requirements, key string) []string {
	values := sets.New[string]()
	for _, requirements := range selectors {
		for _, r := range requirements {
			if r.Key() == key {
				values.Insert(r.ValuesUnsorted()...)
			}
		}
	}
	other := "other"
	for values.Has(other) {
		other += "-other"
	}
	return append(sets.List(values), other)
}

// keys are the keys that selectors are about, sorted.
func keys(selectors []labels.Requirements) []string {
	out := sets.New[string]()
	for _, requirements := range selectors {
		for _, r := range requirements {
			out.Insert(r.Key())
		}
	}
	return sets.List(out)
}
