package offline

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// inPeer is one of those that a peer of a profile stands for: a pod of the first of its namespaces, or its first address.
func (a *asker) inPeer(text string, podLabels map[string]string) (*asked, error) {
	profile, name, found := strings.Cut(text, "/")
	if !found {
		profile, name = "", text
	}
	var of []string
	for _, p := range slices.Sorted(maps.Keys(a.rendered.Profiles)) {
		if (profile == "" || p == profile) && len(partiesOf(a.rendered.Profiles[p].Plan, name)) > 0 {
			of = append(of, p)
		}
	}
	switch len(of) {
	case 0:
		return nil, fmt.Errorf("no dependency of a profile names a peer %s; give ns/NAME, pod/NAMESPACE/NAME or an address", text)
	case 1:
	default:
		return nil, fmt.Errorf("profiles %s have a peer %s; give peer/PROFILE/%s", strings.Join(of, " and "), name, name)
	}
	parties := partiesOf(a.rendered.Profiles[of[0]].Plan, name)
	var out *asked
	var err error
	if parties[0].Namespaces != nil {
		out, err = a.podOfPeer(of[0], parties[0], podLabels)
	} else {
		out, err = addressOfPeer(name, parties)
	}
	if err != nil {
		return nil, err
	}
	out.peer, out.peerOf, out.text = name, of[0], fmt.Sprintf("peer %s (%s)", name, out.text)
	return out, nil
}

// partiesOf are a peer as dependencies name it: first as it is declared, and then with what was looked up.
func partiesOf(p *plan.Plan, peer string) []*plan.Party {
	if p == nil {
		return nil
	}
	var declared, rules []*plan.Party
	for i := range p.Tiers {
		t := &p.Tiers[i]
		for j := range t.Declared {
			if r := &t.Declared[j].Remote; r.Peer == peer {
				declared = append(declared, r)
			}
		}
		for j := range t.Rules {
			if r := &t.Rules[j].Remote; r.Peer == peer {
				rules = append(rules, r)
			}
		}
	}
	return append(declared, rules...)
}

func (a *asker) podOfPeer(profile string, party *plan.Party, podLabels map[string]string) (*asked, error) {
	peers := a.rendered.Profiles[profile].Plan.Peers()
	peer := peers[slices.IndexFunc(peers, func(t claim.Tier) bool { return t.Name == party.Peer })]
	for i := range a.rendered.Namespaces { // They are sorted.
		n := &a.rendered.Namespaces[i]
		of := a.labelsOf(n.Name)
		if of[v1alpha1.ProfileLabel] != "" || !peer.Selects(claim.Namespace{Name: n.Name, Labels: of}) {
			continue
		}
		labels, err := a.labelsOfPeer(n.Name, party)
		if err != nil && len(podLabels) == 0 {
			return nil, err
		}
		maps.Copy(labels, podLabels)
		return a.inNamespace(n.Name, labels)
	}
	return nil, fmt.Errorf("no namespace is of peer %s: none that it chooses is there, and in no tier", party.Peer)
}

// labelsOfPeer are labels that a pod of a peer has.
func (a *asker) labelsOfPeer(namespace string, party *plan.Party) (map[string]string, error) {
	out := map[string]string{}
	if party.Service != "" {
		for i := range a.world.Services {
			if s := &a.world.Services[i]; s.Namespace == namespace && s.Name == party.Service {
				maps.Copy(out, s.Spec.Selector)
				return out, nil
			}
		}
		return out, fmt.Errorf("peer %s is the pods of Service %s, which namespace %s does not have; give the labels of one",
			party.Peer, party.Service, namespace)
	}
	if party.Pods == nil {
		return out, nil
	}
	maps.Copy(out, party.Pods.MatchLabels)
	for _, r := range party.Pods.MatchExpressions {
		if r.Operator != metav1.LabelSelectorOpIn {
			return out, fmt.Errorf("peer %s chooses pods by more than labels that they have; give the labels of one", party.Peer)
		}
		out[r.Key] = r.Values[0]
	}
	return out, nil
}

// addressOfPeer is the first address of a peer.
func addressOfPeer(name string, parties []*plan.Party) (*asked, error) {
	for _, p := range parties {
		for i := range p.CIDRs {
			if ip, ok := firstOf(&p.CIDRs[i]); ok {
				return &asked{end: reach.Endpoint{IP: ip}, text: ip.String()}, nil
			}
		}
	}
	return nil, fmt.Errorf("no address of peer %s is known; give one in its place", name)
}

// firstOf is the first address of a block that is in none of its exceptions.
func firstOf(b *networkingv1.IPBlock) (netip.Addr, bool) {
	whole, err := netip.ParsePrefix(b.CIDR)
	if err != nil {
		return netip.Addr{}, false
	}
	ip := whole.Masked().Addr()
	for whole.Contains(ip) {
		at := slices.IndexFunc(b.Except, func(text string) bool {
			p, err := netip.ParsePrefix(text)
			return err == nil && p.Contains(ip)
		})
		if at < 0 {
			return ip, true
		}
		ip = lastOf(netip.MustParsePrefix(b.Except[at])).Next()
	}
	return netip.Addr{}, false
}

// lastOf is the last address of a range.
func lastOf(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for i := p.Bits(); i < p.Addr().BitLen(); i++ {
		bytes[i/8] |= 0x80 >> (i % 8)
	}
	out, _ := netip.AddrFromSlice(bytes)
	return out
}
