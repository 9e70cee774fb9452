package reach

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
)

// route is a flow over one pair of addresses.
type route struct {
	from, to end
	protocol corev1.Protocol
	port     int32
}

// end is one end of a route. To policies, what is no pod is an address, and so is a pod on
// the host network.
type end struct {
	pod       *Pod
	namespace *namespace
	ip        netip.Addr
}

// maxRoutes is how many routes there are at most between pods with one address of each
// family.
const maxRoutes = 2

// routes appends the routes that a flow may take: one for each pair of addresses of the same
// family. Without such a pair there is one, on which no block has the address of a pod.
func (c *Cluster) routes(out []route, f Flow) []route {
	over := route{from: c.end(f.From), to: c.end(f.To), protocol: protocolOf(f.Protocol), port: f.Port}
	for i := range f.From.addresses() {
		for k := range f.To.addresses() {
			over.from.ip, over.to.ip = f.From.address(i), f.To.address(k)
			if !over.from.ip.IsValid() || !over.to.ip.IsValid() || over.from.ip.Is4() == over.to.ip.Is4() {
				out = append(out, over)
			}
		}
	}
	if len(out) == 0 {
		over.from.ip, over.to.ip = f.From.IP.Unmap(), f.To.IP.Unmap()
		out = append(out, over)
	}
	return out
}

func (c *Cluster) end(e Endpoint) end {
	if e.Pod == nil || e.Pod.HostNetwork {
		return end{}
	}
	return end{pod: e.Pod, namespace: c.namespaceOf(e.Pod.Namespace)}
}

// addresses is how many addresses an end has to be tried with: at least one, and that may be
// the zero address.
func (e Endpoint) addresses() int {
	if e.IP.IsValid() || e.Pod == nil {
		return 1
	}
	return max(1, len(e.Pod.IPs))
}

func (e Endpoint) address(i int) netip.Addr {
	if e.IP.IsValid() || e.Pod == nil || len(e.Pod.IPs) == 0 {
		return e.IP.Unmap()
	}
	return e.Pod.IPs[i].Unmap()
}
