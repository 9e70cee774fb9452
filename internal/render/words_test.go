package render_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// addressesFor lets pods have any address if the profile names some. Where it names the internet pods have none: it has
// so many exceptions that there would be too many kinds of pods.
func addressesFor(profile *v1alpha1.SegmentationProfile) []reach.Option {
	if slices.ContainsFunc(profile.Spec.Peers, func(p v1alpha1.Peer) bool { return p.Internet != nil }) {
		return nil
	}
	if slices.ContainsFunc(profile.Spec.Peers, func(p v1alpha1.Peer) bool { return len(p.CIDRs) > 0 }) {
		return []reach.Option{reach.PodsAnywhere()}
	}
	return nil
}

// namespacesFor are two namespaces of each kind that the profile tells from others: members
// of each of its tiers, of another profile's, and of none, with every combination of the
// labels that it asks for. Each namespace that it names is there once, so it has the labels
// of one of these kinds, in turns.
func namespacesFor(profile *v1alpha1.SegmentationProfile, turn int) []reach.Namespace {
	memberships := make([]map[string]string, 0, len(profile.Spec.Tiers)+2)
	memberships = append(memberships, nil, render.MembershipLabels("another", string(profile.Spec.Tiers[0].Name)))
	for _, tier := range profile.Spec.Tiers {
		memberships = append(memberships, render.MembershipLabels(profile.Name, string(tier.Name)))
	}
	labelled, names := combinations(profile), namesOf(profile)
	kinds := make([]map[string]string, 0, len(memberships)*len(labelled))
	out := make([]reach.Namespace, 0, 2*cap(kinds)+len(names))
	for _, membership := range memberships {
		for _, combination := range labelled {
			labels := maps.Clone(combination)
			maps.Copy(labels, membership)
			kinds = append(kinds, labels)
			for _, suffix := range []string{"a", "b"} {
				out = append(out, named(fmt.Sprintf("kind-%d-%s", len(kinds), suffix), labels))
			}
		}
	}
	for i, name := range names {
		out = append(out, named(name, kinds[(i+turn)%len(kinds)]))
	}
	return out
}

func named(name string, labels map[string]string) reach.Namespace {
	// As the API server does.
	own := map[string]string{corev1.LabelMetadataName: name}
	maps.Copy(own, labels)
	return reach.Namespace{Name: name, Labels: own}
}

// combinations are all combinations of the labels of namespaces that peers ask for: each of
// the values, another one, and none. Membership is not among them.
func combinations(profile *v1alpha1.SegmentationProfile) []map[string]string {
	values := map[string][]string{}
	for i := range profile.Spec.Peers {
		if of := profile.Spec.Peers[i].Namespaces; of != nil && of.Selector != nil {
			for key, value := range of.Selector.MatchLabels {
				values[key] = append(values[key], string(value))
			}
			for _, r := range of.Selector.MatchExpressions {
				values[r.Key] = append(values[r.Key], "some-other")
				for _, value := range r.Values {
					values[r.Key] = append(values[r.Key], string(value))
				}
			}
		}
	}
	delete(values, v1alpha1.ProfileLabel)
	out := []map[string]string{{}}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		slices.Sort(values[key])
		for _, without := range out {
			for _, value := range append(slices.Compact(values[key]), "any-other") {
				with := maps.Clone(without)
				with[key] = value
				out = append(out, with)
			}
		}
	}
	return out
}

// namesOf are the namespaces that a profile names.
func namesOf(profile *v1alpha1.SegmentationProfile) []string {
	out := []string{"kube-system"}
	if profile.Spec.DNS.Namespace != "" {
		out = append(out, string(profile.Spec.DNS.Namespace))
	}
	for i := range profile.Spec.Peers {
		if of := profile.Spec.Peers[i].Namespaces; of != nil {
			for _, name := range of.Names {
				out = append(out, string(name))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// words are policies that have every selector of pods, port and block of a profile in them,
// as the profile has them, so that they cut classes. They mean nothing. A selector is asked
// of the pods of the namespaces that it is about.
func words(profile *v1alpha1.SegmentationProfile) []*networkingv1.NetworkPolicy {
	var rules []networkingv1.NetworkPolicyIngressRule
	peer := func(p networkingv1.NetworkPolicyPeer) {
		rules = append(rules, networkingv1.NetworkPolicyIngressRule{From: []networkingv1.NetworkPolicyPeer{p}})
	}
	dns := profile.Spec.DNS
	for _, pods := range []*v1alpha1.LabelSelector{dns.Pods, builders.LabelSelector(map[string]string{"k8s-app": "kube-dns"})} {
		name := cmp.Or(string(dns.Namespace), "kube-system")
		peer(podsIn(&v1alpha1.LabelSelector{MatchLabels: map[string]v1alpha1.LabelValue{corev1.LabelMetadataName: v1alpha1.LabelValue(name)}}, pods))
	}
	rules = append(rules, portsOf([]v1alpha1.Port{
		{Port: new(intstr.FromInt32(cmp.Or(dns.Port, 53)))},
		{Protocol: corev1.ProtocolUDP, Port: new(intstr.FromInt32(cmp.Or(dns.Port, 53)))},
	})...)
	for i := range profile.Spec.Peers {
		declared := &profile.Spec.Peers[i]
		if of := declared.Namespaces; of != nil {
			byName := builders.LabelSelector(nil, builders.In(corev1.LabelMetadataName, asStrings(of.Names)...))
			peer(podsIn(cmp.Or(of.Selector, byName), declared.Pods))
		}
		for _, block := range blocksOf(declared) {
			for _, cidr := range append([]v1alpha1.CIDR{block.CIDR}, block.Except...) {
				peer(networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: string(cidr)}})
			}
		}
	}
	for _, tier := range profile.Spec.Tiers {
		peer(podsIn(builders.LabelSelector(render.MembershipLabels(profile.Name, string(tier.Name))), nil))
	}
	for i := range profile.Spec.Dependencies {
		d := &profile.Spec.Dependencies[i]
		for _, end := range []v1alpha1.Endpoint{d.From, d.To} {
			for _, tier := range profile.Spec.Tiers {
				if end.AllTiers || end.Tier == tier.Name {
					peer(podsIn(builders.LabelSelector(render.MembershipLabels(profile.Name, string(tier.Name))), end.Pods))
				}
			}
		}
		rules = append(rules, portsOf(d.Ports)...)
	}
	return []*networkingv1.NetworkPolicy{builders.MakeNetworkPolicy("kind-1-a", "words").Ingress(rules...).Obj()}
}

func podsIn(namespaces, pods *v1alpha1.LabelSelector) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{NamespaceSelector: asSelector(namespaces), PodSelector: asSelector(pods)}
}

func asStrings[S ~string](values []S) []string {
	out := make([]string, 0, len(values))
	for _, value := range values {
		out = append(out, string(value))
	}
	return out
}

func portsOf(ports []v1alpha1.Port) []networkingv1.NetworkPolicyIngressRule {
	out := make([]networkingv1.NetworkPolicyIngressRule, 0, 2*len(ports))
	for _, p := range ports {
		port := networkingv1.NetworkPolicyPort{Port: p.Port}
		if p.Protocol != "" {
			port.Protocol = &p.Protocol
		}
		if p.EndPort != 0 {
			port.EndPort = &p.EndPort
		}
		out = append(out, networkingv1.NetworkPolicyIngressRule{Ports: []networkingv1.NetworkPolicyPort{port}})
	}
	return out
}

// asSelector is a selector in the form of policies; nil chooses everything, as in a profile.
func asSelector(selector *v1alpha1.LabelSelector) *metav1.LabelSelector {
	out := &metav1.LabelSelector{MatchLabels: map[string]string{}}
	if selector == nil {
		return out
	}
	for key, value := range selector.MatchLabels {
		out.MatchLabels[key] = string(value)
	}
	for _, r := range selector.MatchExpressions {
		out.MatchExpressions = append(out.MatchExpressions, metav1.LabelSelectorRequirement{
			Key: r.Key, Operator: metav1.LabelSelectorOperator(r.Operator), Values: asStrings(r.Values),
		})
	}
	return out
}
