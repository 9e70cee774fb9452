package invariant

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// maxMemory bounds the answers that are kept.
const maxMemory = 200_000

// content is what a policy says, as a text: two policies with the same have the same effect
// in the same namespace.
type content string

func contentOf(p *networkingv1.NetworkPolicy) (content, error) {
	// The encoding sorts the keys of maps.
	encoded, err := p.Spec.Marshal()
	return content(encoded), err
}

// question asks what one policy opens towards, or from, the pods of one namespace.
type question struct {
	policy content
	// own is set for the policy's own namespace, where a peer without a selector for
	// namespaces looks for pods.
	own bool
	// labels are those of the other namespace, as a text.
	labels string
}

// answer has a word of ports for each class of pods in the other namespace.
type answer struct {
	to, from []uint64
}

// direction is egress or ingress.
type direction int

const (
	egress direction = iota
	ingress
)

// side is what a policy does by itself, wherever it is.
type side struct {
	// isolates tells of each direction and class of pods whether the policy isolates them.
	isolates [2][]bool
	// to and from have a word of ports for each address.
	to, from []uint64
}

// judge asks internal/reach what single policies do, and remembers the answers: in a
// transition the same policies meet the same namespaces again and again.
//
// It rests on two properties of NetworkPolicy, which a test compares with internal/reach:
// policies add up, and what a policy opens is the same for all pods that it applies to. The
// latter needs the named ports to be the same in all pods.
type judge struct {
	world   *World
	sides   map[content]side
	answers map[question]answer
}

func newJudge(w *World) *judge {
	return &judge{world: w, sides: map[content]side{}, answers: map[question]answer{}}
}

// side returns what a policy does by itself.
func (j *judge) side(key content, p *networkingv1.NetworkPolicy) (side, error) {
	if known, ok := j.sides[key]; ok {
		return known, nil
	}
	bare, err := reach.New([]reach.Namespace{{Name: near}}, []*networkingv1.NetworkPolicy{withoutRules(p, near)})
	if err != nil {
		return side{}, err
	}
	open, err := reach.New([]reach.Namespace{{Name: near}}, []*networkingv1.NetworkPolicy{ofAllPods(p, near)})
	if err != nil {
		return side{}, err
	}
	var s side
	anyone := reach.Endpoint{IP: netip.IPv6LinkLocalAllNodes()}
	for class := range j.world.Classes {
		pod := reach.Endpoint{Pod: j.world.pod(near, class)}
		s.isolates[egress] = append(s.isolates[egress], !bare.Allowed(reach.Flow{From: pod, To: anyone, Port: 1}).Egress)
		s.isolates[ingress] = append(s.isolates[ingress], !bare.Allowed(reach.Flow{From: anyone, To: pod, Port: 1}).Ingress)
	}
	for _, ip := range j.world.Addresses {
		to, from := j.ask(open, j.world.pod(near, 0), reach.Endpoint{IP: ip})
		s.to, s.from = append(s.to, to), append(s.from, from)
	}
	if len(j.sides) > maxMemory {
		clear(j.sides)
	}
	j.sides[key] = s
	return s, nil
}

// answer returns what a policy opens towards, and from, the pods of a namespace.
func (j *judge) answer(key content, p *networkingv1.NetworkPolicy, own bool, other *state) (answer, error) {
	q := question{policy: key, own: own, labels: other.labels}
	if known, ok := j.answers[q]; ok {
		return known, nil
	}
	home, namespaces := near, []reach.Namespace{{Name: near}, other.Namespace}
	if own {
		home, namespaces = other.Name, namespaces[1:]
	}
	c, err := reach.New(namespaces, []*networkingv1.NetworkPolicy{ofAllPods(p, home)})
	if err != nil {
		return answer{}, err
	}
	var a answer
	for class := range j.world.Classes {
		to, from := j.ask(c, j.world.pod(home, 0), reach.Endpoint{Pod: j.world.pod(other.Name, class)})
		a.to, a.from = append(a.to, to), append(a.from, from)
	}
	if len(j.answers) > maxMemory {
		clear(j.answers)
	}
	j.answers[q] = a
	return a, nil
}

// ask returns the ports open from the pod that policies are on to the other end, and back.
func (j *judge) ask(c *reach.Cluster, pod *reach.Pod, other reach.Endpoint) (to, from uint64) {
	own := reach.Endpoint{Pod: pod}
	for i, port := range j.world.Ports {
		if c.Allowed(reach.Flow{From: own, To: other, Protocol: port.Protocol, Port: port.Number}).Egress {
			to |= 1 << i
		}
		if c.Allowed(reach.Flow{From: other, To: own, Protocol: port.Protocol, Port: port.Number}).Ingress {
			from |= 1 << i
		}
	}
	return to, from
}

// near is the namespace of a policy that is asked about another one. No namespace has this
// name, and the labels of the policy's own namespace have no say.
const near = "*"

// withoutRules is the policy with nothing open: it shows whom it isolates.
func withoutRules(p *networkingv1.NetworkPolicy, namespace string) *networkingv1.NetworkPolicy {
	out := &networkingv1.NetworkPolicy{}
	out.Namespace = namespace
	out.Spec.PodSelector, out.Spec.PolicyTypes = p.Spec.PodSelector, directions(&p.Spec)
	return out
}

// ofAllPods is the policy on all pods: it shows what it opens.
func ofAllPods(p *networkingv1.NetworkPolicy, namespace string) *networkingv1.NetworkPolicy {
	out := &networkingv1.NetworkPolicy{Spec: p.Spec}
	out.Namespace = namespace
	out.Spec.PodSelector = metav1.LabelSelector{}
	return out
}

// directions are those that a policy is about; left out, they follow from its rules.
func directions(spec *networkingv1.NetworkPolicySpec) []networkingv1.PolicyType {
	switch {
	case len(spec.PolicyTypes) > 0:
		return spec.PolicyTypes
	case len(spec.Egress) > 0:
		return []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	default:
		return []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
	}
}

// labelText tells apart what selectors can tell apart: labels, of which the name is one.
func labelText(namespace string, labels map[string]string) string {
	var out strings.Builder
	out.WriteString(namespace)
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(&out, ",%s=%s", key, labels[key])
	}
	return out.String()
}
