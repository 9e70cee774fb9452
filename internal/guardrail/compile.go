package guardrail

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// compiler collects the rules of a profile by the pods that they are for.
type compiler struct {
	plan     *plan.Plan
	cluster  addresses.Cluster
	lanes    map[string]*lane
	findings []plan.Finding
	// served are the dependencies that call a Service in a tier.
	served map[string]bool
	// isTwoSided is set if pods are chosen at both sides of a dependency between tiers.
	isTwoSided bool
}

func compile(p *plan.Plan, cluster addresses.Cluster, isTwoSided bool) *compiler {
	c := &compiler{plan: p, lanes: map[string]*lane{}, cluster: cluster, served: served(p), isTwoSided: isTwoSided}
	c.dns()
	for i := range p.Tiers {
		c.internal(&p.Tiers[i])
	}
	c.dependencies()
	return c
}

// served are the dependencies that call a Service: what they open at the called side differs by namespace.
func served(p *plan.Plan) map[string]bool {
	out := map[string]bool{}
	for i := range p.Tiers {
		for j := range p.Tiers[i].Declared {
			if r := &p.Tiers[i].Declared[j]; r.Service != "" {
				out[r.Dependency] = true
			}
		}
	}
	return out
}

// dns passes name resolution, the same for all tiers.
func (c *compiler) dns() {
	dns := c.plan.DNS
	if dns == nil || len(dns.Ports) == 0 {
		return
	}
	to := peer{
		namespaces: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: dns.Namespace}},
		pods:       &dns.Pods,
	}
	c.pass(c.lane("", nil), unit{"dns", networkingv1.PolicyTypeEgress, split([]peer{to}, protocolsOf(dns.Ports))})
}

// internal passes what a tier's pods send each other. ClusterNetworkPolicies cannot say "the same namespace": where only
// that is declared, the whole tier is passed on, and the NetworkPolicies decide.
func (c *compiler) internal(t *plan.Tier) {
	if t.InternalTraffic == v1alpha1.InternalTrafficDeny {
		return
	}
	own := []peer{tierPeer(c.plan.Profile, t.Name, nil)}
	for _, direction := range directions() {
		c.pass(c.lane(t.Name, nil), unit{"tier/" + t.Name, direction, split(own, nil)})
	}
}

func directions() []networkingv1.PolicyType {
	return []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
}

// dependencies passes what dependencies declare. One that concerns all tiers alike has its rule once, for all of them.
func (c *compiler) dependencies() {
	concerned := map[string]int{}
	for i := range c.plan.Tiers {
		for _, key := range slices.Compact(slices.Sorted(slices.Values(c.keysOf(&c.plan.Tiers[i])))) {
			concerned[key]++
		}
	}
	isDone := map[string]bool{}
	for i := range c.plan.Tiers {
		t := &c.plan.Tiers[i]
		keys := c.keysOf(t)
		for j := range t.Rules {
			tier := t.Name
			if len(c.plan.Tiers) > 1 && concerned[keys[j]] == len(c.plan.Tiers) {
				tier = ""
			}
			if key := tier + "/" + keys[j]; !isDone[key] {
				isDone[key] = true
				c.dependency(tier, &t.Rules[j])
			}
		}
	}
}

func (*compiler) keysOf(t *plan.Tier) []string {
	out := make([]string, 0, len(t.Rules))
	for i := range t.Rules {
		out = append(out, render.Key(&t.Rules[i]))
	}
	return out
}

// dependency passes one side of a dependency.
//
// A flow needs both sides, so that the pods of both can be told at one of them. Where pods are chosen in many ways, the
// called side tells them, if it is a tier of the profile; but where a Service chooses the called pods, that differs by
// namespace there, and the calling side tells them, which knows all forms of it.
func (c *compiler) dependency(tier string, r *plan.Rule) {
	peers := peersOf(c.plan, &r.Remote)
	if len(peers) == 0 {
		c.findAddresses(r)
		return
	}
	pods, ports := r.Pods, protocolsOf(r.Ports)
	if !c.isTwoSided && r.Direction == networkingv1.PolicyTypeEgress && isOwnTier(&r.Remote) && !c.served[r.Dependency] {
		pods = nil
	}
	if r.Service != "" {
		ports = nil // They are the Service's, and each namespace has its own pods' ports behind them.
		c.findService(r)
	}
	c.pass(c.lane(tier, pods), unit{"dependency/" + r.Dependency, r.Direction, split(peers, ports)})
}

// isOwnTier tells whether a party is a tier of the profile, or all of them.
func isOwnTier(party *plan.Party) bool {
	return party.AllTiers || party.Tier != "" && party.Profile == ""
}

// pass adds a unit to a lane; one that is there is not added again.
func (*compiler) pass(l *lane, u unit) {
	if len(u.rules) > 0 {
		l.units = append(l.units, u)
	}
}

// lane finds or makes the lane of the members of a tier, or of all tiers; pods narrows it.
func (c *compiler) lane(tier string, pods *metav1.LabelSelector) *lane {
	namespaces := members(c.plan.Profile)
	name := allName(c.plan.Profile)
	if tier != "" {
		namespaces = &metav1.LabelSelector{MatchLabels: render.MembershipLabels(c.plan.Profile, tier)}
		name = tierName(c.plan.Profile, tier)
	}
	subject := policyv1alpha2.ClusterNetworkPolicySubject{Namespaces: namespaces}
	if pods != nil && !isEmpty(pods) {
		subject = policyv1alpha2.ClusterNetworkPolicySubject{
			Pods: &policyv1alpha2.NamespacedPod{NamespaceSelector: *namespaces, PodSelector: *pods},
		}
		sum := sha256.Sum256([]byte(render.Key(pods)))
		name += ".pods-" + hex.EncodeToString(sum[:5])
	}
	if c.lanes[name] == nil {
		c.lanes[name] = &lane{name: name, tier: tier, subject: subject}
	}
	return c.lanes[name]
}

func isEmpty(selector *metav1.LabelSelector) bool {
	return len(selector.MatchLabels) == 0 && len(selector.MatchExpressions) == 0
}

// sortUnits puts units into an order that does not depend on that of the profile, and joins equal ones.
func sortUnits(units []unit) []unit {
	keys := make(map[string]unit, len(units))
	for _, u := range units {
		keys[u.entry+" "+string(u.direction)+" "+u.key()] = u
	}
	out := make([]unit, 0, len(keys))
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		out = append(out, keys[key])
	}
	return out
}
