package suggest

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// dns says where names are resolved: left out if it is where a profile has it anyway.
func (s *suggester) dns() v1alpha1.DNS {
	out := v1alpha1.DNS{NodeLocal: s.nodeLocal()}
	found := s.dnsService()
	if found != nil && (found.namespace != "kube-system" || found.name != "kube-dns") {
		out.Namespace, out.Service = v1alpha1.NamespaceName(found.namespace), v1alpha1.Name(found.name)
	}
	if out.Namespace != "" || len(out.NodeLocal) > 0 {
		out.Mode = v1alpha1.DNSModeClusterDNS
	}
	return out
}

// dnsService is the Service that looks most like the cluster's DNS: by its usual names, in the namespaces of the system.
func (s *suggester) dnsService() *service {
	usual := [][2]string{
		{"kube-system", "kube-dns"},
		{"kube-system", "coredns"},
		{"openshift-dns", "dns-default"},
		{"kube-system", "rke2-coredns-rke2-coredns"},
	}
	for _, name := range usual {
		for i := range s.cluster.services[name[0]] {
			if found := &s.cluster.services[name[0]][i]; found.name == name[1] && isDNS(found) {
				return found
			}
		}
	}
	return nil
}

func isDNS(s *service) bool {
	for _, p := range s.Ports {
		if p.Port == dnsPort && p.Protocol == corev1.ProtocolUDP {
			return s.Problem == ""
		}
	}
	return false
}

// maxNodeLocal is how many addresses of DNS caches a profile has at most.
const maxNodeLocal = 4

// nodeLocal are the link-local addresses that pods ask for names, as those of NodeLocal DNSCache:
// https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/
func (s *suggester) nodeLocal() []v1alpha1.IPAddress {
	var out []v1alpha1.IPAddress
	for i := range s.Flows {
		f := &s.Flows[i]
		address := v1alpha1.IPAddress(f.To.IP.String())
		if f.Port == dnsPort && f.To.IP.IsLinkLocalUnicast() && !slices.Contains(out, address) {
			out = append(out, address)
		}
	}
	slices.Sort(out)
	return out[:min(len(out), maxNodeLocal)]
}
