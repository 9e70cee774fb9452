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
		known := len(c.errs)
		from := c.party(&d.From, at.Child("from"))
		to := c.party(&d.To, at.Child("to"))
		from.ServiceAccounts = c.serviceAccounts(&d.From, &from, at.Child("from"))
		if len(d.To.ServiceAccounts) > 0 {
			c.fail(field.Forbidden(at.Child("to", "serviceAccounts"), "they say who calls; give them in from"))
		}
		if d.From.Service != "" {
			c.fail(field.Forbidden(at.Child("from", "service"), "a Service is what is called; name it in to, and choose who calls by pods"))
		}
		if len(c.errs) == known && !from.isOwn() && !to.isOwn() {
			c.fail(field.Invalid(at, string(d.Name), "neither from nor to is a tier of this profile; one of them must be"))
		}
		c.dependencyAccess(d, at)
		if len(d.Access) > 0 && len(d.Ports) == 0 {
			continue // It is about the API only.
		}
		ports := c.ports(d, &to, at.Child("ports"))
		addRule(p, &from, Rule{Dependency: string(d.Name), Direction: networkingv1.PolicyTypeEgress, Remote: to, Ports: ports})
		addRule(p, &to, Rule{Dependency: string(d.Name), Direction: networkingv1.PolicyTypeIngress, Remote: from, Ports: ports})
	}
}

// isOwn tells whether a side is a tier of the profile, or all of them.
func (p *Party) isOwn() bool {
	return p.AllTiers || p.Tier != "" && p.Profile == ""
}

// addRule gives the rule to the tiers on the near side, if these are the profile's own.
func addRule(p *Plan, near *Party, rule Rule) {
	if !near.isOwn() {
		return
	}
	rule.Pods, rule.Service = near.Pods, near.Service
	for i := range p.Tiers {
		if t := &p.Tiers[i]; near.AllTiers || t.Name == near.Tier {
			t.Declared = append(t.Declared, rule)
		}
	}
}

func (c *compiler) party(e *v1alpha1.Endpoint, path *field.Path) Party {
	if count(e.Tier != "", e.AllTiers, e.Peer != "") != 1 {
		c.fail(field.Required(path, "give one of tier, allTiers and peer, and only one of them"))
		return Party{}
	}
	if e.Tier != "" {
		return c.tierParty(e, path)
	}
	c.alone(e, path)
	if e.AllTiers {
		return Party{AllTiers: true, Pods: c.pods(e.Pods, path.Child("pods"))}
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

// count counts what is given.
func count(given ...bool) int {
	n := 0
	for _, is := range given {
		if is {
			n++
		}
	}
	return n
}

// alone refuses what says something about a tier where none is named.
func (c *compiler) alone(e *v1alpha1.Endpoint, path *field.Path) {
	if e.Profile != "" {
		c.fail(field.Forbidden(path.Child("profile"), "it says whose tier it is; give the name of a tier of that profile in tier"))
	}
	if e.Service != "" {
		c.fail(field.Forbidden(path.Child("service"), "it names a Service in a tier; give the name of the tier in tier"))
	}
}

func (c *compiler) tierParty(e *v1alpha1.Endpoint, path *field.Path) Party {
	out := Party{Tier: string(e.Tier), Profile: string(e.Profile), Service: string(e.Service), Pods: c.pods(e.Pods, path.Child("pods"))}
	if e.Service != "" {
		c.service(e.Service, e.Pods, path)
	}
	switch {
	case e.Profile == "":
		if c.tiers[e.Tier] == nil {
			c.fail(field.NotFound(path.Child("tier"), e.Tier))
		}
	case string(e.Profile) == c.profile:
		c.fail(field.Invalid(path.Child("profile"), e.Profile, "this is the profile itself; leave out profile"))
	default:
		c.name(e.Profile, path.Child("profile"))
		c.name(e.Tier, path.Child("tier"))
		if e.Service != "" {
			c.fail(field.Forbidden(path.Child("service"), "it names a Service in a tier of this profile; leave it out, and give ports"))
		}
	}
	return out
}

// service checks a Service that chooses pods.
func (c *compiler) service(name v1alpha1.Name, pods *v1alpha1.LabelSelector, path *field.Path) {
	c.name(name, path.Child("service"))
	if pods != nil {
		c.fail(field.Forbidden(path.Child("pods"), "the pods of a Service are those that it selects; leave out pods, or leave out service"))
	}
}

func (c *compiler) peer(peer *v1alpha1.Peer, path *field.Path) Party {
	out := Party{Peer: string(peer.Name), APIServer: peer.APIServer != nil}
	if peer.Namespaces != nil {
		set := c.namespaceSet(peer.Namespaces, path.Child("namespaces"))
		out.Namespaces, out.Pods, out.Service = &set, c.pods(peer.Pods, path.Child("pods")), string(peer.Service)
		if peer.Service != "" {
			c.service(peer.Service, peer.Pods, path)
		}
	}
	if len(peer.CIDRs) > 0 {
		out.CIDRs = c.cidrs(peer.CIDRs, path.Child("cidrs"))
	}
	if peer.Internet != nil {
		private := peer.Internet.PrivateRanges
		oneOf(c, private, path.Child("internet", "privateRanges"), v1alpha1.PrivateRangesExcluded, v1alpha1.PrivateRangesIncluded, "")
		out.Internet = &Internet{Private: private == v1alpha1.PrivateRangesIncluded}
	}
	if count(peer.Namespaces != nil, len(peer.CIDRs) > 0, peer.APIServer != nil, peer.Internet != nil) != 1 {
		c.fail(field.Required(path, "give one of namespaces, cidrs, apiServer and internet, and only one of them"))
		return Party{}
	}
	c.onlyWithNamespaces(peer, path)
	return out
}

func (c *compiler) onlyWithNamespaces(peer *v1alpha1.Peer, path *field.Path) {
	if peer.Namespaces != nil {
		return
	}
	if peer.Pods != nil {
		c.fail(field.Forbidden(path.Child("pods"), "pods narrows namespaces; it has no meaning beside addresses, leave it out"))
	}
	if peer.Service != "" {
		c.fail(field.Forbidden(path.Child("service"),
			"service names a Service in namespaces; it has no meaning beside addresses, leave it out"))
	}
}
