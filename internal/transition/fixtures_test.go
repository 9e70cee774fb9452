package transition

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// The policies of these tests are of a namespace of profile shop. They are written as what they
// open, one rule each: "in web 80" is a rule for ingress from the tier web on port 80, "out ops"
// one for egress to namespace ops on all ports, and "in *" one for ingress from everybody.

// peersByName are the peers of the tests.
func peersByName() map[string]*metav1.LabelSelector {
	return map[string]*metav1.LabelSelector{
		"web":         {MatchLabels: render.MembershipLabels("shop", "web")},
		"api":         {MatchLabels: render.MembershipLabels("shop", "api")},
		"wiki":        {MatchLabels: render.MembershipLabels("wiki", "web")},
		"blog":        {MatchLabels: render.MembershipLabels("blog", "web")},
		"selected":    requirement(v1alpha1.ProfileLabel, metav1.LabelSelectorOpIn, "shop"),
		"unsegmented": requirement(v1alpha1.ProfileLabel, metav1.LabelSelectorOpDoesNotExist),
		"ops":         {MatchLabels: map[string]string{corev1.LabelMetadataName: "ops"}},
		"own":         nil,
	}
}

func requirement(key string, operator metav1.LabelSelectorOperator, values ...string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: operator, Values: values}}}
}

// base makes the policy of all pods.
func base(openings ...string) *networkingv1.NetworkPolicy {
	return policy(render.Prefix, "", openings...)
}

// pods makes the policy of the pods of one app. Its name says its direction.
func pods(name, app string, openings ...string) *networkingv1.NetworkPolicy {
	return policy(render.Prefix+"-"+name, app, openings...)
}

func policy(name, app string, openings ...string) *networkingv1.NetworkPolicy {
	b := builders.MakeNetworkPolicy("one", name).Managed()
	if app != "" {
		b.Pods(map[string]string{"app": app})
	}
	if !strings.HasSuffix(name, "-egress") {
		b.Ingress()
	}
	if !strings.HasSuffix(name, "-ingress") {
		b.Egress()
	}
	for _, opening := range openings {
		words := strings.Fields(opening)
		r := rule{peers: peersOf(words[1])}
		for _, port := range words[2:] {
			r.ports = append(r.ports, portOf(port))
		}
		if words[0] == "in" {
			b.Ingress(networkingv1.NetworkPolicyIngressRule{From: r.peers, Ports: r.ports})
		} else {
			b.Egress(networkingv1.NetworkPolicyEgressRule{To: r.peers, Ports: r.ports})
		}
	}
	return b.Obj()
}

func portOf(number string) networkingv1.NetworkPolicyPort {
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil {
		panic(err)
	}
	return networkingv1.NetworkPolicyPort{Protocol: new(corev1.ProtocolTCP), Port: new(intstr.FromInt32(int32(n)))}
}

// peersOf are peers by their names, with a plus in between.
func peersOf(names string) []networkingv1.NetworkPolicyPeer {
	if names == "*" {
		return nil
	}
	var out []networkingv1.NetworkPolicyPeer
	for name := range strings.SplitSeq(names, "+") {
		selector, known := peersByName()[name]
		if !known {
			panic("no peer is called " + name)
		}
		peer := networkingv1.NetworkPolicyPeer{NamespaceSelector: selector}
		if selector == nil {
			peer.PodSelector = &metav1.LabelSelector{}
		}
		out = append(out, peer)
	}
	return out
}

// says writes what a policy opens as it is written for policy.
func says(p *networkingv1.NetworkPolicy) string {
	names := map[string]string{}
	for name := range peersByName() {
		names[keys(peersOf(name))[0]] = name
	}
	var out []string
	for _, direction := range directions() {
		word := map[networkingv1.PolicyType]string{networkingv1.PolicyTypeIngress: "in", networkingv1.PolicyTypeEgress: "out"}[direction]
		for _, r := range rulesOf(&p.Spec, direction) {
			peers := keys(r.peers)
			for i := range peers {
				peers[i] = names[peers[i]]
			}
			words := []string{word, cmp.Or(strings.Join(peers, "+"), "*")}
			for _, port := range r.ports {
				words = append(words, port.Port.String())
			}
			out = append(out, strings.Join(words, " "))
		}
	}
	return cmp.Or(strings.Join(out, ", "), "nothing")
}

var hash = regexp.MustCompile("-[0-9a-f]{10}$")

// describe writes policies, with a star for the hash in the name of a stand-in.
func describe(p *networkingv1.NetworkPolicy) string {
	name := hash.ReplaceAllString(p.Name, "-*")
	if app := p.Spec.PodSelector.MatchLabels["app"]; app != "" {
		name += " of " + app
	}
	return name + ": " + says(p)
}

func describeAll(policies []*networkingv1.NetworkPolicy) []string {
	out := make([]string, 0, len(policies))
	for _, p := range policies {
		out = append(out, describe(p))
	}
	return out
}

// describeSteps writes steps, with an exclamation mark for those that may close something.
func describeSteps(steps []Step) []string {
	out := make([]string, 0, len(steps))
	for _, s := range steps {
		var text string
		switch {
		case s.Desired == nil:
			text = "delete " + hash.ReplaceAllString(s.Name(), "-*")
		case s.Current == nil:
			text = "write " + describe(s.Desired)
		default:
			text = "change " + describe(s.Desired)
		}
		if s.Closes {
			text += " !"
		}
		out = append(out, text)
	}
	return out
}

// after returns the policies after some steps.
func after(policies []*networkingv1.NetworkPolicy, steps ...Step) []*networkingv1.NetworkPolicy {
	out := slices.Clone(policies)
	for _, s := range steps {
		out = slices.DeleteFunc(out, func(p *networkingv1.NetworkPolicy) bool { return p.Name == s.Name() })
		if s.Desired != nil {
			out = append(out, s.Desired)
		}
	}
	slices.SortFunc(out, func(a, b *networkingv1.NetworkPolicy) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func list(policies ...*networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy { return policies }

// large is a policy with so many rules that two of them cannot be stored as one.
func large(of, name, app string) *networkingv1.NetworkPolicy {
	p := pods(name, app)
	for i := range render.MaxBytes / 2 / len(`{"ipBlock":{"cidr":"10.100.100.100/32"}},`) {
		block := fmt.Sprintf("%s.%d.%d.%d/32", of, i>>16, i>>8&255, i&255)
		p.Spec.Egress = append(p.Spec.Egress, networkingv1.NetworkPolicyEgressRule{
			To: []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: block}}},
		})
	}
	return p
}
