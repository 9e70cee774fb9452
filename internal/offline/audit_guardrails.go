package offline

import (
	"k8s.io/apimachinery/pkg/api/equality"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
)

// guardrailDrift tells of guardrails that are not as declared, as drift does of what is in namespaces.
func (a *auditor) guardrailDrift() {
	if !a.isWritten || !a.world.isRead(ClusterPolicies, Services, EndpointSlices, Nodes, ServiceCIDRs) {
		return
	}
	there := map[string][]*policyv1alpha2.ClusterNetworkPolicy{}
	for _, o := range pointersTo(a.world.ClusterPolicies) {
		if guardrail.IsOurs(o) {
			there[guardrail.ProfileOf(o)] = append(there[guardrail.ProfileOf(o)], o)
		}
	}
	for name, p := range a.rendered.Profiles {
		if !p.isWritten() {
			continue
		}
		cluster := &Namespace{Decision: claim.Decision{Profile: name}}
		driftOf(a, cluster, "ClusterNetworkPolicy", a.rendered.Guardrails(name), there[name],
			func(x, y *policyv1alpha2.ClusterNetworkPolicy) bool {
				return equality.Semantic.DeepEqual(x.Spec, y.Spec)
			})
	}
}
