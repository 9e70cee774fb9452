package offline

import (
	"cmp"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// Graph is what profiles declare, as parties and what is declared between them.
type Graph struct {
	// Nodes are sorted by profile, kind and name.
	Nodes []Node
	// Edges are sorted by profile and name.
	Edges []Edge
	// Findings are sorted by profile, namespace, reason and message.
	Findings []GraphFinding
}

// NodeKind says what a node stands for.
type NodeKind string

// What a node stands for.
const (
	// TierNode is a tier of a profile that is drawn.
	TierNode NodeKind = "tier"
	// AllTiersNode is every tier of a profile.
	AllTiersNode NodeKind = "all tiers"
	// PeerNode is a peer.
	PeerNode NodeKind = "peer"
	// RemoteNode is a tier of a profile that is not drawn.
	RemoteNode NodeKind = "tier of another profile"
)

// Node is a party.
type Node struct {
	// ID tells it apart from all others, such as tier/shop/web.
	ID string
	// Kind says what it stands for.
	Kind NodeKind
	// Profile is whose it is, and Name its name there.
	Profile, Name string
	// About says what it is, in a line each.
	About []string
	// Namespaces are the namespaces of a tier, sorted.
	Namespaces []string
	// Findings are findings about a peer.
	Findings []string
}

// Edge is a dependency.
type Edge struct {
	// Profile is whose it is, and Name its name there.
	Profile, Name string
	// From and To are the IDs of its ends.
	From, To string
	// Ports says which ports it opens; empty if it is about the API only.
	Ports string
	// Service is the Service that is called; empty if it names none.
	Service string
	// FromPods and ToPods choose the pods on either side; empty for every pod.
	FromPods, ToPods string
	// Access are the roles that it grants.
	Access []string
	// Closed is set if it opens no path although it declares one: one of its sides is written nowhere.
	Closed bool
	// Findings say why, or what else was found about it.
	Findings []string
}

// GraphFinding is a finding with the profile that it is about.
type GraphFinding struct {
	plan.Finding

	Profile string
}

// reasonInvalid is the reason of what does not compile: as in the condition that says so.
const reasonInvalid = v1alpha1.ReasonInvalid

// Graph is the graph of these profiles.
func (r *Rendered) Graph(profiles []string) *Graph {
	g := grapher{rendered: r, out: &Graph{}, nodes: map[string]bool{}}
	names := slices.Compact(slices.Sorted(slices.Values(profiles)))
	for _, name := range names {
		g.tiersAndPeers(r.Profiles[name])
	}
	for _, name := range names {
		g.dependencies(r.Profiles[name])
	}
	order := []NodeKind{TierNode, AllTiersNode, PeerNode, RemoteNode}
	slices.SortFunc(g.out.Nodes, func(a, b Node) int {
		return cmp.Or(strings.Compare(a.Profile, b.Profile), slices.Index(order, a.Kind)-slices.Index(order, b.Kind),
			strings.Compare(a.Name, b.Name))
	})
	slices.SortFunc(g.out.Edges, func(a, b Edge) int {
		return cmp.Or(strings.Compare(a.Profile, b.Profile), strings.Compare(a.Name, b.Name))
	})
	slices.SortFunc(g.out.Findings, func(a, b GraphFinding) int {
		return cmp.Or(strings.Compare(a.Profile, b.Profile), strings.Compare(a.Namespace, b.Namespace),
			strings.Compare(a.Reason, b.Reason), strings.Compare(a.Message, b.Message))
	})
	return g.out
}

// Profiles are the names of the profiles in the graph, sorted.
func (g *Graph) Profiles() []string {
	var out []string
	for i := range g.Nodes {
		if n := &g.Nodes[i]; n.Kind == TierNode && !slices.Contains(out, n.Profile) {
			out = append(out, n.Profile)
		}
	}
	return out
}

// Node is the node of that ID, or nil.
func (g *Graph) Node(id string) *Node {
	for i := range g.Nodes {
		if g.Nodes[i].ID == id {
			return &g.Nodes[i]
		}
	}
	return nil
}

type grapher struct {
	rendered *Rendered
	out      *Graph
	nodes    map[string]bool
}

func (g *grapher) add(n Node) {
	if !g.nodes[n.ID] {
		g.nodes[n.ID] = true
		g.out.Nodes = append(g.out.Nodes, n)
	}
}

func (g *grapher) tiersAndPeers(p *Profile) {
	for _, err := range p.Invalid {
		g.out.Findings = append(g.out.Findings, GraphFinding{plan.Finding{Reason: reasonInvalid, Message: err.Error()}, p.Profile.Name})
	}
	for _, f := range p.Findings {
		g.out.Findings = append(g.out.Findings, GraphFinding{f, p.Profile.Name})
	}
	if p.Preview {
		g.out.Findings = append(g.out.Findings, GraphFinding{plan.Finding{
			Reason: v1alpha1.ReasonPreview, Message: "the profile is in Preview: this is what it declares, and none of it is written",
		}, p.Profile.Name})
	}
	for i := range p.Profile.Spec.Tiers {
		t := &p.Profile.Spec.Tiers[i]
		n := Node{ID: "tier/" + p.Profile.Name + "/" + string(t.Name), Kind: TierNode, Profile: p.Profile.Name, Name: string(t.Name)}
		for j := range g.rendered.Namespaces {
			if in := &g.rendered.Namespaces[j]; tierText(in) == n.Profile+"/"+n.Name {
				n.Namespaces = append(n.Namespaces, in.Name)
			}
		}
		n.About = []string{counted(len(n.Namespaces), "namespace"), internalText(t.InternalTraffic)}
		g.add(n)
	}
	for i := range p.Profile.Spec.Peers {
		peer := &p.Profile.Spec.Peers[i]
		g.add(Node{
			ID: "peer/" + p.Profile.Name + "/" + string(peer.Name), Kind: PeerNode, Profile: p.Profile.Name, Name: string(peer.Name),
			About: peerTexts(peer), Findings: p.findingsOf("peer " + string(peer.Name) + ": "),
		})
	}
}

// findingsOf are the findings whose message begins so: findings name what they are about first.
func (p *Profile) findingsOf(prefix string) []string {
	var out []string
	for i := range p.Findings {
		if text, ok := strings.CutPrefix(p.Findings[i].Message, prefix); ok {
			out = append(out, p.Findings[i].Reason+": "+text)
		}
	}
	slices.Sort(out)
	return out
}

func (g *grapher) dependencies(p *Profile) {
	for i := range p.Profile.Spec.Dependencies {
		d := &p.Profile.Spec.Dependencies[i]
		e := Edge{
			Profile: p.Profile.Name, Name: string(d.Name), From: g.end(p, &d.From), To: g.end(p, &d.To), Service: string(d.To.Service),
			FromPods: selectorText(d.From.Pods), ToPods: selectorText(d.To.Pods), Closed: p.closed(d),
			Findings: p.findingsOf("dependency " + string(d.Name) + ": "),
		}
		if opensPath(d) {
			e.Ports = portsText(d)
			if isAPIServer(p, d.To.Peer) {
				e.Ports = "its ports"
			}
		}
		for _, a := range d.Access {
			e.Access = append(e.Access, cmp.Or(string(a.Role), "ClusterRole "+string(a.ClusterRole)))
		}
		slices.Sort(e.Access)
		for _, peer := range []v1alpha1.Name{d.From.Peer, d.To.Peer} {
			if e.Closed && peer != "" {
				e.Findings = append(e.Findings, p.findingsOf("peer "+string(peer)+": ")...)
			}
		}
		if len(p.Invalid) > 0 {
			e.Findings = append(e.Findings, reasonInvalid+": the profile cannot be compiled")
		}
		g.out.Edges = append(g.out.Edges, e)
	}
}

// end is the ID of the node at one end of a dependency.
func (g *grapher) end(p *Profile, e *v1alpha1.Endpoint) string {
	profile := p.Profile.Name
	switch {
	case e.AllTiers:
		id := "all/" + profile
		g.add(Node{ID: id, Kind: AllTiersNode, Profile: profile, Name: "all tiers", About: []string{
			counted(len(p.Profile.Spec.Tiers), "tier"),
		}})
		return id
	case e.Peer != "":
		return "peer/" + profile + "/" + string(e.Peer)
	case e.Profile != "":
		id := "tier/" + string(e.Profile) + "/" + string(e.Tier)
		g.add(Node{ID: id, Kind: RemoteNode, Profile: string(e.Profile), Name: string(e.Tier)})
		return id
	default:
		return "tier/" + profile + "/" + string(e.Tier)
	}
}

// opensPath tells whether a dependency is about the network: with access and without ports it is about the API only.
func opensPath(d *v1alpha1.Dependency) bool {
	return len(d.Ports) > 0 || len(d.Access) == 0
}

// closed tells whether a dependency opens nothing although it declares a path: what is declared for one of its sides
// did not become any rule.
func (p *Profile) closed(d *v1alpha1.Dependency) bool {
	if p.Plan == nil {
		return true
	}
	declared, opened := map[networkingv1.PolicyType]bool{}, map[networkingv1.PolicyType]bool{}
	for i := range p.Plan.Tiers {
		for _, side := range []struct {
			rules []plan.Rule
			into  map[networkingv1.PolicyType]bool
		}{{p.Plan.Tiers[i].Declared, declared}, {p.Plan.Tiers[i].Rules, opened}} {
			for j := range side.rules {
				if side.rules[j].Dependency == string(d.Name) {
					side.into[side.rules[j].Direction] = true
				}
			}
		}
	}
	return len(opened) < len(declared)
}
