package offline

import (
	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// mesh renders the policies of a service mesh.
func (r *renderer) mesh() {
	var plans []*plan.Plan
	for _, p := range r.out.Profiles {
		if p.Plan != nil && p.Plan.Istio != nil {
			plans = append(plans, p.Plan)
		}
	}
	places := mesh.NewPlaces(plans, mesh.DefaultRoot)
	for i := range r.out.Namespaces {
		n := &r.out.Namespaces[i]
		places.Put(n.Name, plan.TierOf{Profile: n.Labels[v1alpha1.ProfileLabel], Tier: n.Labels[v1alpha1.TierLabel]}, n.Labels)
	}
	for i := range r.out.Namespaces {
		n := &r.out.Namespaces[i]
		p := r.out.Profiles[n.Decision.Profile]
		if n.Decision.Outcome != claim.Claimed || p.Plan == nil {
			continue
		}
		rendered := mesh.Render(p.Plan, p.Plan.Tier(n.Decision.Tier).With(r.own[n.Name]), n.Name, places.Facts(n.Decision.Profile))
		n.Mesh = rendered.Objects
		for _, f := range rendered.Findings {
			if f.Namespace != "" { // The others were found in the plan.
				p.Findings = append(p.Findings, f)
			}
		}
	}
}
