package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"
)

// Found is an engine, and why it is taken to be the one of a cluster.
type Found struct {
	Name Name `json:"name"`
	// Version is its version; empty if that is not known.
	Version string `json:"version,omitempty"`
	// Why says why it is taken to be that one.
	Why string `json:"why"`
}

// sign is what a DaemonSet's pods are known by: a label, and a container, unless it is empty.
type sign struct {
	engine     Name
	key, value string
	container  string
	// needs is an argument without which the container enforces nothing, and refutes one with which it does not.
	needs, refutes string
}

// signs are as the engines' own manifests have them.
func signs() []sign {
	return []sign{
		{engine: Calico, key: "k8s-app", value: "calico-node", container: "calico-node"},
		{engine: Calico, key: "k8s-app", value: "canal", container: "calico-node"},
		{engine: Cilium, key: "k8s-app", value: "cilium", container: "cilium-agent"},
		{engine: WeaveNet, key: "name", value: "weave-net", container: "weave-npc"},
		{engine: KubeRouter, key: "k8s-app", value: "kube-router", container: "kube-router", refutes: "--run-firewall=false"},
		{engine: Antrea, key: "component", value: "antrea-agent", container: "antrea-agent"},
		{engine: OVNKubernetes, key: "app", value: "ovnkube-node"},
		// The agent runs in every cluster, and does nothing without the argument: the README of aws/aws-network-policy-agent.
		{engine: AWS, key: "k8s-app", value: "aws-node", container: "aws-eks-nodeagent", needs: "--enable-network-policy=true"},
		{engine: AWS, key: "k8s-app", value: "aws-node", container: "aws-network-policy-agent", needs: "--enable-network-policy=true"},
		{engine: KubeNetworkPolicies, key: "k8s-app", value: "kube-network-policies", container: "kube-network-policies"},
		{engine: None, key: "k8s-app", value: "flannel"},
		{engine: None, key: "app", value: "flannel"},
		{engine: None, key: "k8s-app", value: "aws-node"},
	}
}

// others are containers of engines that the table does not have.
func others() []string { return []string{"azure-npm"} }

// Namespaces are where engines run. Who may write to another one must not be able to pretend that there is one.
func Namespaces() []string {
	return []string{
		"kube-system", "calico-system", "cilium", "kube-flannel", "kube-router", "ovn-kubernetes", "openshift-ovn-kubernetes", "weave",
	}
}

// Detect finds the engine among the pods of a cluster, or says why it is not known.
func Detect(pods []corev1.Pod) Found {
	found, other := among(pods)
	without, isWithout := found[None]
	delete(found, None)
	switch names := slices.Sorted(maps.Keys(found)); {
	case len(names) == 1 && other == "":
		return found[names[0]]
	case len(names) > 0:
		return Found{Name: Unknown, Why: fmt.Sprintf("there are several: %s", strings.Trim(fmt.Sprint(names)+" "+other, "[] "))}
	case other != "":
		return Found{Name: Unknown, Why: other + " runs, of which nothing is known here"}
	case isWithout:
		return without
	default:
		return Found{Name: Unknown, Why: "no pod of an engine that is known here runs in the namespaces where they do"}
	}
}

// among finds all engines that run, and one that the table does not have.
func among(pods []corev1.Pod) (found map[Name]Found, other string) {
	found = map[Name]Found{}
	for i := range pods {
		p := &pods[i]
		if !isOfSystem(p) {
			continue
		}
		for _, c := range p.Spec.Containers {
			if slices.Contains(others(), c.Name) {
				other = c.Name
			}
		}
		// The DaemonSet stays the same while its pods come and go, and so does what is said.
		why := "pods of DaemonSet " + p.Namespace + "/" + p.OwnerReferences[0].Name
		for _, s := range signs() {
			if container, is := s.in(p); is {
				found[s.engine] = lowest(found[s.engine], Found{Name: s.engine, Version: versionOf(container), Why: why})
			}
		}
	}
	return found, other
}

// Tells tells of a pod whether it may say which engine there is.
func Tells(p *corev1.Pod) bool {
	if !isOfSystem(p) {
		return false
	}
	isOther := slices.ContainsFunc(p.Spec.Containers, func(c corev1.Container) bool { return slices.Contains(others(), c.Name) })
	return isOther || slices.ContainsFunc(signs(), func(s sign) bool { return p.Labels[s.key] == s.value })
}

// Kept is what is read of a container of a pod that tells: its name, its image, and the arguments that matter.
func Kept(c *corev1.Container) corev1.Container {
	out := corev1.Container{Name: c.Name, Image: c.Image}
	for _, arg := range slices.Concat(c.Command, c.Args) {
		if slices.ContainsFunc(signs(), func(s sign) bool { return arg == s.needs || arg == s.refutes }) {
			out.Args = append(out.Args, arg)
		}
	}
	return out
}

// isOfSystem tells of a pod whether it is a DaemonSet's that runs, in a namespace of the system.
func isOfSystem(p *corev1.Pod) bool {
	hasEnded := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
	return !hasEnded && slices.Contains(Namespaces(), p.Namespace) &&
		len(p.OwnerReferences) > 0 && p.OwnerReferences[0].Kind == "DaemonSet"
}

// in tells whether a pod bears the sign, and returns the container that has it.
func (s *sign) in(p *corev1.Pod) (*corev1.Container, bool) {
	if p.Labels[s.key] != s.value {
		return nil, false
	}
	if s.container == "" {
		return nil, true
	}
	for i := range p.Spec.Containers {
		c := &p.Spec.Containers[i]
		if c.Name != s.container {
			continue
		}
		args := slices.Concat(c.Command, c.Args)
		has := func(arg string) bool { return arg != "" && slices.Contains(args, arg) }
		return c, (s.needs == "" || has(s.needs)) && !has(s.refutes)
	}
	return nil, false
}

// versionOf is the version that the tag of a container's image gives; empty if it gives none.
func versionOf(c *corev1.Container) string {
	if c == nil {
		return ""
	}
	image, _, _ := strings.Cut(c.Image, "@")
	tag := image[strings.LastIndex(image, "/")+1:]
	_, tag, _ = strings.Cut(tag, ":")
	if v, err := version.ParseGeneric(tag); err == nil {
		return v.String()
	}
	return ""
}

// lowest is the one with the lower version, as long as an engine is being replaced node by node.
func lowest(a, b Found) Found {
	have, errA := version.ParseGeneric(a.Version)
	other, errB := version.ParseGeneric(b.Version)
	switch {
	case a.Name == "" || errA == nil && errB == nil && other.LessThan(have):
		return b
	default:
		return a
	}
}
