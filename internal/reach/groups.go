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
	g.Name = fmt.Sprintf("%s +%d", g.Namespaces[0], len(g.Namespaces)-1)
}

// group is a group with one pod of each kind that could be in it, or one address of each
// part that policies tell apart.
type group struct {
	Group
	ends []end
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
func (c *Cluster) groups(namespaces []Namespace) ([]group, error) {
	several := severalProfiles(namespaces)
	byTitle := map[string]*group{}
	for _, ns := range namespaces {
		declared := groupOf(ns, several)
		g := byTitle[declared.title()]
		if g == nil {
			g = &group{Group: declared}
			byTitle[declared.title()] = g
		}
		pods, err := c.kinds(ns.Name)
		if err != nil {
			return nil, err
		}
		for _, pod := range pods {
			g.ends = append(g.ends, end{pod: pod})
		}
		g.Namespaces = append(g.Namespaces, ns.Name)
	}
	out := make([]group, 0, len(byTitle))
	for _, g := range byTitle {
		slices.Sort(g.Namespaces)
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b group) int {
		return cmp.Or(compareBool(a.Outside, b.Outside), strings.Compare(a.Name, b.Name))
	})
	return append(out, c.addressGroups()...), nil
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
func (c *Cluster) addressGroups() []group {
	cidrs, inPlay := sets.New[netip.Prefix](), sets.New[netip.Prefix]()
	for _, r := range c.allRules() {
		for _, p := range r.peers {
			if p.block != nil {
				cidrs.Insert(p.block.cidr)
				inPlay.Insert(p.block.cidr).Insert(p.block.except...)
			}
		}
	}
	out := make([]group, 0, cidrs.Len())
	for cidr := range cidrs {
		g := group{Group: Group{Name: cidr.String()}}
		for _, ip := range parts(cidr, inPlay) {
			g.ends = append(g.ends, end{ip: ip})
		}
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b group) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// parts returns one address of each part into which the ranges in play cut a range: its
// first address, and every address at which another range begins or has just ended.
func parts(cidr netip.Prefix, inPlay sets.Set[netip.Prefix]) []netip.Addr {
	found := sets.New(cidr.Addr())
	for p := range inPlay {
		found.Insert(p.Addr(), afterLast(p))
	}
	out := slices.DeleteFunc(found.UnsortedList(), func(ip netip.Addr) bool { return !cidr.Contains(ip) })
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// afterLast is the address after the last one of a range; the zero address if there is none.
func afterLast(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last.Next()
}
