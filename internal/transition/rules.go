package transition

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// rule is a rule of either direction. Those of egress and ingress differ only in what their
// peers are called.
type rule struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

func rulesOf(spec *networkingv1.NetworkPolicySpec, direction networkingv1.PolicyType) []rule {
	if direction == networkingv1.PolicyTypeIngress {
		out := make([]rule, 0, len(spec.Ingress))
		for _, r := range spec.Ingress {
			out = append(out, rule{r.From, r.Ports})
		}
		return out
	}
	out := make([]rule, 0, len(spec.Egress))
	for _, r := range spec.Egress {
		out = append(out, rule{r.To, r.Ports})
	}
	return out
}

func withRules(spec *networkingv1.NetworkPolicySpec, direction networkingv1.PolicyType, rules []rule) {
	if direction == networkingv1.PolicyTypeIngress {
		spec.Ingress = nil
		for _, r := range rules {
			spec.Ingress = append(spec.Ingress, networkingv1.NetworkPolicyIngressRule{From: r.peers, Ports: r.ports})
		}
		return
	}
	spec.Egress = nil
	for _, r := range rules {
		spec.Egress = append(spec.Egress, networkingv1.NetworkPolicyEgressRule{To: r.peers, Ports: r.ports})
	}
}

func directions() []networkingv1.PolicyType {
	return []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
}

// atom is one peer on one port, in one direction: the smallest thing that a policy allows.
// Policies are compared by their atoms and not by their rules, which can be cut in many ways.
type atom struct {
	direction  networkingv1.PolicyType
	peer, port string
}

// everybody and everyPort stand for a rule without peers, and one without ports.
const (
	everybody = "*"
	everyPort = "*"
)

type atoms map[atom]bool

func atomsOf(spec *networkingv1.NetworkPolicySpec) atoms {
	out := atoms{}
	for _, direction := range directions() {
		for _, r := range rulesOf(spec, direction) {
			out.add(direction, r)
		}
	}
	return out
}

func (a atoms) add(direction networkingv1.PolicyType, r rule) {
	for _, each := range r.atoms(direction) {
		a[each] = true
	}
}

func (a atoms) hasAll(others atoms) bool {
	for each := range others {
		if !a[each] {
			return false
		}
	}
	return true
}

func (r rule) atoms(direction networkingv1.PolicyType) []atom {
	peers, ports := []string{everybody}, []string{everyPort}
	if len(r.peers) > 0 {
		peers = keys(r.peers)
	}
	if len(r.ports) > 0 {
		ports = keys(r.ports)
	}
	out := make([]atom, 0, len(peers)*len(ports))
	for _, peer := range peers {
		for _, port := range ports {
			out = append(out, atom{direction, peer, port})
		}
	}
	return out
}

func keys[T any](items []T) []string {
	out := make([]string, 0, len(items))
	for i := range items {
		out = append(out, render.Key(&items[i]))
	}
	return out
}

// sameScope tells whether two policies apply to the same pods and directions, so that one
// can take over from the other in one write.
func sameScope(a, b *networkingv1.NetworkPolicySpec) bool {
	return equality.Semantic.DeepEqual(a.PodSelector, b.PodSelector) && slices.Equal(a.PolicyTypes, b.PolicyTypes)
}

// union returns a policy that allows what the first does and what the second does. Both have the
// same scope; the metadata is that of the first.
func union(first, second *networkingv1.NetworkPolicy) *networkingv1.NetworkPolicy {
	out := first.DeepCopy()
	known := atomsOf(&first.Spec)
	for _, direction := range directions() {
		rules := rulesOf(&out.Spec, direction)
		for _, r := range rulesOf(&second.Spec, direction) {
			if slices.ContainsFunc(r.atoms(direction), func(a atom) bool { return !known[a] }) {
				rules = append(rules, r)
			}
		}
		withRules(&out.Spec, direction, rules)
	}
	return out
}

// opened returns a policy that allows everything, both ways, beside what it allows anyway.
func opened(policy *networkingv1.NetworkPolicy) *networkingv1.NetworkPolicy {
	out := policy.DeepCopy()
	for _, direction := range directions() {
		withRules(&out.Spec, direction, append(rulesOf(&out.Spec, direction), rule{}))
	}
	return out
}

// shut is a policy without what opened added to it, if it did. No other rule is without peers.
func shut(policy *networkingv1.NetworkPolicy) *networkingv1.NetworkPolicy {
	out := policy.DeepCopy()
	for _, direction := range directions() {
		withRules(&out.Spec, direction, slices.DeleteFunc(rulesOf(&out.Spec, direction), rule.isForEverybody))
	}
	return out
}

func (r rule) isForEverybody() bool { return len(r.peers) == 0 }

// isOpen tells whether a policy allows everything in both directions.
func isOpen(policy *networkingv1.NetworkPolicy) bool {
	found := atomsOf(&policy.Spec)
	return found[atom{networkingv1.PolicyTypeIngress, everybody, everyPort}] &&
		found[atom{networkingv1.PolicyTypeEgress, everybody, everyPort}]
}

// peersGone tells which peers to leave out.
type peersGone func(*networkingv1.NetworkPolicyPeer) bool

// without returns a policy without some peers. A rule of which no peer is left goes with them:
// without peers it would mean everybody.
func without(gone peersGone, policy *networkingv1.NetworkPolicy) *networkingv1.NetworkPolicy {
	out := policy.DeepCopy()
	for _, direction := range directions() {
		var kept []rule
		for _, r := range rulesOf(&out.Spec, direction) {
			had := len(r.peers) > 0
			r.peers = slices.DeleteFunc(r.peers, func(p networkingv1.NetworkPolicyPeer) bool { return gone(&p) })
			if !had || len(r.peers) > 0 {
				kept = append(kept, r)
			}
		}
		withRules(&out.Spec, direction, kept)
	}
	return out
}

// isUnsegmented tells whether a peer stands for namespaces because they are not members.
func isUnsegmented(peer *networkingv1.NetworkPolicyPeer) bool {
	return render.ChoosesUnsegmented(peer.NamespaceSelector)
}

// profilesOf are the profiles of whose members a peer stands for some, by their labels; none for other peers.
func profilesOf(peer *networkingv1.NetworkPolicyPeer) []string {
	s := peer.NamespaceSelector
	if s == nil {
		return nil
	}
	if profile := s.MatchLabels[v1alpha1.ProfileLabel]; profile != "" {
		return []string{profile}
	}
	for _, e := range s.MatchExpressions {
		if e.Key == v1alpha1.ProfileLabel && e.Operator == metav1.LabelSelectorOpIn {
			return e.Values
		}
	}
	return nil
}
