package mesh

import (
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// Facts are what policies have to know of the cluster, beside the plan.
type Facts struct {
	// Members returns the namespaces that are due in a tier, sorted, whether or not they have its labels yet.
	Members func(plan.TierOf) []string
	// Chosen are the namespaces that peers choose by labels, by the names of the peers, sorted.
	Chosen map[string][]string
	// Root is Istio's root namespace; empty if none is known.
	Root string
}

// Objects are the objects of one namespace, each kind sorted by name.
type Objects struct {
	// Policies say who may call.
	Policies []*AuthorizationPolicy
	// Authentications say by what connections.
	Authentications []*PeerAuthentication
}

// Rendered is what a tier becomes in a namespace.
type Rendered struct {
	Objects

	// Findings are what the policies cannot say as it is declared, each once.
	Findings []plan.Finding
}

// Render returns the objects of a namespace that is due in a tier; none if the profile has no part in a mesh. They share
// memory with the plan and the facts: none may be modified.
//
// The tier is as it is for the namespace (plan.Tier.With).
func Render(p *plan.Plan, t *plan.Tier, namespace string, facts *Facts) Rendered {
	if p.Istio == nil {
		return Rendered{}
	}
	if namespace != "" && namespace == facts.Root {
		return Rendered{Findings: []plan.Finding{inRoot(t.Name, namespace)}}
	}
	r := renderer{plan: p, tier: t, namespace: namespace, facts: facts, found: map[plan.Finding]bool{}}
	out := r.podPolicies()
	out = append(out, r.basePolicy())
	for _, policy := range out {
		r.fit(policy)
	}
	slices.SortFunc(out, func(a, b *AuthorizationPolicy) int { return strings.Compare(a.Name, b.Name) })
	return Rendered{Objects: Objects{Policies: out, Authentications: r.authentications()}, Findings: r.findings}
}

// inRoot says why nothing is written in the root namespace: it would hold for all namespaces, also for those of no profile.
func inRoot(tier, namespace string) plan.Finding {
	return plan.Finding{
		Reason: v1alpha1.ReasonMeshAdmitsMore, Namespace: namespace,
		Message: "tier " + tier + ": it is Istio's root namespace, whose policies hold for all namespaces, so none is written here; " +
			"the NetworkPolicies stand alone",
	}
}

// Findings are those of a profile that do not depend on which namespaces there are. The Services that its dependencies name
// are called in each form that they have (plan.Facts.Called).
func Findings(p *plan.Plan, called map[plan.Called][]plan.Variant) []plan.Finding {
	facts := Facts{Members: func(plan.TierOf) []string { return nil }}
	var out []plan.Finding
	for i := range p.Tiers {
		for _, t := range forms(p, &p.Tiers[i], called) {
			for _, f := range Render(p, t, "", &facts).Findings {
				if !slices.Contains(out, f) {
					out = append(out, f)
				}
			}
		}
	}
	return out
}

// forms are a tier as it is for namespaces with one Service that its dependencies name, in each form of each.
func forms(p *plan.Plan, t *plan.Tier, called map[plan.Called][]plan.Variant) []*plan.Tier {
	out := []*plan.Tier{t}
	for _, name := range t.Services() {
		for _, variant := range called[plan.Called{Profile: p.Profile, Tier: t.Name, Service: name}] {
			out = append(out, t.With(map[string]plan.Service{name: variant.Service}))
		}
	}
	return out
}

type renderer struct {
	plan      *plan.Plan
	tier      *plan.Tier
	namespace string
	facts     *Facts
	findings  []plan.Finding
	found     map[plan.Finding]bool
}

// basePolicy is the policy of all workloads of the namespace. That it is there denies what none allows.
func (r *renderer) basePolicy() *AuthorizationPolicy {
	openings := r.internal()
	names := []string{}
	for i := range r.tier.Rules {
		rule := &r.tier.Rules[i]
		if rule.Direction != networkingv1.PolicyTypeIngress || rule.Pods != nil || rule.Service != "" {
			continue
		}
		if opened, ok := r.opening(rule); ok {
			openings = append(openings, opened)
			names = append(names, "dependency/"+rule.Dependency)
		}
	}
	slices.Sort(names)
	policy := r.policy(render.Prefix, slices.Compact(names)...)
	policy.Spec.Rules = rulesOf(openings)
	return policy
}

// podPolicies are the policies of dependencies that name pods or a Service on the side that is called.
func (r *renderer) podPolicies() []*AuthorizationPolicy {
	var out []*AuthorizationPolicy
	policies, openings := map[string]*AuthorizationPolicy{}, map[string][]opening{}
	for i := range r.tier.Rules {
		rule := &r.tier.Rules[i]
		if rule.Direction != networkingv1.PolicyTypeIngress || rule.Pods == nil {
			continue
		}
		selector, some := r.selector(rule)
		if !some {
			continue
		}
		opened, some := r.opening(rule)
		if !some {
			continue
		}
		policy := policies[rule.Dependency]
		if policy == nil {
			policy = r.policy(PodPolicyName(rule.Dependency), "dependency/"+rule.Dependency)
			policy.Spec.Selector = selector
			policies[rule.Dependency] = policy
			out = append(out, policy)
		}
		openings[rule.Dependency] = append(openings[rule.Dependency], opened)
		policy.Spec.Rules = rulesOf(openings[rule.Dependency])
	}
	return out
}

// PodPolicyName is the name of the policy of a dependency that names pods.
func PodPolicyName(dependency string) string {
	return render.Prefix + "-" + dependency
}

// policy begins a policy.
func (r *renderer) policy(name string, declaredBy ...string) *AuthorizationPolicy {
	return &AuthorizationPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: GroupVersion().String(), Kind: KindAuthorizationPolicy},
		ObjectMeta: r.object(name, declaredBy...),
		Spec:       AuthorizationSpec{Action: Allow},
	}
}

func (r *renderer) object(name string, declaredBy ...string) metav1.ObjectMeta {
	out := render.PolicyMeta(r.plan, r.tier, name, append([]string{"tier/" + r.tier.Name}, declaredBy...)...)
	out.Namespace = r.namespace
	return out
}

// authentications has the workloads of the namespace take connections by mutual TLS only, if that is asked for.
func (r *renderer) authentications() []*PeerAuthentication {
	if !r.plan.Istio.StrictTLS {
		return nil
	}
	return []*PeerAuthentication{{
		TypeMeta:   metav1.TypeMeta{APIVersion: GroupVersion().String(), Kind: KindPeerAuthentication},
		ObjectMeta: r.object(render.Prefix),
		Spec:       PeerAuthenticationSpec{MTLS: &MutualTLS{Mode: ModeStrict}},
	}}
}

// internal opens what internalTraffic says.
func (r *renderer) internal() []opening {
	switch r.tier.InternalTraffic {
	case v1alpha1.InternalTrafficSameNamespace:
		return []opening{{from: namespaceSources([]string{r.namespace}), everyPort: true}}
	case v1alpha1.InternalTrafficSameTier:
		return []opening{{from: namespaceSources(r.members(r.tier.Name)), everyPort: true}}
	default:
		return nil
	}
}

// opening is what one rule of the plan opens. It is nothing if nobody is known who may call, or no port can be told:
// Istio takes a rule without sources to mean everybody, and one without ports to mean every port.
func (r *renderer) opening(rule *plan.Rule) (opening, bool) {
	out := opening{order: rule.Dependency}
	out.ports, out.everyPort = r.ports(rule)
	if !out.everyPort && len(out.ports) == 0 {
		return out, false
	}
	out.from = r.sources(rule)
	return out, len(out.from) > 0
}
