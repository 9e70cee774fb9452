package audit

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// opened is what a message about a policy is made of.
type opened struct {
	kind       string
	policy     string
	paths      []Path
	uncompared bool
}

// The kinds of policies that open paths.
const (
	kindNetworkPolicy        = "NetworkPolicy"
	kindClusterNetworkPolicy = "ClusterNetworkPolicy"
)

// report is nil if nothing is to be told.
func (o *opened) report() *OpenedPaths {
	if !o.uncompared && len(o.paths) == 0 {
		return nil
	}
	return &OpenedPaths{Policy: o.policy, IsCluster: o.kind == kindClusterNetworkPolicy, Paths: o.paths, Message: o.message()}
}

// parties are the parties at the other end of a path.
type parties struct {
	// namespaces are the strangers, by which of their pods it is.
	namespaces map[string][]string
	// own are pods of the namespace itself.
	own       []string
	addresses []string
}

// add adds what a policy opens in one direction: a path for all that differs only in the other end.
func (o *opened) add(direction networkingv1.PolicyType, all []reach.Said, strangers *reach.Strangers) {
	type end struct{ pods, ports string }
	var ends []end
	byEnd := map[end]*parties{}
	for i := range all {
		said := &all[i]
		if !said.Opened {
			continue
		}
		near, far := said.From, said.To
		if direction == networkingv1.PolicyTypeIngress {
			near, far = far, near
		}
		e := end{withoutAddresses(near.Narrowed), said.Ports}
		if byEnd[e] == nil {
			ends = append(ends, e)
			byEnd[e] = &parties{namespaces: map[string][]string{}}
		}
		byEnd[e].add(far)
	}
	for _, e := range ends {
		o.paths = append(o.paths, Path{Direction: direction, Pods: e.pods, Peers: byEnd[e].words(strangers), Ports: e.ports})
	}
}

// withoutAddresses leaves out at which addresses pods are: of the namespace itself it is any.
func withoutAddresses(narrowed string) string {
	if strings.HasPrefix(narrowed, "at ") {
		return ""
	}
	pods, _, _ := strings.Cut(narrowed, " at ")
	return pods
}

func (p *parties) add(party reach.PartyText) {
	switch {
	case len(party.Namespaces) == 0:
		p.addresses = append(p.addresses, party.Narrowed)
	case party.Namespaces[0] == ThisNamespace:
		p.own = append(p.own, party.Narrowed)
	default:
		for _, name := range party.Namespaces {
			if !slices.Contains(p.namespaces[party.Narrowed], name) {
				p.namespaces[party.Narrowed] = append(p.namespaces[party.Narrowed], name)
			}
		}
	}
}

func (p *parties) words(strangers *reach.Strangers) []string {
	var out []string
	for _, narrowed := range slices.Sorted(maps.Keys(p.namespaces)) {
		for _, words := range strangers.Words(p.namespaces[narrowed]) {
			out = append(out, podsOf(narrowed, words))
		}
	}
	for _, narrowed := range p.own {
		out = append(out, podsOf(cmp.Or(withoutAddresses(narrowed), "every pod"), ThisNamespace))
	}
	slices.Sort(p.addresses)
	return slices.Compact(append(out, p.addresses...))
}

// podsOf says which pods of a namespace it is.
func podsOf(narrowed, namespace string) string {
	switch {
	case narrowed == "":
		return namespace
	case strings.HasPrefix(narrowed, "at "):
		return namespace + " " + narrowed
	case strings.HasPrefix(narrowed, "{"):
		return "pods " + narrowed + " of " + namespace
	default:
		return narrowed + " of " + namespace
	}
}

// message says what a policy opens.
func (o *opened) message() string {
	text := o.withNames(maxName, maxPeer)
	if len(text) > maxMessage {
		text = o.withNames(maxShortName, maxShortPeer)
	}
	return text
}

func (o *opened) withNames(most, mostPeer int) string {
	begin := o.kind + " " + clip(o.policy, most) + " "
	if o.uncompared {
		return begin + "opens too much to compare with what the profile declares; remove it, or make it simpler"
	}
	more := ""
	if n := len(o.paths) - 1; n > 0 {
		more = " (and " + count(n, "more path") + ")"
	}
	return begin + o.paths[0].sentence(mostPeer) + more +
		", which the profile does not declare; remove it, or declare the path in the profile"
}

// String tells of a path.
func (p *Path) String() string { return p.sentence(maxPeer) }

func (p *Path) sentence(most int) string {
	far, near := p.peers(most), clip(podsOf(cmp.Or(p.Pods, "every pod"), ThisNamespace), most)
	if p.Direction == networkingv1.PolicyTypeIngress {
		return "lets " + far + " reach " + near + " on " + p.ports()
	}
	return "lets " + near + " reach " + far + " on " + p.ports()
}

// peers names the first of the peers.
func (p *Path) peers(most int) string {
	named := make([]string, 0, maxPeers)
	for _, peer := range p.Peers[:min(len(p.Peers), maxPeers)] {
		named = append(named, clip(peer, most))
	}
	if n := len(p.Peers) - maxPeers; n > 0 {
		return strings.Join(named, ", ") + " and " + count(n, "other")
	}
	if last := len(named) - 1; last > 0 {
		return strings.Join(named[:last], ", ") + " and " + named[last]
	}
	return named[0]
}

func (p *Path) ports() string {
	rest, isEvery := strings.CutPrefix(p.Ports, "all")
	switch {
	case !isEvery:
		return "port " + clip(p.Ports, maxWord)
	case rest == "":
		return "every port"
	default:
		protocol, more, _ := strings.Cut(rest[len(" "):], " ")
		return clip(strings.TrimSpace("every "+protocol+" port "+more), maxWord)
	}
}
