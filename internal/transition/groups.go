package transition

import (
	"maps"
	"slices"
)

// Groups are, of profiles that have paths to one another, the profile whose name stands for all of them. One that has
// none to any other stands for itself. What passes between two profiles depends on the labels of both, so nobody of the
// one may go on as if none of the other were due to change.
type Groups map[string]string

// GroupsOf groups profiles by pairs that have paths to one another. The first by name stands for a group.
func GroupsOf(pairs map[string][]string) Groups {
	out, both := Groups{}, linked(pairs)
	for _, start := range slices.Sorted(maps.Keys(both)) {
		out.spread(start, start, both)
	}
	return out
}

// linked has each pair both ways.
func linked(pairs map[string][]string) map[string][]string {
	out := map[string][]string{}
	for one, others := range pairs {
		for _, other := range others {
			out[one] = append(out[one], other)
			out[other] = append(out[other], one)
		}
	}
	return out
}

func (g Groups) spread(profile, group string, pairs map[string][]string) {
	if _, known := g[profile]; known {
		return
	}
	g[profile] = group
	for _, other := range pairs[profile] {
		g.spread(other, group, pairs)
	}
}

// Of is the group of a profile.
func (g Groups) Of(profile string) string {
	if group, known := g[profile]; known {
		return group
	}
	return profile
}

// With returns the other profiles of a profile's group, sorted.
func (g Groups) With(profile string) []string {
	group, known := g[profile]
	if !known {
		return nil
	}
	var out []string
	for other, of := range g {
		if of == group && other != profile {
			out = append(out, other)
		}
	}
	slices.Sort(out)
	return out
}

// of are the groups of profiles whose namespaces have to do with one, and all of them together.
func (g Groups) of(p *Place) []string {
	has, due := g.Of(p.Has.Profile), g.Of(p.Due.Profile)
	switch {
	case has == all && due == all && p.Isolated:
		return []string{all}
	case has == all && due == all:
		return nil
	case has == due, due == all:
		return []string{all, has}
	case has == all:
		return []string{all, due}
	default:
		return []string{all, has, due}
	}
}
