package render_test

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// declaration judges flows by the words of a profile, with no look at what becomes of them:
// the other opinion that rendered policies are held against. Its pods have one address each, or none.
type declaration struct {
	spec *v1alpha1.SegmentationProfileSpec
	// namespaces are the labels of all namespaces, those of membership included.
	namespaces map[string]map[string]string
}

func (d declaration) verdict(f reach.Flow) reach.Verdict {
	if f.From.Pod != nil && f.From.Pod == f.To.Pod {
		return reach.Verdict{Egress: true, Ingress: true}
	}
	out := reach.Verdict{Egress: true, Ingress: true}
	if tier := d.tierOf(f.From.Pod); tier != nil {
		out.Egress = d.internal(tier, f) || d.toDNS(f) ||
			slices.ContainsFunc(d.spec.Dependencies, func(dep v1alpha1.Dependency) bool {
				return dep.From.Peer == "" && d.declares(&dep, f)
			})
	}
	if tier := d.tierOf(f.To.Pod); tier != nil {
		out.Ingress = d.internal(tier, f) ||
			slices.ContainsFunc(d.spec.Dependencies, func(dep v1alpha1.Dependency) bool {
				return dep.To.Peer == "" && d.declares(&dep, f)
			})
	}
	return out
}

func (d declaration) declares(dep *v1alpha1.Dependency, f reach.Flow) bool {
	if len(dep.Access) > 0 && len(dep.Ports) == 0 {
		return false // It is about the API only.
	}
	return d.isAt(&dep.From, f.From) && d.isAt(&dep.To, f.To) && hasPort(dep.Ports, f)
}

func (d declaration) tierOf(pod *reach.Pod) *v1alpha1.Tier {
	if pod == nil {
		return nil
	}
	for i := range d.spec.Tiers {
		if string(d.spec.Tiers[i].Name) == d.namespaces[pod.Namespace][v1alpha1.TierLabel] {
			return &d.spec.Tiers[i]
		}
	}
	return nil
}

// internal tells whether the internal traffic of a tier has a flow.
func (d declaration) internal(tier *v1alpha1.Tier, f reach.Flow) bool {
	from, to := f.From.Pod, f.To.Pod
	if from == nil || to == nil {
		return false
	}
	switch tier.InternalTraffic {
	case v1alpha1.InternalTrafficDeny:
		return false
	case v1alpha1.InternalTrafficSameTier:
		return d.tierOf(from) == d.tierOf(to)
	default:
		return from.Namespace == to.Namespace
	}
}

func (d declaration) toDNS(f reach.Flow) bool {
	dns, namespace, port := d.spec.DNS, "kube-system", int32(53)
	pods := &v1alpha1.LabelSelector{MatchLabels: map[string]v1alpha1.LabelValue{"k8s-app": "kube-dns"}}
	if dns.Namespace != "" {
		namespace = string(dns.Namespace)
	}
	if dns.Port != 0 {
		port = dns.Port
	}
	if dns.Pods != nil {
		pods = dns.Pods
	}
	if dns.Pods == nil && (namespace != "kube-system" || dns.Service != "" && dns.Service != "kube-dns") {
		return false // The usual cluster has no such Service.
	}
	return dns.Mode != v1alpha1.DNSModeNone && f.To.Pod != nil && f.To.Pod.Namespace == namespace &&
		matches(pods, f.To.Pod.Labels) && f.Port == port && f.Protocol != corev1.ProtocolSCTP
}

// isAt tells whether an end of a flow is an end of a dependency.
func (d declaration) isAt(declared *v1alpha1.Endpoint, e reach.Endpoint) bool {
	if declared.Peer == "" {
		tier := d.tierOf(e.Pod)
		return tier != nil && (declared.AllTiers || tier.Name == declared.Tier) && matches(declared.Pods, e.Pod.Labels)
	}
	i := slices.IndexFunc(d.spec.Peers, func(p v1alpha1.Peer) bool { return p.Name == declared.Peer })
	peer := &d.spec.Peers[i]
	if peer.Namespaces == nil {
		return slices.ContainsFunc(blocksOf(peer), func(block v1alpha1.CIDRBlock) bool { return contains(block, addressOf(e)) })
	}
	return e.Pod != nil && d.isIn(peer.Namespaces, e.Pod.Namespace) && matches(peer.Pods, e.Pod.Labels)
}

func (d declaration) isIn(set *v1alpha1.NamespaceSet, namespace string) bool {
	if set.Selector != nil {
		return matches(set.Selector, d.namespaces[namespace])
	}
	return slices.Contains(set.Names, v1alpha1.NamespaceName(namespace))
}

// blocksOf are the addresses of a peer that has no namespaces. Of the API server none are known.
func blocksOf(peer *v1alpha1.Peer) []v1alpha1.CIDRBlock {
	out := slices.Clone(peer.CIDRs)
	if peer.Internet == nil {
		return out
	}
	for _, block := range addresses.Internet(addresses.Cluster{}, peer.Internet.PrivateRanges == v1alpha1.PrivateRangesIncluded) {
		declared := v1alpha1.CIDRBlock{CIDR: v1alpha1.CIDR(block.CIDR)}
		for _, e := range block.Except {
			declared.Except = append(declared.Except, v1alpha1.CIDR(e))
		}
		out = append(out, declared)
	}
	return out
}

// addressOf is the address of an end, which no block contains if it has none.
func addressOf(e reach.Endpoint) netip.Addr {
	switch {
	case e.Pod == nil:
		return e.IP
	case len(e.Pod.IPs) == 0:
		return netip.Addr{}
	default:
		return e.Pod.IPs[0]
	}
}

func contains(block v1alpha1.CIDRBlock, ip netip.Addr) bool {
	return netip.MustParsePrefix(string(block.CIDR)).Contains(ip) &&
		!slices.ContainsFunc(block.Except, func(e v1alpha1.CIDR) bool { return netip.MustParsePrefix(string(e)).Contains(ip) })
}

func matches(selector *v1alpha1.LabelSelector, labels map[string]string) bool {
	if selector == nil {
		return true
	}
	for key, want := range selector.MatchLabels {
		if got, has := labels[key]; !has || got != string(want) {
			return false
		}
	}
	for _, r := range selector.MatchExpressions {
		got, has := labels[r.Key]
		listed := has && slices.Contains(r.Values, v1alpha1.LabelValue(got))
		holds := map[v1alpha1.LabelSelectorOperator]bool{
			v1alpha1.LabelSelectorOpIn: listed, v1alpha1.LabelSelectorOpNotIn: !listed,
			v1alpha1.LabelSelectorOpExists: has, v1alpha1.LabelSelectorOpDoesNotExist: !has,
		}
		if !holds[r.Operator] {
			return false
		}
	}
	return true
}

func hasPort(ports []v1alpha1.Port, f reach.Flow) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p v1alpha1.Port) bool {
		protocol := p.Protocol
		if protocol == "" {
			protocol = corev1.ProtocolTCP
		}
		if protocol != f.Protocol {
			return false
		}
		switch {
		case p.Port == nil:
			return true
		case p.Port.Type == intstr.String:
			return f.To.Pod != nil && slices.Contains(f.To.Pod.Ports,
				reach.NamedPort{Name: p.Port.StrVal, Protocol: f.Protocol, Number: f.Port})
		default:
			return p.Port.IntVal <= f.Port && f.Port <= max(p.Port.IntVal, p.EndPort)
		}
	})
}
