package plan

import (
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
		if d.From.Peer != "" && d.To.Peer != "" {
			c.fail(field.Invalid(at, string(d.Name), "from and to are both peers; one of them must be a tier"))
			continue
		}
		c.dependencyAccess(d, at)
		if len(d.Access) > 0 && len(d.Ports) == 0 {
			continue // It is about the API only.
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
	peer, known := c.peers[e.Peer]
	if !known {
		c.fail(field.NotFound(path.Child("peer"), e.Peer))
	}
	if e.Pods != nil {
		c.fail(field.Forbidden(path.Child("pods"), "to narrow a peer, give pods in the peer itself"))
	}
	return peer
}

func (c *compiler) peer(peer *v1alpha1.Peer, path *field.Path) Party {
	if (peer.Namespaces == nil) == (len(peer.CIDRs) == 0) {
		c.fail(field.Required(path, "give either namespaces or cidrs, and only one of them"))
		return Party{}
	}
	if peer.Namespaces != nil {
		set := c.namespaceSet(peer.Namespaces, path.Child("namespaces"))
		return Party{Namespaces: &set, Pods: c.pods(peer.Pods, path.Child("pods"))}
	}
	if peer.Pods != nil {
		c.fail(field.Forbidden(path.Child("pods"), "pods narrows namespaces; it has no meaning beside cidrs, leave it out"))
	}
	return Party{CIDRs: c.cidrs(peer.CIDRs, path.Child("cidrs"))}
}
