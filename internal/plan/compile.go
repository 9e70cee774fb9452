package plan

import (
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
)

// Compile compiles a profile. If the profile cannot be compiled it returns all of the
// reasons, each with the field and the fix, and no plan.
func Compile(profile *v1alpha1.SegmentationProfile) (*Plan, field.ErrorList) {
	c := compiler{spec: &profile.Spec}
	spec := field.NewPath("spec")
	c.index(spec)

	p := &Plan{
		Profile:    profile.Name,
		UID:        profile.UID,
		Generation: profile.Generation,
		DNS:        c.dns(spec.Child("dns")),
	}
	for i := range c.spec.Tiers {
		p.Tiers = append(p.Tiers, c.tier(&c.spec.Tiers[i], spec.Child("tiers").Index(i)))
	}
	c.rejectSharedNames(spec.Child("tiers"))
	c.dependencies(p, spec.Child("dependencies"))

	if len(c.errs) > 0 {
		return nil, c.errs
	}
	return p, nil
}

// compiler collects mistakes while it goes through a spec, so that a person sees all of
// them at once.
type compiler struct {
	spec  *v1alpha1.SegmentationProfileSpec
	tiers map[v1alpha1.Name]*v1alpha1.Tier
	peers map[v1alpha1.Name]*v1alpha1.Peer
	roles map[v1alpha1.Name]*v1alpha1.Role
	errs  field.ErrorList
}

func (c *compiler) fail(err *field.Error) {
	c.errs = append(c.errs, err)
}

func (c *compiler) index(spec *field.Path) {
	c.tiers = byName(c, c.spec.Tiers, func(t *v1alpha1.Tier) v1alpha1.Name { return t.Name }, spec.Child("tiers"))
	c.peers = byName(c, c.spec.Peers, func(p *v1alpha1.Peer) v1alpha1.Name { return p.Name }, spec.Child("peers"))
	c.roles = byName(c, c.spec.Roles, func(r *v1alpha1.Role) v1alpha1.Name { return r.Name }, spec.Child("roles"))
	byName(c, c.spec.Dependencies, func(d *v1alpha1.Dependency) v1alpha1.Name { return d.Name }, spec.Child("dependencies"))
}

func byName[T any](c *compiler, items []T, name func(*T) v1alpha1.Name, path *field.Path) map[v1alpha1.Name]*T {
	index := make(map[v1alpha1.Name]*T, len(items))
	for i := range items {
		key := name(&items[i])
		if _, taken := index[key]; taken {
			c.fail(field.Duplicate(path.Index(i).Child("name"), key))
			continue
		}
		index[key] = &items[i]
	}
	return index
}

func (c *compiler) tier(t *v1alpha1.Tier, path *field.Path) Tier {
	return Tier{
		Name:            string(t.Name),
		Claim:           c.claimTier(t, path.Child("namespaces")),
		InternalTraffic: internalTraffic(t.InternalTraffic),
		Grants:          c.grants(t.Access, path.Child("access")),
	}
}

// internalTraffic fills in the default for profiles that did not pass through the API server.
func internalTraffic(declared v1alpha1.InternalTraffic) v1alpha1.InternalTraffic {
	if declared == "" {
		return v1alpha1.InternalTrafficSameNamespace
	}
	return declared
}

func (c *compiler) claimTier(t *v1alpha1.Tier, path *field.Path) claim.Tier {
	set := c.namespaceSet(&t.Namespaces, path)
	tier := claim.Tier{Name: string(t.Name), Names: sets.New(set.Names...)}
	if set.Selector != nil {
		tier.Selector = c.parse(set.Selector, path.Child("selector"))
	}
	return tier
}

// rejectSharedNames refuses a namespace that two tiers list by name. The CRD cannot: a rule
// over all pairs of names costs more than the API server allows.
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

func (c *compiler) dns(path *field.Path) *DNS {
	d := &c.spec.DNS
	if d.Mode == v1alpha1.DNSModeNone {
		return nil
	}
	out := &DNS{Namespace: "kube-system", Port: 53}
	if d.Namespace != "" {
		out.Namespace = string(d.Namespace)
	}
	if d.Port != 0 {
		out.Port = d.Port
	}
	out.Pods.MatchLabels = map[string]string{"k8s-app": "kube-dns"}
	if d.Pods != nil {
		out.Pods = *c.selector(d.Pods, path.Child("pods"))
	}
	return out
}
