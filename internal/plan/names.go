package plan

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/internal/claim"
)

// Named is the name of a port that a plan gives for pods of tiers or peers.
type Named struct {
	// Profile is the name of the profile.
	Profile string
	// Tier is the tier whose pods have it, or Peer the peer; AllTiers stands for all tiers of the profile.
	Tier, Peer string
	AllTiers   bool
	// Pods is the selector of the pods, as text; empty if it is every pod.
	Pods string
	// Protocol and Name are those of the port.
	Protocol corev1.Protocol
	Name     string
}

// Naming is a name that a plan gives, and how it is looked up.
type Naming struct {
	Named

	// selector chooses the pods, and peer are the namespaces if these are a peer's.
	selector labels.Selector
	peer     *claim.Tier
}

// Numbers are the ports that pods have for a name, each sorted and once.
type Numbers struct {
	// Given are the numbers that pods give to the name, and Others those of the ports of pods that do not have the name:
	// as a number, the name would open these, too.
	Given, Others []int32
}

// IsEmpty tells whether no pod has any port.
func (n *Numbers) IsEmpty() bool { return len(n.Given)+len(n.Others) == 0 }

// Number is the one number that stands for the name on all pods, if there is one.
func (n *Numbers) Number() (number int32, found bool) {
	if len(n.Given) != 1 || slices.Contains(n.Others, n.Given[0]) {
		return 0, false
	}
	return n.Given[0], true
}

// Names returns the names of ports that an engine cannot take and that a plan gives, each once. Those of Services are
// looked up with the Services.
func (p *Plan) Names(forms Forms) []Naming {
	var out []Naming
	if !forms.AskNames() {
		return nil
	}
	peers := p.Peers()
	for i := range p.Tiers {
		for j := range p.Tiers[i].Declared {
			rule := &p.Tiers[i].Declared[j]
			if rule.Service != "" || rule.Remote.Service != "" || forms.of(rule.Direction) == AsDeclared {
				continue
			}
			for _, port := range rule.Ports {
				named, isAsked := p.named(&p.Tiers[i], rule, &port)
				if isAsked && !slices.ContainsFunc(out, func(n Naming) bool { return n.Named == named }) {
					out = append(out, namingOf(named, calledPods(rule), peers))
				}
			}
		}
	}
	return out
}

// named is the name that a port of a rule gives to pods of the called side.
func (p *Plan) named(t *Tier, rule *Rule, port *networkingv1.NetworkPolicyPort) (Named, bool) {
	if !isNamed(port) {
		return Named{}, false
	}
	out := Named{Profile: p.Profile, Pods: selectorOf(calledPods(rule)).String(), Protocol: *port.Protocol, Name: port.Port.StrVal}
	switch {
	case rule.Direction == networkingv1.PolicyTypeIngress:
		out.Tier = t.Name
	case rule.Remote.AllTiers:
		out.AllTiers = true
	case rule.Remote.Tier != "":
		out.Tier, out.Profile = rule.Remote.Tier, cmp.Or(rule.Remote.Profile, p.Profile)
	case rule.Remote.Namespaces != nil:
		out.Peer = rule.Remote.Peer
	default:
		return Named{}, false // Addresses have no names.
	}
	return out, true
}

// calledPods chooses the pods that are called.
func calledPods(rule *Rule) *metav1.LabelSelector {
	if rule.Direction == networkingv1.PolicyTypeIngress {
		return rule.Pods
	}
	return rule.Remote.Pods
}

// selectorOf is a selector, of which nil chooses every pod. One that cannot be read, which the compiler refuses, chooses
// none.
func selectorOf(selector *metav1.LabelSelector) labels.Selector {
	if selector == nil {
		return labels.Everything()
	}
	out, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return labels.Nothing()
	}
	return out
}

func namingOf(named Named, pods *metav1.LabelSelector, peers []claim.Tier) Naming {
	out := Naming{Named: named, selector: selectorOf(pods)}
	if i := slices.IndexFunc(peers, func(t claim.Tier) bool { return t.Name == named.Peer }); named.Peer != "" && i >= 0 {
		out.peer = &peers[i]
	}
	return out
}

// IsIn tells whether the pods of a namespace, which belongs to a tier, have a say in what the name stands for.
func (n *Naming) IsIn(namespace claim.Namespace, of TierOf) bool {
	switch {
	case n.Peer != "":
		return n.peer != nil && n.peer.Selects(namespace)
	case n.AllTiers:
		return of.Tier != "" && of.Profile == n.Profile
	default:
		return of == TierOf{n.Profile, n.Tier}
	}
}

// NamesIn returns what names of ports stand for in a namespace, which belongs to a tier. Pods are read only if a name is
// asked for there.
func NamesIn(names []Naming, namespace claim.Namespace, of TierOf, pods func() []corev1.Pod) map[Named]Numbers {
	var out map[Named]Numbers
	var here []corev1.Pod
	for i := range names {
		if !names[i].IsIn(namespace, of) {
			continue
		}
		if out == nil {
			out, here = map[Named]Numbers{}, pods()
		}
		if numbers := names[i].In(here); !numbers.IsEmpty() {
			out[names[i].Named] = numbers
		}
	}
	return out
}

// In returns what the name stands for on the pods of a namespace.
func (n *Naming) In(pods []corev1.Pod) Numbers {
	return numbersOf(pods, n.selector, n.Protocol, n.Name)
}

// numbersOf looks up a name on those of some pods that a selector chooses.
func numbersOf(pods []corev1.Pod, selector labels.Selector, protocol corev1.Protocol, name string) Numbers {
	var out Numbers
	for i := range pods {
		if !isCallable(&pods[i]) || !selector.Matches(labels.Set(pods[i].Labels)) {
			continue
		}
		var given, all []int32
		for _, port := range portsOfPod(&pods[i]) {
			if cmp.Or(port.Protocol, corev1.ProtocolTCP) != protocol {
				continue
			}
			all = append(all, port.ContainerPort)
			if port.Name == name {
				given = append(given, port.ContainerPort)
			}
		}
		if len(given) == 0 {
			out.Others = append(out.Others, all...)
		}
		out.Given = append(out.Given, given...)
	}
	out.Given, out.Others = sortedOnce(out.Given), sortedOnce(out.Others)
	return out
}

func sortedOnce(numbers []int32) []int32 {
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// isCallable tells whether policies are about a pod: not if it has ended, or is on the network of its node.
func isCallable(p *corev1.Pod) bool {
	return !p.Spec.HostNetwork && p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed
}

// portsOfPod are the ports of the containers that go on running: also of sidecars, which are init containers that are
// restarted (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/).
func portsOfPod(p *corev1.Pod) []corev1.ContainerPort {
	var out []corev1.ContainerPort
	for i := range p.Spec.InitContainers {
		if c := &p.Spec.InitContainers[i]; c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			out = append(out, c.Ports...)
		}
	}
	for i := range p.Spec.Containers {
		out = append(out, p.Spec.Containers[i].Ports...)
	}
	return out
}

// HasNames tells whether a Service has a port of pods by its name.
func (s *Service) HasNames() bool {
	return s.Problem == "" && slices.ContainsFunc(s.Ports, func(p ServicePort) bool { return p.Target.Type == intstr.String })
}

// Numbered is the Service with the numbers of ports of its pods in place of their names, where all of those in its
// namespace give the same.
func (s *Service) Numbered(pods []corev1.Pod) Service {
	out := *s
	if !s.HasNames() {
		return out
	}
	out.Ports = slices.Clone(s.Ports)
	selector := labels.SelectorFromSet(s.Pods)
	for i := range out.Ports {
		port := &out.Ports[i]
		if port.Target.Type != intstr.String {
			continue
		}
		numbers := numbersOf(pods, selector, port.Protocol, port.Target.StrVal)
		if number, found := numbers.Number(); found {
			port.Target = intstr.FromInt32(number)
		}
	}
	return out
}
