package suggest

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// profile is the profile with tiers and nothing else.
func (s *suggester) profile() *v1alpha1.SegmentationProfile {
	out := &v1alpha1.SegmentationProfile{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "SegmentationProfile"},
		ObjectMeta: metav1.ObjectMeta{Name: s.Name},
		Spec:       v1alpha1.SegmentationProfileSpec{Mode: v1alpha1.ModePreview, DNS: s.dns()},
	}
	for i := range s.tiers {
		out.Spec.Tiers = append(out.Spec.Tiers, v1alpha1.Tier{Name: s.tiers[i].name, Namespaces: s.tiers[i].set})
	}
	return out
}

// write writes the profile.
func (c *composer) write() *Suggestion {
	out := &Suggestion{
		Profile: c.profile(), About: append(c.sources(), c.about...), Unmet: slices.Clone(c.unmet),
		Tiers: map[v1alpha1.Name][]Remark{}, Peers: map[v1alpha1.Name][]Remark{}, Dependencies: map[v1alpha1.Name][]Remark{},
	}
	var silent []string
	for i := range c.tiers {
		out.Tiers[c.tiers[i].name] = c.tiers[i].remarks
		if !c.inside[i] {
			silent = append(silent, string(c.tiers[i].name))
		}
	}
	if len(c.Flows) > 0 && len(silent) > 0 {
		out.About = append(out.About, Remark{true, fmt.Sprintf("inside of a namespace no flow was observed in %s %s; "+
			"where there is none, internalTraffic: Deny is safer", pluralOf("tier", len(silent)), shortened(silent))})
	}
	w := writer{composer: c, out: out, peers: map[string]v1alpha1.Name{}, names: c.names.clone(), ours: newNamer()}
	slices.SortFunc(c.order, key.compare)
	for _, k := range c.order {
		w.dependency(k, c.deps[k])
	}
	return out
}

// sources says what a suggestion is made from.
func (s *suggester) sources() []Remark {
	members := 0
	for i := range s.tiers {
		members += len(s.tiers[i].namespaces)
	}
	flows := "no observed flows: what is not declared by a policy is not known"
	if len(s.Flows) > 0 {
		flows = counted(len(s.Flows), "observed flow")
	}
	policies := 0
	for _, p := range s.world.Foreign() {
		if _, ours := s.tierOf[p.Namespace]; ours {
			policies++
		}
	}
	return []Remark{{false, fmt.Sprintf("suggested for %s, from their labels, %s and %s", counted(members, "namespace"),
		counted(policies, "NetworkPolicy"), flows)}}
}

type writer struct {
	*composer

	out *Suggestion
	// peers are the names of the peers that were written, by their keys.
	peers map[string]v1alpha1.Name
	// names are those of tiers and peers, and ours those of dependencies.
	names, ours *namer
}

func (w *writer) dependency(k key, d *dependency) {
	from, fromName := w.endpoint(k.from)
	to, toName := w.endpoint(k.to)
	to.Service = v1alpha1.Name(k.service)
	words := []string{fromName, toName}
	// What is called and calls by address has the name of the tier in its own.
	switch {
	case strings.HasPrefix(fromName, k.to.tier+"-") && k.to.tier != "":
		words = []string{fromName}
	case strings.HasPrefix(toName, k.from.tier+"-") && k.from.tier != "":
		words = []string{toName}
	}
	if k.service != "" && k.service != toName {
		words = append(words, k.service)
	}
	for _, ports := range d.chunks() {
		name := w.ours.name(words...)
		spec := &w.out.Profile.Spec
		spec.Dependencies = append(spec.Dependencies, v1alpha1.Dependency{Name: name, From: from, To: to, Ports: ports})
		w.out.Dependencies[name] = d.remarks()
	}
}

func (w *writer) endpoint(s side) (v1alpha1.Endpoint, string) {
	switch {
	case s.tier == allTiers:
		return v1alpha1.Endpoint{AllTiers: true}, "all"
	case s.peer == "":
		return v1alpha1.Endpoint{Tier: v1alpha1.Name(s.tier), Profile: v1alpha1.Name(s.profile), Pods: parsed(s.pods)}, s.tier
	}
	name, known := w.peers[s.peer]
	if !known {
		o := w.outsiders[s.peer]
		name = w.names.name(o.words...)
		w.peers[s.peer] = name
		o.peer.Name = name
		w.out.Profile.Spec.Peers = append(w.out.Profile.Spec.Peers, o.peer)
		w.out.Peers[name] = o.remarks
	}
	return v1alpha1.Endpoint{Peer: name}, string(name)
}

func (d *dependency) remarks() []Remark {
	var out []Remark
	if n := len(d.flows); n > 0 {
		text := "observed: " + slices.Min(d.flows)
		if n > 1 {
			text += fmt.Sprintf(", and %d more", n-1)
		}
		out = append(out, Remark{false, text})
	}
	if d.unsure {
		out = append(out, Remark{true, "it was not seen who called; this is who did by the ports"})
	}
	guesses := slices.Compact(slices.Sorted(slices.Values(d.guesses)))
	for _, text := range guesses[:min(len(guesses), shownGuesses)] {
		out = append(out, Remark{true, text})
	}
	if more := len(guesses) - shownGuesses; more > 0 {
		out = append(out, Remark{true, fmt.Sprintf("and %d more", more)})
	}
	return out
}

// shownGuesses is how many reasons for a guess are listed before the rest is counted.
const shownGuesses = 3
