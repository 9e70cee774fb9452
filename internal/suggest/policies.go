package suggest

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// dnsPort is the port on which names are asked for (RFC 1035): every tier may, without a dependency.
const dnsPort = 53

// readPolicies takes wishes from what policies allow across the borders of tiers.
func (s *suggester) readPolicies() {
	for _, p := range s.world.Foreign() {
		if at, ours := s.tierOf[p.Namespace]; ours {
			s.readPolicy(p, &s.tiers[at])
		}
	}
	for _, why := range slices.Sorted(maps.Keys(s.skipped)) {
		names := slices.Compact(slices.Sorted(slices.Values(s.skipped[why])))
		s.about = append(s.about, Remark{true, fmt.Sprintf("not taken over from %s %s: %s",
			strings.TrimPrefix(counted(len(names), "NetworkPolicy"), "1 "), shortened(names), why)})
	}
}

func (s *suggester) readPolicy(p *networkingv1.NetworkPolicy, of *tier) {
	pods, ok := podsOf(&p.Spec.PodSelector)
	if !ok {
		s.skip(p, "it selects pods by more than a profile can say")
		return
	}
	near := side{tier: string(of.name), pods: pods}
	isolates := func(t networkingv1.PolicyType) bool {
		return slices.Contains(p.Spec.PolicyTypes, t) ||
			len(p.Spec.PolicyTypes) == 0 && (t == networkingv1.PolicyTypeIngress || len(p.Spec.Egress) > 0)
	}
	if isolates(networkingv1.PolicyTypeIngress) {
		for i := range p.Spec.Ingress {
			s.readRule(p, p.Spec.Ingress[i].From, openingsOf(p.Spec.Ingress[i].Ports), near, true)
		}
	}
	if isolates(networkingv1.PolicyTypeEgress) {
		for i := range p.Spec.Egress {
			s.readRule(p, p.Spec.Egress[i].To, openingsOf(p.Spec.Egress[i].Ports), near, false)
		}
	}
}

func (s *suggester) skip(p *networkingv1.NetworkPolicy, why string) {
	s.skipped[why] = append(s.skipped[why], p.Namespace+"/"+p.Name)
}

func (s *suggester) readRule(p *networkingv1.NetworkPolicy, peers []networkingv1.NetworkPolicyPeer, ports []opening, near side, in bool) {
	if !in && isTo(ports, dnsPort) {
		return
	}
	if len(peers) == 0 {
		if in {
			s.skip(p, "a rule that lets in everyone; declare who calls")
		} else {
			s.skip(p, "a rule that lets out to everyone; declare who is called")
		}
		return
	}
	for i := range peers {
		for _, far := range s.sidesOf(p, &peers[i]) {
			w := wish{from: far, to: near, ports: ports, why: fmt.Sprintf("NetworkPolicy %s/%s", p.Namespace, p.Name)}
			if !in {
				w.from, w.to = near, far
			}
			s.want(w)
		}
	}
}

// want keeps a wish that a dependency can be.
func (s *suggester) want(w wish) {
	if isAddresses(s.outsiders[w.to.peer].peer) && len(w.ports) > 0 {
		if w.ports = asNumbers(w.ports); len(w.ports) == 0 {
			return
		}
	}
	s.wishes = append(s.wishes, w)
}

func isAddresses(p v1alpha1.Peer) bool {
	return len(p.CIDRs) > 0 || p.Internet != nil
}

// sidesOf are the tiers and peers that a peer of a policy stands for.
func (s *suggester) sidesOf(p *networkingv1.NetworkPolicy, peer *networkingv1.NetworkPolicyPeer) []side {
	switch {
	case peer.IPBlock != nil:
		return s.block(p, peer.IPBlock)
	case peer.NamespaceSelector == nil:
		return nil // Of the same namespace, where all pods reach each other.
	case isEmpty(peer.NamespaceSelector) && isEmpty(peer.PodSelector):
		s.skip(p, "a rule for all namespaces, which tells nothing of who is meant; declare who is")
		return nil
	}
	selects, err := metav1.LabelSelectorAsSelector(peer.NamespaceSelector)
	pods, ok := podsOf(peer.PodSelector)
	if err != nil || !ok {
		s.skip(p, "it selects pods or namespaces by more than a profile can say")
		return nil
	}
	out, outside := s.selected(p, selects, pods)
	switch {
	case len(outside) > maxNames:
		s.skip(p, fmt.Sprintf("%d namespaces that are no tiers; choose those that are needed", len(outside)))
	case len(outside) > 0:
		out = append(out, s.outsideNamespaces(outside, pods))
	}
	return out
}

// isEmpty tells whether a selector selects all.
func isEmpty(s *metav1.LabelSelector) bool {
	return s == nil || len(s.MatchLabels)+len(s.MatchExpressions) == 0
}

// selected are the tiers of namespaces other than a policy's own, and the namespaces that are in none.
func (s *suggester) selected(p *networkingv1.NetworkPolicy, selects labels.Selector, pods string) (out []side, outside []string) {
	for i := range s.world.Namespaces {
		n := &s.world.Namespaces[i]
		if n.Name == p.Namespace || !selects.Matches(labels.Set(n.Labels)) {
			continue
		}
		at, ours := s.tierOf[n.Name]
		far, isOther := s.otherOf[n.Name]
		switch {
		case ours:
			far = side{tier: string(s.tiers[at].name)}
		case !isOther:
			outside = append(outside, n.Name)
			continue
		}
		if far.pods = pods; !slices.Contains(out, far) {
			out = append(out, far)
		}
	}
	return out, outside
}

func (s *suggester) outsideNamespaces(names []string, pods string) side {
	slices.Sort(names)
	set := named(names)
	key := "namespaces " + strings.Join(names, ",") + " " + pods
	words := []string{names[0]}
	if len(names) > 1 {
		words = []string{"outside"}
	}
	s.outsiders[key] = outsider{peer: v1alpha1.Peer{Namespaces: &set, Pods: parsed(pods)}, words: words}
	return side{peer: key}
}

func (s *suggester) block(p *networkingv1.NetworkPolicy, b *networkingv1.IPBlock) []side {
	whole, err := netip.ParsePrefix(b.CIDR)
	if err != nil || len(b.Except) > maxExcept {
		s.skip(p, "a range of addresses that a profile cannot say")
		return nil
	}
	if whole.Bits() == 0 {
		return []side{s.internet(v1alpha1.PrivateRangesExcluded)}
	}
	out := v1alpha1.CIDRBlock{CIDR: v1alpha1.CIDR(whole.Masked().String())}
	for _, text := range b.Except {
		if except, err := netip.ParsePrefix(text); err == nil {
			out.Except = append(out.Except, v1alpha1.CIDR(except.Masked().String()))
		}
	}
	key := fmt.Sprintf("ranges %s %v", out.CIDR, out.Except)
	s.outsiders[key] = outsider{peer: v1alpha1.Peer{CIDRs: []v1alpha1.CIDRBlock{out}}, words: []string{"range", string(out.CIDR)}}
	return []side{{peer: key}}
}

// maxExcept is how many exceptions a range has at most, which the CRD sets.
const maxExcept = 16

func (s *suggester) internet(private v1alpha1.PrivateRanges) side {
	key := "internet " + string(private)
	s.outsiders[key] = outsider{
		peer: v1alpha1.Peer{Internet: &v1alpha1.InternetPeer{PrivateRanges: private}}, words: []string{"internet"},
		remarks: []Remark{{true, "all addresses outside the cluster; ranges that you know (cidrs) are safer"}},
	}
	return side{peer: key}
}
