package mesh

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// Places are the namespaces of a cluster, as policies of a mesh name them: those that are due in each tier, and those that
// peers choose by labels. A change of one names those whose policies it concerns, so that nobody has to look at all.
//
// What it returns is not changed by what comes later.
type Places struct {
	root   string
	due    map[string]plan.TierOf
	in     map[plan.TierOf][]string
	chosen map[chooser][]string
	peers  []choice
	// admitting are, for each tier and peer, the tiers that admit it.
	byTier map[plan.TierOf][]plan.TierOf
	byPeer map[chooser][]plan.TierOf
}

// chooser is a peer of a profile.
type chooser struct {
	profile, peer string
}

// choice is what a peer chooses.
type choice struct {
	chooser

	of claim.Tier
}

// NewPlaces returns the places of no namespace yet, for the plans of all profiles that have a part in a mesh with a root
// namespace.
func NewPlaces(plans []*plan.Plan, root string) *Places {
	p := &Places{
		root: root,
		due:  map[string]plan.TierOf{}, in: map[plan.TierOf][]string{}, chosen: map[chooser][]string{},
		byTier: map[plan.TierOf][]plan.TierOf{}, byPeer: map[chooser][]plan.TierOf{},
	}
	for _, one := range plans {
		for i := range one.Tiers {
			p.admit(one, &one.Tiers[i])
		}
		for _, peer := range one.Peers() {
			if peer.Selector != nil {
				p.peers = append(p.peers, choice{chooser{one.Profile, peer.Name}, peer})
			}
		}
	}
	return p
}

// admit takes note of whom a tier admits.
func (p *Places) admit(of *plan.Plan, t *plan.Tier) {
	here := plan.TierOf{Profile: of.Profile, Tier: t.Name}
	if t.InternalTraffic == v1alpha1.InternalTrafficSameTier {
		p.byTier[here] = with(p.byTier[here], here)
	}
	for i := range t.Rules {
		remote := &t.Rules[i].Remote
		if t.Rules[i].Direction != networkingv1.PolicyTypeIngress {
			continue
		}
		switch {
		case remote.AllTiers:
			for k := range of.Tiers {
				caller := plan.TierOf{Profile: of.Profile, Tier: of.Tiers[k].Name}
				p.byTier[caller] = with(p.byTier[caller], here)
			}
		case remote.Tier != "":
			caller := plan.TierOf{Profile: remote.Profile, Tier: remote.Tier}
			if caller.Profile == "" {
				caller.Profile = of.Profile
			}
			p.byTier[caller] = with(p.byTier[caller], here)
		case remote.Namespaces != nil && remote.Namespaces.Selector != nil:
			caller := chooser{of.Profile, remote.Peer}
			p.byPeer[caller] = with(p.byPeer[caller], here)
		}
	}
}

func with(tiers []plan.TierOf, one plan.TierOf) []plan.TierOf {
	if slices.Contains(tiers, one) {
		return tiers
	}
	return append(tiers, one)
}

// Put says in which tier a namespace is due, if in any, and what its labels are. It returns the other namespaces whose
// policies name it, or did, sorted.
func (p *Places) Put(namespace string, due plan.TierOf, of map[string]string) (concerned []string) {
	admitting := map[plan.TierOf]bool{}
	if was := p.due[namespace]; was != due {
		p.move(namespace, was, due)
		for _, tier := range slices.Concat(p.byTier[was], p.byTier[due]) {
			admitting[tier] = true
		}
	}
	seen := asDue(namespace, due, of)
	for i := range p.peers {
		peer := &p.peers[i]
		if p.choose(peer.chooser, namespace, peer.of.Selector.Matches(seen)) {
			for _, tier := range p.byPeer[peer.chooser] {
				admitting[tier] = true
			}
		}
	}
	return p.concerned(admitting, namespace)
}

// Forget says that a namespace is gone. It returns what Put does.
func (p *Places) Forget(namespace string) (concerned []string) {
	admitting := map[plan.TierOf]bool{}
	was := p.due[namespace]
	for _, tier := range p.byTier[was] {
		admitting[tier] = true
	}
	p.move(namespace, was, plan.TierOf{})
	for i := range p.peers {
		if p.choose(p.peers[i].chooser, namespace, false) {
			for _, tier := range p.byPeer[p.peers[i].chooser] {
				admitting[tier] = true
			}
		}
	}
	return p.concerned(admitting, namespace)
}

// asDue are the labels that a namespace has once those of its tier are set.
func asDue(namespace string, due plan.TierOf, of map[string]string) labels.Set {
	out := labels.Set{corev1.LabelMetadataName: namespace}
	maps.Copy(out, of)
	delete(out, v1alpha1.ProfileLabel)
	delete(out, v1alpha1.TierLabel)
	if due != (plan.TierOf{}) {
		maps.Copy(out, render.MembershipLabels(due.Profile, due.Tier))
	}
	return out
}

func (p *Places) move(namespace string, was, due plan.TierOf) {
	none := plan.TierOf{}
	if was != none {
		p.in[was] = less(p.in[was], namespace)
		delete(p.due, namespace)
	}
	if due != none {
		p.in[due] = more(p.in[due], namespace)
		p.due[namespace] = due
	}
}

// choose tells whether it is new that a peer chooses a namespace or does not.
func (p *Places) choose(by chooser, namespace string, chosen bool) (isNew bool) {
	_, was := slices.BinarySearch(p.chosen[by], namespace)
	switch {
	case was == chosen:
		return false
	case chosen:
		p.chosen[by] = more(p.chosen[by], namespace)
	default:
		p.chosen[by] = less(p.chosen[by], namespace)
	}
	return true
}

// more and less return another list: those that were handed out do not change.
func more(list []string, one string) []string {
	at, found := slices.BinarySearch(list, one)
	if found {
		return list
	}
	return slices.Insert(slices.Clone(list), at, one)
}

func less(list []string, one string) []string {
	at, found := slices.BinarySearch(list, one)
	if !found {
		return list
	}
	return slices.Delete(slices.Clone(list), at, at+1)
}

func (p *Places) concerned(admitting map[plan.TierOf]bool, but string) []string {
	var out []string
	for tier := range admitting {
		out = append(out, p.in[tier]...)
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(one string) bool { return one == but })
}

// In returns the namespaces that are due in a tier, sorted. It must not be modified.
func (p *Places) In(tier plan.TierOf) []string {
	return p.in[tier]
}

// Due is the tier in which a namespace is due.
func (p *Places) Due(namespace string) plan.TierOf {
	return p.due[namespace]
}

// Facts are what policies of a profile have to know. They are to be used before anything is put.
func (p *Places) Facts(profile string) *Facts {
	chosen := map[string][]string{}
	for i := range p.peers {
		if peer := &p.peers[i]; peer.profile == profile {
			chosen[peer.peer] = p.chosen[peer.chooser]
		}
	}
	return &Facts{Members: p.In, Chosen: chosen, Root: p.root}
}
