package guardrail

import (
	"cmp"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// Guard is what the guardrails of one profile are to say.
type Guard struct {
	// Profile is the name of the profile.
	Profile string
	// HasBaseline is set if a policy of the Baseline tier denies what no NetworkPolicy decides.
	HasBaseline bool
	// Exempt are the namespaces, sorted, that are about to get labels of the profile, or to lose them. As long as they are
	// listed nothing of theirs is denied on their side: their NetworkPolicies alone decide.
	Exempt []string
	// Waits is set as long as nothing is to be taken away that passes, since labels are about to change by which it does.
	Waits bool
	// Findings are what ClusterNetworkPolicies cannot say.
	Findings []plan.Finding

	owners []metav1.OwnerReference
	lanes  []lane
}

// lane is a list of rules for the same pods. It has one object, or several as rules are many.
type lane struct {
	// name is the name of the first object.
	name string
	// tier is the tier that the pods are in; empty for all tiers.
	tier    string
	subject policyv1alpha2.ClusterNetworkPolicySubject
	units   []unit
}

// unit is what is passed on for one entry of the profile. Its rules are always in one object, so that none of them is ever
// missing while another has gone elsewhere.
type unit struct {
	// entry is the entry of the profile, such as dependency/web-api.
	entry     string
	direction networkingv1.PolicyType
	rules     []rule
}

// rule has at most as many peers and protocols as one rule may have; no protocols are all ports.
type rule struct {
	peers     []peer
	protocols []policyv1alpha2.ClusterNetworkPolicyProtocol
	// key tells it from others in an object: see keyOfIngress and keyOfEgress.
	key string
}

// New returns what guards a profile that wants to be. The addresses are those of the cluster, as far as they are known.
func New(p *plan.Plan, cluster addresses.Cluster, exempt []string) *Guard {
	c := compile(p, cluster, true)
	if len(c.lanes) > maxLanes {
		c = compile(p, cluster, false)
		c.findf(v1alpha1.ReasonGuardrailWider, "dependencies choose pods in so many ways that guardrails tell calling pods at the called "+
			"side only: a peer that chooses namespaces of tiers may let others through; choose pods in fewer ways")
	}
	c.find()
	c.findNames()
	g := &Guard{
		Profile: p.Profile, HasBaseline: p.Guardrails.Baseline == v1alpha1.BaselineDeny, Exempt: slices.Sorted(slices.Values(exempt)),
		Findings: c.findings, owners: ownersOf(p),
	}
	for _, l := range c.lanes {
		g.lanes = append(g.lanes, *l)
	}
	slices.SortFunc(g.lanes, func(a, b lane) int { return cmp.Compare(a.name, b.name) })
	return g
}

// maxLanes is how many lists of rules a profile may have that choose pods at both sides. With pods at one side alone there
// are at most as many as dependencies and tiers.
const maxLanes = 400

// The limits of the API: rules in each direction, and peers and ports of each rule.
const (
	maxRules     = 25
	maxPeers     = 25
	maxProtocols = 25
)

// split cuts peers and ports into rules within the limits.
func split(peers []peer, protocols []policyv1alpha2.ClusterNetworkPolicyProtocol) []rule {
	parts := slices.Collect(slices.Chunk(protocols, maxProtocols))
	if len(protocols) == 0 {
		parts = [][]policyv1alpha2.ClusterNetworkPolicyProtocol{nil}
	}
	var out []rule
	for some := range slices.Chunk(peers, maxPeers) {
		for _, part := range parts {
			r := rule{peers: some, protocols: part}
			r.key = keyOfIngress(&ingressRule{From: r.from(), Protocols: part})
			out = append(out, r)
		}
	}
	return out
}
