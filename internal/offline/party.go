package offline

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// asker finds the parties of a question.
type asker struct {
	world      *World
	rendered   *Rendered
	asDeclared bool
}

// asked is a party of a question.
type asked struct {
	end reach.Endpoint
	// profile and tier are those of its namespace; empty if it is in none.
	profile, tier string
	// peer is the peer that it was asked for as, and peerOf the profile of that.
	peer, peerOf string
	text         string
}

// party finds a party.
func (a *asker) party(text string, podLabels map[string]string) (*asked, error) {
	kind, rest, found := strings.Cut(text, "/")
	switch {
	case (!found || kind == "pod") && len(podLabels) > 0:
		return nil, fmt.Errorf("labels are for a pod that does not exist, and %s is not: give ns/NAME with labels, or leave them out", text)
	case !found:
		return a.address(text)
	case kind == "pod":
		return a.pod(rest)
	case kind == "ns", kind == "namespace":
		return a.inNamespace(rest, podLabels)
	case kind == "tier":
		return a.inTier(rest, podLabels)
	case kind == "peer":
		return a.inPeer(rest, podLabels)
	default:
		return nil, fmt.Errorf("%s is no party: give pod/NAMESPACE/NAME, ns/NAME, tier/NAME, peer/NAME or an address", text)
	}
}

func (a *asker) address(text string) (*asked, error) {
	ip, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return nil, fmt.Errorf("%s is no party: give pod/NAMESPACE/NAME, ns/NAME, tier/NAME, peer/NAME or an address", text)
	}
	ip = ip.Unmap()
	for i := range a.world.Services {
		if s := &a.world.Services[i]; slices.Contains(plan.ServiceOf(s).Addresses, ip) {
			return nil, fmt.Errorf("%s is the address of Service %s/%s, and policies judge its pods: "+
				"give one of them, as pod/%s/NAME, and the port that it has itself", text, s.Namespace, s.Name, s.Namespace)
		}
	}
	for i := range a.world.Pods {
		p := &a.world.Pods[i]
		if HasEnded(p) || p.Spec.HostNetwork {
			continue // It has its address no more, or that of its node.
		}
		if slices.Contains(PodOf(p).IPs, ip) {
			out, err := a.pod(p.Namespace + "/" + p.Name)
			if err == nil {
				out.text = fmt.Sprintf("%s, which is %s", ip, out.text)
			}
			return out, err
		}
	}
	return &asked{end: reach.Endpoint{IP: ip}, text: ip.String()}, nil
}

func (a *asker) pod(text string) (*asked, error) {
	namespace, name, found := strings.Cut(text, "/")
	if !found {
		return nil, fmt.Errorf("pod/%s has no namespace: give pod/NAMESPACE/NAME", text)
	}
	i := slices.IndexFunc(a.world.Pods, func(p corev1.Pod) bool { return p.Namespace == namespace && p.Name == name })
	if i < 0 && !a.world.isRead(Pods) {
		return nil, fmt.Errorf("pods may not be read, and so pod %s of namespace %s is not known; give ns/%s and its labels",
			name, namespace, namespace)
	}
	if i < 0 {
		return nil, fmt.Errorf("there is no pod %s in namespace %s; for a pod that does not exist give ns/%s and its labels",
			name, namespace, namespace)
	}
	out, err := a.inNamespace(namespace, nil)
	if err != nil {
		return nil, err
	}
	pod := PodOf(&a.world.Pods[i])
	out.end.Pod, out.text = &pod, "pod "+namespace+"/"+name
	if pod.HostNetwork {
		// To policies it is the address of its node, and no pod of a tier.
		out.profile, out.tier = "", ""
	}
	return out, nil
}

// PodOf is a pod as policies see it.
func PodOf(p *corev1.Pod) reach.Pod {
	out := reach.Pod{Namespace: p.Namespace, Name: p.Name, Labels: p.Labels, HostNetwork: p.Spec.HostNetwork}
	for _, ip := range p.Status.PodIPs {
		if address, err := netip.ParseAddr(ip.IP); err == nil {
			out.IPs = append(out.IPs, address.Unmap())
		}
	}
	out.Ports = append(namedPorts(slices.DeleteFunc(slices.Clone(p.Spec.InitContainers), endsBefore)), namedPorts(p.Spec.Containers)...)
	return out
}

// HasEnded tells of a pod whether it has come to its end, so that its address is its own no more.
func HasEnded(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

// endsBefore tells of an init container whether it ends before the others begin, and is no sidecar.
func endsBefore(c corev1.Container) bool {
	return c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways
}

// namedPorts are the ports of containers that have a name.
func namedPorts(containers []corev1.Container) []reach.NamedPort {
	var out []reach.NamedPort
	for i := range containers {
		for _, port := range containers[i].Ports {
			if port.Name != "" {
				out = append(out, reach.NamedPort{
					Name: port.Name, Protocol: cmp.Or(port.Protocol, corev1.ProtocolTCP), Number: port.ContainerPort,
				})
			}
		}
	}
	return out
}

func (a *asker) inNamespace(name string, podLabels map[string]string) (*asked, error) {
	i := slices.IndexFunc(a.world.Namespaces, func(n corev1.Namespace) bool { return n.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no namespace %s", name)
	}
	of := a.labelsOf(name)
	out := &asked{
		end:     reach.Endpoint{Pod: &reach.Pod{Namespace: name, Labels: podLabels}},
		profile: of[v1alpha1.ProfileLabel], tier: of[v1alpha1.TierLabel],
	}
	out.text = fmt.Sprintf("a pod of namespace %s without labels", name)
	if len(podLabels) > 0 {
		out.text = fmt.Sprintf("a pod of namespace %s with %s", name, labels.FormatLabels(podLabels))
	}
	return out, nil
}

// labelsOf are the labels of a namespace, as they are or as they will be.
func (a *asker) labelsOf(name string) map[string]string {
	if a.asDeclared {
		i := slices.IndexFunc(a.rendered.Namespaces, func(n Namespace) bool { return n.Name == name })
		return a.rendered.Namespaces[i].Labels
	}
	i := slices.IndexFunc(a.world.Namespaces, func(n corev1.Namespace) bool { return n.Name == name })
	return a.world.Namespaces[i].Labels
}

// inTier is a pod of the first namespace of a tier.
func (a *asker) inTier(text string, podLabels map[string]string) (*asked, error) {
	profile, tier, found := strings.Cut(text, "/")
	if !found {
		profile, tier = "", text
	}
	inProfiles, first := map[string]bool{}, ""
	for i := range a.rendered.Namespaces {
		name := a.rendered.Namespaces[i].Name
		of := a.labelsOf(name)
		if of[v1alpha1.TierLabel] == tier && (profile == "" || of[v1alpha1.ProfileLabel] == profile) {
			inProfiles[of[v1alpha1.ProfileLabel]] = true
			if first == "" {
				first = name
			}
		}
	}
	switch len(inProfiles) {
	case 0:
		return nil, fmt.Errorf("no namespace is in tier %s", text)
	case 1:
		return a.inNamespace(first, podLabels)
	default:
		return nil, fmt.Errorf("profiles %s have a tier %s; give tier/PROFILE/%s",
			strings.Join(slices.Sorted(maps.Keys(inProfiles)), " and "), tier, tier)
	}
}

// portAsked is the port of a question: a number, or a name.
type portAsked struct {
	number   int32
	name     string
	protocol corev1.Protocol
}

// splitPort takes the port from the end of who is called.
func splitPort(text string) (party string, port portAsked, err error) {
	at := strings.LastIndex(text, ":")
	if at < 0 || strings.HasSuffix(text, "]") || strings.Count(text, ":") > 1 && !strings.Contains(text, "]") {
		return "", port, fmt.Errorf("%s has no port: give one, such as %s:8080, and an IPv6 address in brackets", text, text)
	}
	value, protocol, _ := strings.Cut(text[at+1:], "/")
	port.protocol = corev1.Protocol(strings.ToUpper(cmp.Or(protocol, string(corev1.ProtocolTCP))))
	if !slices.Contains([]corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP}, port.protocol) {
		return "", port, fmt.Errorf("unknown protocol %s: it is TCP, UDP or SCTP", protocol)
	}
	number, err := strconv.ParseInt(value, 10, 32)
	switch {
	case err != nil && value != "":
		port.name = value
	case number < 1 || number > 65535:
		return "", port, fmt.Errorf("%q is no port: give a number from 1 to 65535, or the name of a port", value)
	default:
		port.number = int32(number)
	}
	return text[:at], port, nil
}

func (p portAsked) text() string {
	return cmp.Or(p.name, strconv.Itoa(int(p.number))) + "/" + string(p.protocol)
}

func (p portAsked) yaml() string {
	port := "port: " + cmp.Or(p.name, strconv.Itoa(int(p.number)))
	if p.protocol != corev1.ProtocolTCP {
		return fmt.Sprintf("{protocol: %s, %s}", p.protocol, port)
	}
	return "{" + port + "}"
}

// flowOf is the flow that is asked about.
func flowOf(from, to *asked, port portAsked) (reach.Flow, error) {
	out := reach.Flow{From: from.end, To: to.end, Protocol: port.protocol, Port: port.number}
	if port.name == "" {
		return out, nil
	}
	if to.end.Pod == nil {
		return out, fmt.Errorf("an address has no port %s: give its number", port.name)
	}
	for _, p := range to.end.Pod.Ports {
		if p.Name == port.name && p.Protocol == port.protocol {
			out.Port = p.Number
			return out, nil
		}
	}
	if to.end.Pod.Name != "" {
		return out, fmt.Errorf("%s has no port named %s; give a number", to.text, port.name)
	}
	// A pod that does not exist has the port that is asked for, at whatever number.
	pod := *to.end.Pod
	pod.Ports = []reach.NamedPort{{Name: port.name, Protocol: port.protocol, Number: anyNumber}}
	out.To.Pod, out.Port = &pod, anyNumber
	return out, nil
}

// anyNumber is the number of a port of which only the name is known: one that no policy is likely to have.
const anyNumber = 64999
