package reach

import (
	"cmp"
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
)

// podGroup are pods that both clusters treat alike.
type podGroup struct {
	pods []*Pod
	// class and kind are as of a class of ends; class is none for pods on the host network.
	class, kind int
	// spread is how many of the pods are in each namespace.
	spread map[string]int
	// parts are where their addresses are, at most one of each family.
	parts []int
	// ends are their ends in the space of pods, one for each address, and bare is their end without an address.
	ends []int
	bare int
	// told are their ends in the space of the difference.
	told []int
	// ports are their named ports of which a policy has the name, and naming is the same for groups with the same ones.
	ports  []NamedPort
	naming int
	// keepsOut is set if nothing changes for what they call in other namespaces as far as it depends on them, and keepsIn
	// if nothing does for who calls them.
	keepsOut, keepsIn bool
}

// gather puts pods into groups.
func (w *amongWalk) gather(pods []*Pod) {
	kinds := make([]map[string]int, len(w.space.classes))
	byKey, namings := map[string]int{}, map[string]int{}
	w.named = sets.New[portRange]()
	for i := range w.space.ports.names.all() {
		w.named.Insert(w.space.ports.all[i])
	}
	for _, p := range pods {
		g := podGroup{class: none, parts: w.partsOf(p)}
		if !p.HostNetwork {
			class, known := w.space.classOf[p.Namespace]
			if !known {
				w.out.Unknown = append(w.out.Unknown, p)
				continue
			}
			if kinds[class] == nil {
				kinds[class] = w.kindsOf(class)
			}
			g.class, g.ports = class, w.portsOf(p)
			g.kind = kinds[class][w.space.matched(w.space.classes[class].asks, labels.Set(p.Labels)).key()]
		}
		g.naming = numbered(namings, string(appendPorts(nil, g.ports)))
		key := g.key()
		i, known := byKey[key]
		if !known {
			i = len(w.groups)
			byKey[key] = i
			g.spread, g.told = map[string]int{}, w.tellOf(p)
			w.groups = append(w.groups, g)
		}
		w.groups[i].pods = append(w.groups[i].pods, p)
		w.groups[i].spread[p.Namespace]++
	}
}

// numbered is the number of a text, a new one for one that is new.
func numbered(known map[string]int, text string) int {
	i, is := known[text]
	if !is {
		i = len(known)
		known[text] = i
	}
	return i
}

func (w *amongWalk) kindsOf(class int) map[string]int {
	out := map[string]int{}
	for i := range w.space.classes[class].kinds {
		out[w.space.classes[class].kinds[i].matched.key()] = i
	}
	return out
}

func (g *podGroup) key() string {
	key := binary.AppendVarint(nil, int64(g.class))
	key = binary.AppendVarint(key, int64(g.kind))
	key = binary.AppendVarint(key, int64(g.naming))
	for _, part := range g.parts {
		key = binary.AppendVarint(key, int64(part))
	}
	return string(key)
}

// firstAddresses are the first address of each family.
func firstAddresses(p *Pod) []netip.Addr {
	var out []netip.Addr
	for _, ip := range p.IPs {
		ip = ip.Unmap()
		if ip.IsValid() && !slices.ContainsFunc(out, func(o netip.Addr) bool { return o.Is4() == ip.Is4() }) {
			out = append(out, ip)
		}
	}
	return out
}

func (w *amongWalk) partsOf(p *Pod) []int {
	addresses := firstAddresses(p)
	out := make([]int, 0, len(addresses))
	for _, ip := range addresses {
		out = append(out, slices.IndexFunc(w.space.parts, func(part part) bool { return part.contains(ip) }))
	}
	slices.Sort(out)
	return out
}

// portsOf are the named ports of a pod of which a policy has the name, sorted.
func (w *amongWalk) portsOf(p *Pod) []NamedPort {
	var out []NamedPort
	for _, port := range p.Ports {
		port.Protocol = protocolOf(port.Protocol)
		if w.named.Has(portRange{protocol: port.Protocol, name: port.Name}) && !slices.Contains(out, port) {
			out = append(out, port)
		}
	}
	slices.SortFunc(out, func(a, b NamedPort) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Number, b.Number), strings.Compare(a.Name, b.Name))
	})
	return out
}

func appendPorts(key []byte, ports []NamedPort) []byte {
	for _, p := range ports {
		key = appendText(appendText(key, string(p.Protocol)), p.Name)
		key = binary.AppendVarint(key, int64(p.Number))
	}
	return key
}

// namesOf are the names of a port of a protocol.
func (g *podGroup) namesOf(protocol corev1.Protocol, number int32) []string {
	return Endpoint{Pod: &Pod{Ports: g.ports}}.names(protocol, number)
}

// tellOf are the ends that the difference has a pod as.
func (w *amongWalk) tellOf(p *Pod) []int {
	found := sets.New[int]()
	for _, ip := range append(firstAddresses(p), netip.Addr{}) {
		if p.HostNetwork && !ip.IsValid() {
			continue
		}
		if end := w.space.endOf(Endpoint{Pod: p, IP: ip}); end != none {
			found.Insert(end)
		}
	}
	return sets.List(found)
}

// makeSpace makes a space whose ends are the groups of pods, with their addresses and without, class by class.
func (w *amongWalk) makeSpace() {
	wanted := map[int]sets.Set[classEnd]{}
	for i := range w.groups {
		g := &w.groups[i]
		if wanted[g.class] == nil {
			wanted[g.class] = sets.New[classEnd]()
		}
		for _, part := range append(slices.Clone(g.parts), none) {
			wanted[g.class].Insert(classEnd{g.class, g.kind, part})
		}
	}
	space := *w.space
	space.classes, space.ends = slices.Clone(space.classes), nil
	places := map[classEnd]int{}
	for _, class := range slices.Sorted(maps.Keys(wanted)) {
		first := len(space.ends)
		for _, end := range wanted[class].UnsortedList() {
			places[end] = len(space.ends)
			space.ends = append(space.ends, end)
		}
		if class != none {
			space.classes[class].first, space.classes[class].after = first, len(space.ends)
		}
	}
	w.pods = &space
	for i := range w.groups {
		g := &w.groups[i]
		g.bare = places[classEnd{g.class, g.kind, none}]
		for _, part := range g.parts {
			g.ends = append(g.ends, places[classEnd{g.class, g.kind, part}])
		}
	}
}
