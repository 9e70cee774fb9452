package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// Bounds of the work on one namespace: its tenants may write policies that tell ever more apart.
const (
	// maxClasses is how many classes of pods and addresses a judgement may tell apart.
	maxClasses = 1024
	// maxPairs is how many pairs of them are compared for one namespace.
	maxPairs = 1 << 22
	// maxParts is how many peers, ports and requirements of selectors the policies of others may have that are judged
	// together.
	maxParts = 1024
	// maxFailures is how many judgements are begun that come to be too much.
	maxFailures = 8
)

// NetworkInput is a member namespace, and the NetworkPolicies in it.
type NetworkInput struct {
	// Name is its name.
	Name string
	// Labels are its labels, those of a member included.
	Labels map[string]string
	// Own are the operator's policies, as the namespace is to have them in the end.
	Own []*networkingv1.NetworkPolicy
	// Foreign are those of others.
	Foreign []*networkingv1.NetworkPolicy
	// Guards are the ClusterNetworkPolicies of the cluster; nil if there are none.
	Guards *Guards
}

// OpenedPaths are the paths that a policy of somebody else's opens and the profile does not declare.
type OpenedPaths struct {
	// Policy is the name of the policy, which is a NetworkPolicy, or with IsCluster a ClusterNetworkPolicy.
	Policy    string
	IsCluster bool
	// Paths are the paths, sorted; none if there was too much to compare.
	Paths []Path
	// Message says which paths it opens, and what to do about it.
	Message string
}

// Path is a path that a policy opens, in words.
type Path struct {
	// Direction says whether it leads into the namespace, or out of it. One inside has the direction of the side that the
	// policy opens.
	Direction networkingv1.PolicyType `json:"direction"`
	// Pods are the pods of the namespace: empty for all of them.
	Pods string `json:"pods,omitempty"`
	// Peers are the parties at the other end.
	Peers []string `json:"peers"`
	// Ports are the ports; "all" for every port.
	Ports string `json:"ports"`
}

// ThisNamespace stands for the namespace in the words of a path.
const ThisNamespace = "this namespace"

// Network finds what policies of others open in a namespace beyond what its profile declares, sorted by their names. It
// judges over every pod, namespace and address that could exist. A policy opens a path if, with all policies in place,
// flows pass that it lets pass at one side, and the operator's own policies do not: two policies, of which one opens the
// one side and one the other, are found both. Pods that are called from another namespace, or call one, are taken to be
// open there: what is in another namespace is judged there.
//
// ClusterNetworkPolicies are in place too. What the Admin tier denies, no NetworkPolicy opens; what those of the operator's
// accept is declared; and those of others that open paths to or from pods of the namespace follow after the NetworkPolicies,
// sorted by their names. In another namespace the Baseline tier is taken to close nothing.
func Network(in *NetworkInput) []OpenedPaths {
	opening, guards := in.opening(), in.openingGuards()
	if len(opening)+len(guards) == 0 {
		return nil
	}
	j := &networkJudge{in: in, foreign: opening}
	var found []OpenedPaths
	for _, p := range opening {
		if o := j.judge(p); o != nil {
			found = append(found, *o)
		}
	}
	for _, g := range guards {
		if o := j.judgeGuard(g); o != nil {
			found = append(found, *o)
		}
	}
	return found
}

// opening are the policies of others that have rules, sorted by name. The others open nothing.
func (in *NetworkInput) opening() []*networkingv1.NetworkPolicy {
	var out []*networkingv1.NetworkPolicy
	for _, p := range in.Foreign {
		if only(p, networkingv1.PolicyTypeIngress) != nil || only(p, networkingv1.PolicyTypeEgress) != nil {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *networkingv1.NetworkPolicy) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// NetworkKey is the same for namespaces of which Network says the same, given that the operator's policies in them have
// the same digest; empty if there is nothing to judge. It costs little.
func NetworkKey(in *NetworkInput, digest string) string {
	opening := in.opening()
	if len(opening) == 0 && len(in.openingGuards()) == 0 {
		return ""
	}
	specs := make(map[string]networkingv1.NetworkPolicySpec, len(opening))
	for _, p := range opening {
		specs[p.Name] = p.Spec
	}
	key := digest + " " + hashOf(specs, in.seen(slices.Concat(in.Own, opening)))
	if in.Guards != nil {
		key += " " + in.Guards.digest
	}
	return key
}

// Digest tells policies apart by their specs.
func Digest(policies []*networkingv1.NetworkPolicy) string {
	specs := make([]networkingv1.NetworkPolicySpec, 0, len(policies))
	for _, p := range policies {
		specs = append(specs, p.Spec)
	}
	return hashOf(specs)
}

func hashOf(parts ...any) string {
	raw, err := json.Marshal(parts)
	if err != nil {
		panic("specs of policies can be marshalled: " + err.Error()) // They are made of strings and numbers.
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// seen are the labels of the namespace as far as selectors in policies ask for them. The name is among them only if it is
// asked for.
func (in *NetworkInput) seen(policies []*networkingv1.NetworkPolicy) []string {
	own := in.labels()
	asked := map[string]bool{}
	all := func(peers []networkingv1.NetworkPolicyPeer) {
		for i := range peers {
			note(peers[i].NamespaceSelector, own, asked)
		}
	}
	for _, p := range policies {
		for i := range p.Spec.Ingress {
			all(p.Spec.Ingress[i].From)
		}
		for i := range p.Spec.Egress {
			all(p.Spec.Egress[i].To)
		}
	}
	noteGuards(in.Guards.list(), func(selector *metav1.LabelSelector) { note(selector, own, asked) })
	return slices.Sorted(maps.Keys(asked))
}

// note takes note of which of the labels a selector tells from others.
func note(selector *metav1.LabelSelector, own labels.Set, asked map[string]bool) {
	if selector == nil {
		return
	}
	see := func(key string, values ...string) {
		switch value, has := own[key]; {
		case has && slices.Contains(values, value):
			asked[key+"="+value] = true
		case has:
			asked[key] = true
		}
	}
	for key, value := range selector.MatchLabels {
		see(key, value)
	}
	for i := range selector.MatchExpressions {
		see(selector.MatchExpressions[i].Key, selector.MatchExpressions[i].Values...)
	}
}

func (in *NetworkInput) labels() labels.Set {
	return labels.Merge(in.Labels, labels.Set{corev1.LabelMetadataName: in.Name})
}

// only is one direction of a policy; nil if it has no rules of that.
func only(p *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) *networkingv1.NetworkPolicy {
	out := &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: ThisNamespace, Name: p.Name},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: p.Spec.PodSelector, PolicyTypes: []networkingv1.PolicyType{direction},
		},
	}
	types := reach.PolicyTypes(&p.Spec)
	switch {
	case !slices.Contains(types, direction):
		return nil
	case direction == networkingv1.PolicyTypeIngress:
		out.Spec.Ingress = p.Spec.Ingress
		if len(out.Spec.Ingress) == 0 {
			return nil
		}
	default:
		out.Spec.Egress = p.Spec.Egress
		if len(out.Spec.Egress) == 0 {
			return nil
		}
	}
	return out
}
