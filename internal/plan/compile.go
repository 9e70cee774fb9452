package plan

import (
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
)

// Compile compiles a profile. If the profile cannot be compiled it returns all of the
// reasons, each with the field and the fix, and no plan. What depends on a cluster is as in Usual, until the plan
// is resolved for what another one says.
func Compile(profile *v1alpha1.SegmentationProfile) (*Plan, field.ErrorList) {
	c := compiler{profile: profile.Name, spec: &profile.Spec, grants: map[v1alpha1.Name]grantSet{}}
	spec := field.NewPath("spec")
	c.name(v1alpha1.Name(profile.Name), field.NewPath("metadata", "name"))
	c.index(spec)

	p := &Plan{
		Profile:    profile.Name,
		UID:        profile.UID,
		Generation: profile.Generation,
		DNS:        c.dns(spec.Child("dns")),
		Guardrails: c.guardrails(spec.Child("guardrails")),
	}
	for i := range c.spec.Tiers {
		p.Tiers = append(p.Tiers, c.tier(&c.spec.Tiers[i], spec.Child("tiers").Index(i)))
	}
	c.rejectSharedNames(spec.Child("tiers"))
	c.dependencies(p, spec.Child("dependencies"))
	for i := range p.Tiers {
		p.Tiers[i].Grants = c.grants[c.spec.Tiers[i].Name].sorted()
	}

	if len(c.errs) > 0 {
		return nil, c.errs
	}
	return p.Resolve(Usual()).Plan, nil
}

// compiler collects mistakes while it goes through a spec, so that a person sees all of
// them at once.
type compiler struct {
	profile string
	spec    *v1alpha1.SegmentationProfileSpec
	tiers   map[v1alpha1.Name]*v1alpha1.Tier
	// peers and roles are compiled once, whatever number of dependencies and tiers name them.
	peers map[v1alpha1.Name]Party
	roles map[v1alpha1.Name][]rbacv1.PolicyRule
	// grants are those of each tier.
	grants map[v1alpha1.Name]grantSet
	errs   field.ErrorList
}

func (c *compiler) fail(err *field.Error) {
	c.errs = append(c.errs, err)
}

func (c *compiler) index(spec *field.Path) {
	c.tiers = byName(c, c.spec.Tiers, spec.Child("tiers"),
		func(t *v1alpha1.Tier, _ *field.Path) (v1alpha1.Name, *v1alpha1.Tier) { return t.Name, t })
	c.peers = byName(c, c.spec.Peers, spec.Child("peers"),
		func(p *v1alpha1.Peer, path *field.Path) (v1alpha1.Name, Party) { return p.Name, c.peer(p, path) })
	c.roles = byName(c, c.spec.Roles, spec.Child("roles"),
		func(r *v1alpha1.Role, path *field.Path) (v1alpha1.Name, []rbacv1.PolicyRule) {
			return r.Name, c.rules(r, path)
		})
	byName(c, c.spec.Dependencies, spec.Child("dependencies"),
		func(d *v1alpha1.Dependency, _ *field.Path) (v1alpha1.Name, *v1alpha1.Dependency) { return d.Name, d })
}

// byName makes something of each item, and finds it by the item's name.
func byName[T, V any](
	c *compiler, items []T, path *field.Path, compile func(*T, *field.Path) (v1alpha1.Name, V),
) map[v1alpha1.Name]V {
	index := make(map[v1alpha1.Name]V, len(items))
	for i := range items {
		name, compiled := compile(&items[i], path.Index(i))
		c.name(name, path.Index(i).Child("name"))
		if _, taken := index[name]; taken {
			c.fail(field.Duplicate(path.Index(i).Child("name"), name))
			continue
		}
		index[name] = compiled
	}
	return index
}

func (c *compiler) tier(t *v1alpha1.Tier, path *field.Path) Tier {
	set := c.namespaceSet(&t.Namespaces, path.Child("namespaces"))
	c.grants[t.Name] = grantSet{}
	c.tierAccess(c.grants[t.Name], t.Access, path.Child("access"))
	return Tier{
		Name:            string(t.Name),
		Namespaces:      set,
		Claim:           claimOf(string(t.Name), &set),
		InternalTraffic: c.internalTraffic(t.InternalTraffic, path.Child("internalTraffic")),
	}
}

// internalTraffic fills in the default for profiles that did not pass through the API server.
func (c *compiler) internalTraffic(declared v1alpha1.InternalTraffic, path *field.Path) v1alpha1.InternalTraffic {
	if declared == "" {
		return v1alpha1.InternalTrafficSameNamespace
	}
	oneOf(c, declared, path, v1alpha1.InternalTrafficSameNamespace, v1alpha1.InternalTrafficSameTier, v1alpha1.InternalTrafficDeny)
	return declared
}

// guardrails checks what the profile says of cluster-wide policies.
func (c *compiler) guardrails(path *field.Path) *v1alpha1.Guardrails {
	if g := c.spec.Guardrails; g != nil {
		oneOf(c, g.Baseline, path.Child("baseline"), v1alpha1.BaselineNone, v1alpha1.BaselineDeny, "")
	}
	return c.spec.Guardrails
}

// claimOf chooses the namespaces of a set.
func claimOf(name string, set *NamespaceSet) claim.Tier {
	tier := claim.Tier{Name: name, Names: sets.New(set.Names...)}
	if set.Selector != nil {
		// A selector that cannot be read was said to be a mistake already; nil chooses nothing.
		tier.Selector, _ = metav1.LabelSelectorAsSelector(set.Selector)
	}
	return tier
}

// rejectSharedNames refuses a namespace that two tiers list by name. The CRD does so too, in the
// words of a failed evaluation; these are clearer.
func (c *compiler) rejectSharedNames(path *field.Path) {
	holder := map[v1alpha1.NamespaceName]v1alpha1.Name{}
	for i := range c.spec.Tiers {
		t := &c.spec.Tiers[i]
		for j, name := range t.Namespaces.Names {
			other, taken := holder[name]
			if taken && other != t.Name {
				c.fail(field.Invalid(path.Index(i).Child("namespaces", "names").Index(j), name,
					"tier "+string(other)+" lists this namespace too; a namespace belongs to one tier, remove it from the other"))
				continue
			}
			holder[name] = t.Name
		}
	}
}

// dns fills in the defaults for profiles that did not pass through the API server.
func (c *compiler) dns(path *field.Path) *DNS {
	d := &c.spec.DNS
	oneOf(c, d.Mode, path.Child("mode"), v1alpha1.DNSModeClusterDNS, v1alpha1.DNSModeNone, "")
	if d.Mode == v1alpha1.DNSModeNone {
		return nil
	}
	out := &DNS{Namespace: "kube-system", NodeLocal: c.addresses(d.NodeLocal, path.Child("nodeLocal"))}
	if d.Namespace != "" {
		c.namespaceName(d.Namespace, path.Child("namespace"))
		out.Namespace = string(d.Namespace)
	}
	if d.Pods == nil {
		c.dnsService(d, path, out)
		return out
	}
	if d.Service != "" {
		c.fail(field.Forbidden(path.Child("pods"),
			"the pods of the Service are those that it selects; leave out pods, or leave out service"))
	}
	port := int32(dnsPort)
	if d.Port != 0 {
		c.portNumber(d.Port, path.Child("port"))
		port = d.Port
	}
	out.Pods, out.Ports = *c.selector(d.Pods, path.Child("pods")), portsOf(port, corev1.ProtocolTCP, corev1.ProtocolUDP)
	return out
}

// dnsService is the Service that is looked up where a profile does not choose pods.
func (c *compiler) dnsService(d *v1alpha1.DNS, path *field.Path, out *DNS) {
	out.Service = "kube-dns"
	if d.Service != "" {
		c.name(d.Service, path.Child("service"))
		out.Service = string(d.Service)
	}
	if d.Port != 0 && d.Port != dnsPort {
		c.fail(field.Forbidden(path.Child("port"),
			"it is the port of the pods that pods chooses; the ports of a Service are found, leave it out"))
	}
}
