package guardrail

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// find finds what a tier declares and guardrails cannot say.
func (c *compiler) find() {
	var tiers []string
	for i := range c.plan.Tiers {
		t := &c.plan.Tiers[i]
		if t.InternalTraffic == v1alpha1.InternalTrafficSameNamespace && (t.Namespaces.Selector != nil || len(t.Namespaces.Names) > 1) {
			tiers = append(tiers, t.Name)
		}
	}
	if len(tiers) > 0 {
		slices.Sort(tiers)
		c.findf(v1alpha1.ReasonGuardrailWider, "guardrails cannot tell the namespaces of one tier apart: inside of tier %s "+
			"NetworkPolicies alone decide; make a tier of a namespace that must be guarded from others of its tier",
			strings.Join(tiers, ", "))
	}
}

// findNames finds ports with names, which have no protocol in ClusterNetworkPolicies.
func (c *compiler) findNames() {
	var named []string
	for i := range c.plan.Tiers {
		for j := range c.plan.Tiers[i].Rules {
			r := &c.plan.Tiers[i].Rules[j]
			if slices.ContainsFunc(r.Ports, isNamed) {
				named = append(named, r.Dependency)
			}
		}
	}
	if len(named) > 0 {
		slices.Sort(named)
		named = slices.Compact(named)
		more := ""
		if n := len(named) - maxNamed; n > 0 {
			named, more = named[:maxNamed], fmt.Sprintf(" and %d more", n)
		}
		c.findf(v1alpha1.ReasonGuardrailWider, "guardrails cannot tell the protocol of a port with a name: of dependency %s%s they pass "+
			"ports of that name whatever their protocol; give numbers", strings.Join(named, ", "), more)
	}
}

// maxNamed is how many dependencies a finding names.
const maxNamed = 5

func isNamed(p networkingv1.NetworkPolicyPort) bool { return p.Port != nil && p.Port.StrVal != "" }

// findAddresses finds a dependency with addresses that pods of the cluster have. It passes nothing: on ingress a
// ClusterNetworkPolicy cannot name addresses, and on egress, where it can, what is denied is pods.
func (c *compiler) findAddresses(r *plan.Rule) {
	covered := addresses.Covered(r.Remote.CIDRs, addresses.Cluster{Pods: c.cluster.Pods})
	if len(covered) > 0 && covered[0].Kind == addresses.Pods {
		way := "to"
		if r.Direction == networkingv1.PolicyTypeIngress {
			way = "from"
		}
		c.findf(v1alpha1.ReasonGuardrailNarrower, "dependency %s: %s covers addresses of pods, and guardrails deny what goes %s pods by "+
			"their address; name the pods by a peer with namespaces", r.Dependency, covered[0].Block, way)
	}
}

// findService finds a call of a Service from outside of the profile: where a tier calls, its side tells the pods.
func (c *compiler) findService(r *plan.Rule) {
	if !isOwnTier(&r.Remote) {
		c.findf(v1alpha1.ReasonGuardrailWider, "dependency %s: the pods of Service %s differ by namespace, which guardrails cannot say: "+
			"they leave all pods and ports of the tier to NetworkPolicies for this caller; give pods and ports in place of the Service",
			r.Dependency, r.Service)
	}
}

func (c *compiler) findf(reason, format string, args ...any) {
	finding := plan.Finding{Reason: reason, Message: fmt.Sprintf(format, args...)}
	if !slices.Contains(c.findings, finding) {
		c.findings = append(c.findings, finding)
	}
}
