package simulation

import (
	"context"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// declaration is what the profiles in a store say, for the Services and namespaces there.
type declaration struct {
	store     *store
	claimants []claim.Claimant
	decisions map[string]claim.Decision
	// plans are those of the profiles that can be compiled.
	plans map[string]*plan.Plan
}

func declare(store *store) *declaration {
	d := &declaration{store: store, decisions: map[string]claim.Decision{}, plans: map[string]*plan.Plan{}}
	facts := &plan.Facts{DNS: map[types.NamespacedName]plan.Service{}, Others: map[string]*plan.Plan{}}
	for name, p := range store.profiles {
		c := claimantOf(p)
		if !c.Preview && !store.isMarkedAs(p) {
			c.Frozen, c.Tiers = true, nil // It claims nothing before it has its bookmark.
		}
		d.claimants = append(d.claimants, c)
		compiled, errs := plan.Compile(p)
		if p.DeletionTimestamp == nil && !c.Preview {
			facts.Others[name] = compiled // It is nil if it does not compile: then others keep to what they agreed on.
		}
		if p.DeletionTimestamp == nil && len(errs) == 0 {
			d.plans[name] = compiled
		}
	}
	claim.Sort(d.claimants)
	for _, name := range store.cluster() {
		d.decisions[name] = d.decide(name)
	}
	facts.Called = d.called()
	for _, p := range d.plans {
		if p.DNS != nil && p.DNS.Service != "" {
			name := types.NamespacedName{Namespace: p.DNS.Namespace, Name: p.DNS.Service}
			if service, found := d.service(name.Namespace, name.Name); found {
				facts.DNS[name] = service
			}
		}
	}
	for name, p := range d.plans {
		d.plans[name] = p.Resolve(facts).Plan
	}
	return d
}

// decide is what becomes of a namespace by what is declared.
func (d *declaration) decide(name string) claim.Decision {
	n := claim.Namespace{Name: name, Labels: d.store.namespaces[name].Labels}
	claimants := d.claimants
	if of := n.Labels[v1alpha1.ProfileLabel]; of != "" && d.store.profiles[of] == nil && !d.store.isMarked(of) {
		claimants = append(slices.Clip(claimants), claim.Claimant{Profile: of}) // It is gone, and claims nothing.
	}
	return claim.Decide(n, claimants, nil)
}

// tierOf is the tier that a namespace is to be in, or is held in.
func (d *declaration) tierOf(name string) (profile, tier string) {
	switch decision := d.decisions[name]; decision.Outcome {
	case claim.Claimed:
		return decision.Profile, decision.Tier
	case claim.Held:
		labels := d.store.namespaces[name].Labels
		return labels[v1alpha1.ProfileLabel], labels[v1alpha1.TierLabel]
	default:
		return "", ""
	}
}

func (d *declaration) service(namespace, name string) (service plan.Service, found bool) {
	var obj corev1.Service
	if err := d.store.Get(context.Background(), types.NamespacedName{Namespace: namespace, Name: name}, &obj); err != nil {
		return plan.Service{}, false
	}
	return plan.ServiceOf(&obj), true
}

// called are the Services that dependencies name, wherever they are looked for, in each form that they have.
func (d *declaration) called() map[plan.Called][]plan.Variant {
	out := map[plan.Called][]plan.Variant{}
	for _, p := range d.plans {
		for _, called := range p.Calls() {
			forms := map[string]*plan.Variant{}
			for _, name := range d.store.cluster() {
				if service, found := d.service(name, called.Service); found && d.isIn(name, p, &called) {
					key := service.Key()
					if forms[key] == nil {
						forms[key] = &plan.Variant{Service: service}
					}
					forms[key].Namespaces = append(forms[key].Namespaces, name)
				}
			}
			for _, key := range slices.Sorted(maps.Keys(forms)) {
				out[called] = append(out[called], *forms[key])
			}
		}
	}
	return out
}

// isIn tells whether a Service is looked for in a namespace.
func (d *declaration) isIn(name string, p *plan.Plan, called *plan.Called) bool {
	if called.Peer == "" {
		profile, tier := d.tierOf(name)
		return profile == called.Profile && tier == called.Tier
	}
	n := claim.Namespace{Name: name, Labels: d.store.namespaces[name].Labels}
	return slices.ContainsFunc(p.Peers(), func(peer claim.Tier) bool { return peer.Name == called.Peer && peer.Selects(n) })
}

// due is what a namespace should have in the end, unless it is held.
func (d *declaration) due(name string) (member map[string]string, want render.Objects, held bool) {
	decision := d.decisions[name]
	if decision.Outcome != claim.Claimed {
		return map[string]string{}, render.Objects{}, decision.Outcome == claim.Held
	}
	p := d.plans[decision.Profile]
	tier := p.Tier(decision.Tier)
	own := map[string]plan.Service{}
	for _, service := range tier.Services() {
		if found, isThere := d.service(name, service); isThere {
			own[service] = found
		}
	}
	want = render.Tier(p, tier.With(own)).In(name).WithCallers(func(tier string) []string {
		return d.callers(decision.Profile, tier)
	})
	return render.MembershipLabels(decision.Profile, decision.Tier), want, false
}

// links tells whether profiles have paths to one another, and whether one of them is not the same on both sides: the
// pods or ports are others. The two sides are then not opened by one dependency: see docs/transitions.md.
func (d *declaration) links() (linked, uneven bool) {
	sides, mirrors := map[string]bool{}, map[string]bool{}
	for _, p := range d.plans {
		for i := range p.Tiers {
			for j := range p.Tiers[i].Rules {
				if rule := &p.Tiers[i].Rules[j]; rule.Remote.Profile != "" {
					sides[sideOf(p.Profile, p.Tiers[i].Name, rule)] = true
					mirrors[mirrorOf(p.Profile, p.Tiers[i].Name, rule)] = true
				}
			}
		}
	}
	return len(sides) > 0, !maps.Equal(sides, mirrors)
}

// isMixed tells whether a Service that dependencies name is not the same in all namespaces of its tier. Who calls it may
// reach all its forms in all of them, and each namespace opens its own only.
func (d *declaration) isMixed() bool {
	for _, p := range d.plans {
		for _, called := range p.Calls() {
			forms := map[string]bool{}
			for _, name := range d.store.cluster() {
				if called.Tier == "" || !d.isIn(name, p, &called) {
					continue
				}
				service, found := d.service(name, called.Service)
				if !found {
					service.Problem = plan.NoSelector
				}
				forms[service.Key()] = true
			}
			if len(forms) > 1 {
				return true
			}
		}
	}
	return false
}

// sideOf is one side of a path between two profiles as text.
func sideOf(profile, tier string, rule *plan.Rule) string {
	return render.Key([]any{rule.Direction, profile, tier, rule.Pods, rule.Remote.Profile, rule.Remote.Tier, rule.Remote.Pods, rule.Ports})
}

// mirrorOf is what the other side of a path should be.
func mirrorOf(profile, tier string, rule *plan.Rule) string {
	other := *rule
	other.Direction = networkingv1.PolicyTypeIngress
	if rule.Direction == networkingv1.PolicyTypeIngress {
		other.Direction = networkingv1.PolicyTypeEgress
	}
	other.Pods, other.Remote.Pods = rule.Remote.Pods, rule.Pods
	other.Remote.Profile, other.Remote.Tier = profile, tier
	return sideOf(rule.Remote.Profile, rule.Remote.Tier, &other)
}
