package suggest

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// index finds what a flow tells of in a world.
type index struct {
	namespaces map[string]*corev1.Namespace
	pods       map[string]*corev1.Pod
	podsIn     map[string][]*corev1.Pod
	podByIP    map[netip.Addr]*corev1.Pod
	services   map[string][]service
	serviceBy  map[netip.Addr]*service
	apiServer  []addresses.Endpoints
	ranges     addresses.Cluster
	// own are the ranges, and the addresses that pods and Services have besides.
	own      addresses.Cluster
	internet []networkingv1.IPBlock
}

// service is a Service with the namespace and the name that it has.
type service struct {
	plan.Service

	namespace, name string
	selects         labels.Selector
	declared        *corev1.Service
}

func newIndex(w *offline.World) *index {
	x := &index{
		namespaces: map[string]*corev1.Namespace{}, pods: map[string]*corev1.Pod{}, podsIn: map[string][]*corev1.Pod{},
		podByIP: map[netip.Addr]*corev1.Pod{}, services: map[string][]service{}, serviceBy: map[netip.Addr]*service{},
	}
	for i := range w.Namespaces {
		x.namespaces[w.Namespaces[i].Name] = &w.Namespaces[i]
	}
	for i := range w.Pods {
		p := &w.Pods[i]
		x.pods[p.Namespace+"/"+p.Name] = p
		x.podsIn[p.Namespace] = append(x.podsIn[p.Namespace], p)
		for _, ip := range p.Status.PodIPs {
			address, err := netip.ParseAddr(ip.IP)
			// A pod on the host network has the address of its node, and one that has ended has none any more.
			if err == nil && !p.Spec.HostNetwork && !offline.HasEnded(p) {
				x.podByIP[address.Unmap()] = p
			}
		}
	}
	for i := range w.Services {
		s := &w.Services[i]
		of := plan.ServiceOf(s)
		x.services[s.Namespace] = append(x.services[s.Namespace], service{of, s.Namespace, s.Name, labels.SelectorFromSet(of.Pods), s})
	}
	for _, list := range x.services {
		slices.SortFunc(list, func(a, b service) int { return strings.Compare(a.name, b.name) })
		for i := range list {
			for _, address := range list[i].Addresses {
				x.serviceBy[address] = &list[i]
			}
		}
	}
	x.apiServer = addresses.OfEndpointSlices(w.EndpointSlices)
	x.ranges.Pods, x.ranges.Nodes = addresses.OfNodes(w.Nodes)
	x.ranges.Services = addresses.OfServiceCIDRs(w.ServiceCIDRs)
	x.internet = addresses.Internet(x.ranges, false)
	x.own = addresses.Cluster{
		Pods: withAddresses(x.ranges.Pods, x.podByIP), Services: withAddresses(x.ranges.Services, x.serviceBy), Nodes: x.ranges.Nodes,
	}
	return x
}

// withAddresses are ranges, and the addresses that something has.
func withAddresses[T any](ranges []netip.Prefix, of map[netip.Addr]T) []netip.Prefix {
	out := slices.Clone(ranges)
	for ip := range of {
		out = append(out, netip.PrefixFrom(ip, ip.BitLen()))
	}
	return out
}

// isPublic tells whether an address is outside the cluster and of no private network.
func (x *index) isPublic(ip netip.Addr) bool {
	return slices.ContainsFunc(x.internet, func(b networkingv1.IPBlock) bool { return isIn(&b, ip) })
}

func isIn(b *networkingv1.IPBlock, ip netip.Addr) bool {
	in := func(text string) bool {
		p, err := netip.ParsePrefix(text)
		return err == nil && p.Contains(ip)
	}
	return in(b.CIDR) && !slices.ContainsFunc(b.Except, in)
}

// isAPIServer tells whether an address is one of the API server's.
func (x *index) isAPIServer(ip netip.Addr) bool {
	return slices.ContainsFunc(x.apiServer, func(e addresses.Endpoints) bool {
		return slices.ContainsFunc(e.Blocks, func(b networkingv1.IPBlock) bool { return isIn(&b, ip) })
	})
}

// servesAPI tells whether the API server has a port.
func (x *index) servesAPI(ip netip.Addr, protocol corev1.Protocol, port int32) bool {
	has := func(b networkingv1.IPBlock) bool { return isIn(&b, ip) }
	isPort := func(p networkingv1.NetworkPolicyPort) bool { return *p.Protocol == protocol && p.Port.IntVal == port }
	return slices.ContainsFunc(x.apiServer, func(e addresses.Endpoints) bool {
		return slices.ContainsFunc(e.Blocks, has) && slices.ContainsFunc(e.Ports, isPort)
	})
}

func contains(ranges []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// podBehind is a pod that a Service selects, or nil.
func (x *index) podBehind(called *service) *corev1.Pod {
	for _, p := range x.podsIn[called.namespace] {
		if called.selects.Matches(labels.Set(p.Labels)) && !p.Spec.HostNetwork {
			return p
		}
	}
	return nil
}
