package reach

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// Group is a row and a column of a matrix.
type Group struct {
	// Name is the name of the tier, "profile/tier" where there are several profiles; the
	// name of a namespace outside, and how many more are with it; or a range of addresses.
	Name string
	// Namespaces are the namespaces of the group, sorted; none for a range of addresses.
	Namespaces []string
	// Outside is set for namespaces outside any tier.
	Outside bool
}

// title is the name as the head of a row: a tier may have the name of a namespace outside.
func (g *Group) title() string {
	if g.Outside {
		return "(" + g.Name + ")"
	}
	return g.Name
}

// join takes over the namespaces of another group.
func (g *Group) join(other Group) {
	g.Namespaces = slices.Sorted(slices.Values(slices.Concat(g.Namespaces, other.Namespaces)))
	g.Name = outsideName(g.Namespaces)
}

// outsideName is the name of a group of namespaces outside: the first, and how many more.
func outsideName(sorted []string) string {
	if len(sorted) == 1 {
		return sorted[0]
	}
	return fmt.Sprintf("%s +%d", sorted[0], len(sorted)-1)
}

// group is a group of a matrix with what is in it.
type group struct {
	Group
	// classes has how many namespaces of each class are in the group.
	classes map[int]int
	// ends are the ends that are addresses.
	ends []int
}

// addresses tells a range of addresses from namespaces.
func (g *Group) addresses() bool {
	return len(g.Namespaces) == 0
}

// tier tells a tier from what is outside.
func (g *Group) tier() bool {
	return !g.Outside && !g.addresses()
}

// groups are the groups of a cluster: tiers by profile and name, then namespaces outside by
// name, then addresses.
func (s *Space) groups(namespaces []Namespace) []group {
	several := severalProfiles(namespaces)
	byTitle := map[string]*group{}
	outside := map[int]*group{}
	for _, ns := range namespaces {
		declared, in := groupOf(ns, several), s.classOf[ns.Name]
		if g := outside[in]; declared.Outside && g != nil && s.strangers(in) {
			g.Namespaces = append(g.Namespaces, ns.Name)
			g.classes[in]++
			continue
		}
		g := byTitle[declared.title()]
		if g == nil {
			g = &group{Group: declared, classes: map[int]int{}}
			byTitle[declared.title()] = g
		}
		if declared.Outside {
			outside[in] = g
		}
		g.Namespaces = append(g.Namespaces, ns.Name)
		g.classes[in]++
	}
	out := make([]group, 0, len(byTitle))
	for _, g := range byTitle {
		slices.Sort(g.Namespaces)
		if g.Outside {
			g.Name = outsideName(g.Namespaces)
		}
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b group) int {
		return cmp.Or(compareBool(a.Outside, b.Outside), strings.Compare(a.Name, b.Name))
	})
	return append(out, s.addressGroups()...)
}

// strangers tells whether pods of one namespace of a class are to one another what pods of
// two are: then its namespaces outside are one group from the start.
func (s *Space) strangers(i int) bool {
	for _, p := range s.classes[i].seen[0].policies {
		for _, r := range slices.Concat(p.spec.rules[ingress], p.spec.rules[egress]) {
			if slices.ContainsFunc(r.peers, func(p *peer) bool { return p.block == nil && p.namespaces == nil }) {
				return false
			}
		}
	}
	return true
}

func groupOf(ns Namespace, severalProfiles bool) Group {
	tier, profile := ns.Labels[v1alpha1.TierLabel], ns.Labels[v1alpha1.ProfileLabel]
	switch {
	case tier == "" || profile == "":
		return Group{Name: ns.Name, Outside: true}
	case severalProfiles:
		return Group{Name: profile + "/" + tier}
	default:
		return Group{Name: tier}
	}
}

func severalProfiles(namespaces []Namespace) bool {
	profiles := sets.New[string]()
	for _, ns := range namespaces {
		profiles.Insert(ns.Labels[v1alpha1.ProfileLabel])
	}
	return profiles.Delete("").Len() > 1
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// addressGroups are the ranges of addresses that policies name.
func (s *Space) addressGroups() []group {
	cidrs := sets.New[netip.Prefix]()
	for _, p := range s.clusters[0].peers {
		if p.block != nil {
			cidrs.Insert(p.block.cidr)
		}
	}
	out := make([]group, 0, cidrs.Len())
	for cidr := range cidrs {
		g := group{Group: Group{Name: cidr.String()}}
		for i, e := range s.ends {
			if e.class == none && cidr.Contains(s.parts[e.part].address()) {
				g.ends = append(g.ends, i)
			}
		}
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b group) int { return strings.Compare(a.Name, b.Name) })
	return out
}
