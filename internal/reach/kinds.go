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
// limit, it returns how many it found.
func kindsOf(selectors []labels.Requirements) ([]labels.Set, int) {
	found := []kind{{labels: labels.Set{}, matching: allOf(len(selectors))}}
	for _, key := range keys(selectors) {
		if found = divide(found, selectors, key); len(found) > maxKinds {
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
// and none, and keeps one of those that the selectors do not tell apart.
func divide(found []kind, selectors []labels.Requirements, key string) []kind {
	var out []kind
	seen := sets.New[string]()
	values := valuesInPlay(selectors, key)
	for _, k := range found {
		without := kind{k.labels, narrow(k, selectors, key)}
		for _, next := range append([]kind{without}, withValues(k, selectors, key, values)...) {
			if !seen.Has(next.matching) {
				seen.Insert(next.matching)
				out = append(out, next)
			}
		}
	}
	return out
}

func withValues(k kind, selectors []labels.Requirements, key string, values []string) []kind {
	out := make([]kind, 0, len(values))
	for _, value := range values {
		set := labels.Merge(k.labels, labels.Set{key: value})
		out = append(out, kind{set, narrow(kind{set, k.matching}, selectors, key)})
	}
	return out
}

// narrow strikes out the selectors that a value of a key, or its absence, rules out.
func narrow(k kind, selectors []labels.Requirements, key string) string {
	matching := []byte(k.matching)
	for i, requirements := range selectors {
		for _, r := range requirements {
			if r.Key() == key && !r.Matches(k.labels) {
				matching[i] = '0'
			}
		}
	}
	return string(matching)
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
