package suggest

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/internal/observed"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// seen is an observed flow that was found in the cluster.
type seen struct {
	flow     observed.Flow
	judged   reach.Flow
	from, to place
}

// place is where one end of a flow is: a namespace, the API server, or an address.
type place struct {
	// namespace is the namespace of a pod; empty for what is no pod.
	namespace string
	// labels are the labels of the pod.
	labels map[string]string
	pod    *corev1.Pod
	// ip is the address of what is no pod, and isAPIServer is set if it is the API server's.
	ip          netip.Addr
	isAPIServer bool
}

// findFlows finds the ends of flows, and keeps those that need a dependency: those that tiers without any do not allow.
func (s *suggester) findFlows() error {
	judge, err := s.judge(s.profile())
	if err != nil {
		return err
	}
	for _, flow := range s.Flows {
		found, why := s.find(flow)
		if s.isOurs(found.from) && found.from.namespace == found.to.namespace {
			s.inside[s.tierOf[found.from.namespace]] = true
		}
		switch {
		case why != "":
			s.unmet = append(s.unmet, Unmet{flow, why})
		case judge.Allowed(found.judged).Allowed():
		case s.isOurs(found.from) || s.isOurs(found.to):
			s.seen = append(s.seen, found)
		}
	}
	return nil
}

func (s *suggester) isOurs(p place) bool {
	_, ours := s.tierOf[p.namespace]
	return ours
}

// find finds the ends of a flow; why says why it cannot be found.
func (s *suggester) find(flow observed.Flow) (out seen, why string) {
	out = seen{flow: flow, judged: reach.Flow{Protocol: flow.Protocol, Port: flow.Port}}
	if out.judged.From, out.from, why = s.end(flow.From); why != "" {
		return out, why
	}
	if flow.To.Namespace == "" {
		if service := s.cluster.serviceBy[flow.To.IP]; service != nil {
			return s.behind(out, service)
		}
	}
	out.judged.To, out.to, why = s.end(flow.To)
	if out.to.isAPIServer && !s.cluster.servesAPI(out.to.ip, flow.Protocol, flow.Port) {
		out.to.isAPIServer = false // Something else on the same machine.
	}
	return out, why
}

// end finds one end of a flow.
func (s *suggester) end(p observed.Party) (reach.Endpoint, place, string) {
	if p.Namespace == "" {
		return s.address(p.IP)
	}
	if s.cluster.namespaces[p.Namespace] == nil {
		return reach.Endpoint{}, place{}, "there is no namespace " + p.Namespace + " any more"
	}
	declared := s.cluster.pods[p.Namespace+"/"+p.Pod]
	if declared == nil {
		pod := reach.Pod{Namespace: p.Namespace, Name: p.Pod, Labels: p.Labels}
		return reach.Endpoint{Pod: &pod}, place{namespace: p.Namespace, labels: p.Labels}, ""
	}
	if declared.Spec.HostNetwork {
		return s.hostNetwork(p, declared)
	}
	return podEnd(declared)
}

func podEnd(declared *corev1.Pod) (reach.Endpoint, place, string) {
	pod := offline.PodOf(declared)
	return reach.Endpoint{Pod: &pod}, place{namespace: declared.Namespace, labels: declared.Labels, pod: declared}, ""
}

// hostNetwork is a pod that policies see as the address of its node.
func (s *suggester) hostNetwork(p observed.Party, declared *corev1.Pod) (reach.Endpoint, place, string) {
	ip := p.IP
	if pod := offline.PodOf(declared); !ip.IsValid() && len(pod.IPs) > 0 {
		ip = pod.IPs[0]
	}
	if !ip.IsValid() {
		return reach.Endpoint{}, place{}, p.String() + " is on the network of its node, whose address is not known"
	}
	return s.address(ip)
}

// address finds who has an address.
func (s *suggester) address(ip netip.Addr) (reach.Endpoint, place, string) {
	outside := reach.Endpoint{IP: ip}
	switch declared := s.cluster.podByIP[ip]; {
	case declared != nil:
		return podEnd(declared)
	case s.cluster.isAPIServer(ip):
		return outside, place{ip: ip, isAPIServer: true}, ""
	case contains(s.cluster.ranges.Nodes, ip):
		return outside, place{ip: ip}, ""
	case contains(s.cluster.ranges.Pods, ip):
		return outside, place{}, ip.String() + " is in a range of pods, and no pod has it: give the pods of that time by -f"
	case contains(s.cluster.ranges.Services, ip):
		return outside, place{}, ip.String() + " is in a range of Services, and none has it: give the Services of that time by -f"
	default:
		return outside, place{ip: ip}, ""
	}
}

// behind finds the pods that a Service sends a flow to.
func (s *suggester) behind(out seen, called *service) (found seen, why string) {
	name := called.namespace + "/" + called.name
	at := slices.IndexFunc(called.Ports, func(p plan.ServicePort) bool {
		return p.Port == out.flow.Port && p.Protocol == out.flow.Protocol
	})
	switch {
	case name == plan.APIServerService.String() && len(s.cluster.apiServer) > 0:
		return s.behindAPIServer(out)
	case at < 0:
		return out, fmt.Sprintf("Service %s has no port %d/%s any more", name, out.flow.Port, out.flow.Protocol)
	case called.Problem != "":
		return out, fmt.Sprintf("Service %s selects no pods itself, and what is behind it is not known", name)
	}
	target := called.Ports[at].Target
	pod := reach.Pod{Namespace: called.namespace, Labels: called.Pods}
	out.judged.Port, out.to = target.IntVal, place{namespace: called.namespace, labels: called.Pods}
	if declared := s.cluster.podBehind(called); declared != nil {
		pod = offline.PodOf(declared)
		out.to.pod, out.to.labels = declared, declared.Labels
	}
	out.judged.To = reach.Endpoint{Pod: &pod}
	if target.Type == intstr.String {
		out.judged.Port = portNamed(out.to.pod, target.StrVal, out.flow.Protocol)
	}
	if out.judged.Port == 0 {
		return out, fmt.Sprintf("port %s of Service %s has a name, and no pod is known that says its number: give pods by -f",
			target.StrVal, name)
	}
	return out, ""
}

// behindAPIServer is the first address behind the API server's Service of the same family.
func (s *suggester) behindAPIServer(out seen) (found seen, why string) {
	for _, e := range s.cluster.apiServer {
		for _, b := range e.Blocks {
			p, err := netip.ParsePrefix(b.CIDR)
			if err == nil && p.Addr().Is4() == out.flow.To.IP.Is4() {
				out.judged.To, out.to = reach.Endpoint{IP: p.Addr()}, place{ip: p.Addr(), isAPIServer: true}
				out.judged.Protocol, out.judged.Port = *e.Ports[0].Protocol, e.Ports[0].Port.IntVal
				return out, ""
			}
		}
	}
	return out, "no address of the API server is known that is of the family of " + out.flow.To.IP.String()
}

// portNamed is the number of a named port of a pod; zero if it has none.
func portNamed(p *corev1.Pod, name string, protocol corev1.Protocol) int32 {
	if p == nil {
		return 0
	}
	for _, port := range offline.PodOf(p).Ports {
		if port.Name == name && port.Protocol == protocol {
			return port.Number
		}
	}
	return 0
}

// identity is the label by which people name a program, as key=value; empty if a pod has none.
func (p *place) identity() (key, value string) {
	for _, key := range []string{"app.kubernetes.io/name", "app", "k8s-app", "name"} {
		if value := p.labels[key]; value != "" {
			return key, value
		}
	}
	return "", ""
}
