package suggest

import (
	"fmt"
	"maps"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// maxName is how long the name of a DNS label is at most: https://www.rfc-editor.org/rfc/rfc1123
const maxName = 63

// namer gives out names that are DNS labels, each once.
type namer struct {
	taken map[v1alpha1.Name]bool
}

func newNamer() *namer {
	return &namer{map[v1alpha1.Name]bool{}}
}

// clone is a namer that has given out the same names.
func (n *namer) clone() *namer {
	return &namer{maps.Clone(n.taken)}
}

// name makes a name of words: as they are if that name is free, and with a number otherwise.
func (n *namer) name(words ...string) v1alpha1.Name {
	base := dnsLabel(strings.Join(words, "-"))
	out := v1alpha1.Name(cut(base, maxName))
	for i := 2; n.taken[out]; i++ {
		suffix := fmt.Sprintf("-%d", i)
		out = v1alpha1.Name(cut(base, maxName-len(suffix)) + suffix)
	}
	n.taken[out] = true
	return out
}

func cut(text string, most int) string {
	return strings.TrimRight(text[:min(len(text), most)], "-")
}

// dnsLabel replaces what a DNS label does not have.
func dnsLabel(text string) string {
	out := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		default:
			return '-'
		}
	}, text), "-")
	if out == "" {
		return "none"
	}
	return out
}

// counted is a number of things.
func counted(n int, thing string) string {
	return fmt.Sprintf("%d %s", n, pluralOf(thing, n))
}

// pluralOf is the word for a number of things.
func pluralOf(thing string, n int) string {
	stem, isY := strings.CutSuffix(thing, "y")
	switch {
	case n == 1:
		return thing
	case isY:
		return stem + "ies"
	default:
		return thing + "s"
	}
}

// shownNames is how many names are listed before the rest is counted.
const shownNames = 6

// shortened lists names, and counts those that would be too many.
func shortened(names []string) string {
	if len(names) <= shownNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shownNames], ", "), len(names)-shownNames)
}
