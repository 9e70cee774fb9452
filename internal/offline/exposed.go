package offline

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/exposure"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// mistyped finds ports of dependencies that no pod and no Service of the tier that is called has.
func (r *renderer) mistyped() {
	if !r.world.isRead(Pods, Services) {
		// What is not read may have them.
		return
	}
	pods, services := map[string][]corev1.Pod{}, map[string][]corev1.Service{}
	for i := range r.world.Pods {
		p := &r.world.Pods[i]
		pods[p.Namespace] = append(pods[p.Namespace], *p)
	}
	for i := range r.world.Services {
		s := &r.world.Services[i]
		services[s.Namespace] = append(services[s.Namespace], *s)
	}
	exposed := map[string]map[string][][]exposure.Port{}
	for name, d := range r.decisions {
		if d.Outcome != claim.Claimed {
			continue
		}
		if exposed[d.Profile] == nil {
			exposed[d.Profile] = map[string][][]exposure.Port{}
		}
		exposed[d.Profile][d.Tier] = append(exposed[d.Profile][d.Tier], exposure.Of(pods[name], services[name]))
	}
	for name, p := range r.out.Profiles {
		if p.Plan == nil {
			continue
		}
		for _, m := range exposure.Unknown(p.Plan, exposed[name]) {
			p.Findings = append(p.Findings, plan.Finding{Reason: v1alpha1.ReasonPortNotExposed, Message: m.Message()})
		}
	}
}
