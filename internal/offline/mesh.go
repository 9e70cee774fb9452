package offline

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// mesh renders the policies of a service mesh, by the labels that namespaces will have.
func (r *renderer) mesh() {
	due := map[plan.TierOf][]string{}
	for i := range r.out.Namespaces {
		n := &r.out.Namespaces[i]
		of := plan.TierOf{Profile: n.Labels[v1alpha1.ProfileLabel], Tier: n.Labels[v1alpha1.TierLabel]}
		due[of] = append(due[of], n.Name)
	}
	facts := map[string]*mesh.Facts{}
	for name, p := range r.out.Profiles {
		if p.Plan != nil && p.Plan.Istio != nil {
			facts[name] = &mesh.Facts{Members: func(of plan.TierOf) []string { return due[of] }, Chosen: r.chosen(p.Plan)}
		}
	}
	for i := range r.out.Namespaces {
		n := &r.out.Namespaces[i]
		of := facts[n.Decision.Profile]
		if n.Decision.Outcome != claim.Claimed || of == nil {
			continue
		}
		p := r.out.Profiles[n.Decision.Profile]
		rendered := mesh.Render(p.Plan, p.Plan.Tier(n.Decision.Tier).With(r.own[n.Name]), n.Name, of)
		n.Mesh = rendered.Objects
		for _, f := range rendered.Findings {
			if f.Namespace != "" { // The others were found in the plan.
				p.Findings = append(p.Findings, f)
			}
		}
	}
}

// chosen are the namespaces that the peers of a plan choose by labels.
func (r *renderer) chosen(p *plan.Plan) map[string][]string {
	out := map[string][]string{}
	for _, peer := range p.Peers() {
		for i := range r.out.Namespaces {
			n := &r.out.Namespaces[i]
			of := labels.Set{corev1.LabelMetadataName: n.Name}
			if peer.Selector != nil && peer.Selector.Matches(labels.Merge(of, n.Labels)) {
				out[peer.Name] = append(out[peer.Name], n.Name)
			}
		}
	}
	return out
}
