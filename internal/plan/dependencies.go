package plan

import (
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// dependencies gives each tier its side of each dependency.
func (c *compiler) dependencies(p *Plan, path *field.Path) {
	for i := range c.spec.Dependencies {
		d := &c.spec.Dependencies[i]
		at := path.Index(i)
		from := c.party(&d.From, at.Child("from"))
		to := c.party(&d.To, at.Child("to"))
		if from.Tier == "" && to.Tier == "" {
			c.fail(field.Invalid(at, string(d.Name), "from and to are both peers; one of them must be a tier"))
			continue
		}
		ports := c.ports(d, &to, at.Child("ports"))
		addRule(p, from, Rule{Dependency: string(d.Name), Direction: networkingv1.PolicyTypeEgress, Remote: to, Ports: ports})
		addRule(p, to, Rule{Dependency: string(d.Name), Direction: networkingv1.PolicyTypeIngress, Remote: from, Ports: ports})
	}
}

// addRule gives the rule to the tier on the near side, if the near side is a tier.
func addRule(p *Plan, near Party, rule Rule) {
	if t := p.Tier(near.Tier); t != nil {
		rule.Pods = near.Pods
		t.Rules = append(t.Rules, rule)
	}
}

func (c *compiler) party(e *v1alpha1.Endpoint, path *field.Path) Party {
	if (e.Tier == "") == (e.Peer == "") {
		c.fail(field.Required(path, "give either tier or peer, and only one of them"))
		return Party{}
	}
	if e.Tier != "" {
		if c.tiers[e.Tier] == nil {
			c.fail(field.NotFound(path.Child("tier"), e.Tier))
		}
		return Party{Tier: string(e.Tier), Pods: c.pods(e.Pods, path.Child("pods"))}
	}
	peer := c.peers[e.Peer]
	if peer == nil {
		c.fail(field.NotFound(path.Child("peer"), e.Peer))
		return Party{}
	}
	if e.Pods != nil {
		c.fail(field.Forbidden(path.Child("pods"), "to narrow a peer, give pods in the peer itself"))
	}
	return c.peer(peer, field.NewPath("spec", "peers").Key(string(peer.Name)))
}

func (c *compiler) peer(peer *v1alpha1.Peer, path *field.Path) Party {
	switch {
	case (peer.Namespaces == nil) == (len(peer.CIDRs) == 0):
		c.fail(field.Required(path, "give either namespaces or cidrs, and only one of them"))
		return Party{}
	case peer.Namespaces != nil:
		set := c.namespaceSet(peer.Namespaces, path.Child("namespaces"))
		return Party{Namespaces: &set, Pods: c.pods(peer.Pods, path.Child("pods"))}
	default:
		return Party{CIDRs: c.cidrs(peer.CIDRs, path.Child("cidrs"))}
	}
}

func (c *compiler) cidrs(blocks []v1alpha1.CIDRBlock, path *field.Path) []networkingv1.IPBlock {
	out := make([]networkingv1.IPBlock, 0, len(blocks))
	for i, b := range blocks {
		prefix, err := netip.ParsePrefix(string(b.CIDR))
		if err != nil || prefix != prefix.Masked() {
			c.fail(field.Invalid(path.Index(i).Child("cidr"), b.CIDR, "must be a range of addresses without host bits"))
			continue
		}
		for j, e := range b.Except {
			inner, err := netip.ParsePrefix(string(e))
			if err != nil || !prefix.Overlaps(inner) || inner.Bits() <= prefix.Bits() {
				c.fail(field.Invalid(path.Index(i).Child("except").Index(j), e, "must be a smaller range inside cidr"))
			}
		}
		out = append(out, networkingv1.IPBlock{CIDR: string(b.CIDR), Except: sortedStrings(b.Except)})
	}
	return out
}

func (c *compiler) ports(d *v1alpha1.Dependency, to *Party, path *field.Path) []networkingv1.NetworkPolicyPort {
	var out []networkingv1.NetworkPolicyPort
	for i := range d.Ports {
		declared := &d.Ports[i]
		if len(to.CIDRs) > 0 && declared.Port != nil && declared.Port.IntVal == 0 {
			c.fail(field.Invalid(path.Index(i).Child("port"), declared.Port.String(),
				"a name cannot be resolved on addresses; give the port's number"))
		}
		out = append(out, c.port(declared, path.Index(i)))
	}
	return out
}

func (c *compiler) port(declared *v1alpha1.Port, path *field.Path) networkingv1.NetworkPolicyPort {
	protocol := declared.Protocol
	if protocol == "" {
		// What Kubernetes takes a port without a protocol to mean.
		protocol = corev1.ProtocolTCP
	}
	port := networkingv1.NetworkPolicyPort{Protocol: &protocol}
	if declared.Port != nil {
		number := *declared.Port
		port.Port = &number
	}
	if declared.EndPort != 0 {
		if port.Port == nil || port.Port.IntVal == 0 || port.Port.IntVal > declared.EndPort {
			c.fail(field.Invalid(path.Child("endPort"), declared.EndPort,
				fmt.Sprintf("must end a range that a numeric port of at most %d begins", declared.EndPort)))
		}
		end := declared.EndPort
		port.EndPort = &end
	}
	return port
}
