package offline

import (
	"cmp"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/services"
)

// Rendered is what the operator would bring a cluster to.
type Rendered struct {
	// Profiles are the profiles by their names.
	Profiles map[string]*Profile
	// Namespaces are all namespaces, sorted by name.
	Namespaces []Namespace
	// Engine is the engine that enforces policies.
	Engine engine.Found

	// guards are all ClusterNetworkPolicies: those of others that are there, and the operator's as they are in the end.
	guards []*policyv1alpha2.ClusterNetworkPolicy
}

// Profile is what comes of a profile.
type Profile struct {
	// Profile is the profile itself.
	Profile *v1alpha1.SegmentationProfile
	// Invalid are the reasons why it does not compile; then it claims nothing.
	Invalid field.ErrorList
	// Preview is set if it is in Preview, and not taken as if it were enforced: nothing of it is written.
	Preview bool
	// Plan is what it compiles to, for what is known of the cluster; nil if it does not.
	Plan *plan.Plan
	// Findings are about what the cluster says.
	Findings []plan.Finding
	// Engine is what the engine makes of it, other than what is declared.
	Engine []engine.Finding
}

// Namespace is what a namespace is brought to.
type Namespace struct {
	// Name is its name, and Labels are its labels as they will be.
	Name   string
	Labels map[string]string
	// Decision is what becomes of it.
	Decision claim.Decision
	// Objects are what the operator has in it in the end; empty unless it is claimed.
	Objects render.Objects
	// Mesh are those of a service mesh, if its profile has one.
	Mesh mesh.Objects
}

// Render works out what the operator would bring the world to, once nothing is due any more. Profiles in Preview are
// taken as if they were in Enforce if they are among those named: it is what a preview is for.
func Render(w *World, enforced ...string) *Rendered {
	r := renderer{
		world: w, out: &Rendered{Profiles: map[string]*Profile{}},
		decisions: map[string]claim.Decision{},
		members:   map[plan.TierOf][]string{},
	}
	r.out.Engine = r.findEngine()
	r.compile(enforced)
	r.decide()
	r.resolve()
	r.mistyped()
	r.guard()
	for i := range w.Namespaces {
		r.out.Namespaces = append(r.out.Namespaces, r.namespace(&w.Namespaces[i]))
	}
	r.mesh()
	slices.SortFunc(r.out.Namespaces, func(a, b Namespace) int { return cmp.Compare(a.Name, b.Name) })
	return r.out
}

type renderer struct {
	world     *World
	out       *Rendered
	claimants []claim.Claimant
	decisions map[string]claim.Decision
	// members are the namespaces of each tier, sorted.
	members map[plan.TierOf][]string
	// addresses are those of the cluster.
	addresses addresses.Cluster
	// own are the Services of each namespace that its tier has rules about.
	own map[string]map[string]plan.Service
	// pods are the pods of each namespace; nil as long as nobody has asked.
	pods map[string][]corev1.Pod
}

func (r *renderer) compile(enforced []string) {
	for i := range r.world.Profiles {
		p := &r.world.Profiles[i]
		compiled, invalid := plan.Compile(p)
		c := claim.Claimant{
			Profile: p.Name, UID: p.UID, Created: p.CreationTimestamp.Time,
			Preview: p.Spec.Mode == v1alpha1.ModePreview && !slices.Contains(enforced, p.Name), Frozen: true,
		}
		r.out.Profiles[p.Name] = &Profile{Profile: p, Plan: compiled, Invalid: invalid, Preview: c.Preview}
		if compiled != nil && p.DeletionTimestamp == nil {
			compiled.Keeper = r.world.Keeper
			c.Frozen, c.Tiers = false, compiled.ClaimTiers()
		}
		r.claimants = append(r.claimants, c)
	}
	claim.Sort(r.claimants)
}

func (r *renderer) decide() {
	for i := range r.world.Namespaces {
		n := &r.world.Namespaces[i]
		d := claim.Decide(claim.Namespace{Name: n.Name, Labels: n.Labels}, r.claimants, r.world.Protected)
		r.decisions[n.Name] = d
		if d.Outcome == claim.Claimed {
			of := plan.TierOf{Profile: d.Profile, Tier: d.Tier}
			r.members[of] = append(r.members[of], n.Name)
		}
	}
	for _, names := range r.members {
		slices.Sort(names)
	}
}

// resolve puts in what the cluster says.
func (r *renderer) resolve() {
	facts := plan.Usual()
	if r.world.isCluster() {
		facts = r.facts()
	}
	facts.Others = map[string]*plan.Plan{}
	for _, c := range r.claimants {
		if !c.Preview {
			facts.Others[c.Profile] = r.out.Profiles[c.Profile].Plan
		}
	}
	facts.Forms = r.out.Engine.Forms()
	facts.Called, facts.Names = r.called()
	r.addresses = facts.Addresses
	for _, p := range r.out.Profiles {
		if p.Plan != nil {
			resolved := p.Plan.Resolve(facts)
			p.Plan, p.Findings = resolved.Plan, slices.Concat(resolved.Findings, mesh.Findings(resolved.Plan, facts.Called))
		}
	}
	r.judgeEngine(facts.Called)
}

func (r *renderer) facts() *plan.Facts {
	facts := &plan.Facts{DNS: map[types.NamespacedName]plan.Service{}, GoByServiceAddresses: r.world.ByServiceAddress}
	for i := range r.world.Services {
		s := &r.world.Services[i]
		name := types.NamespacedName{Namespace: s.Namespace, Name: s.Name}
		facts.DNS[name] = r.service(s)
		if name == plan.APIServerService {
			facts.APIServerService = facts.DNS[name]
		}
	}
	facts.APIServer = addresses.OfEndpointSlices(r.world.EndpointSlices)
	facts.Addresses.Pods, facts.Addresses.Nodes = addresses.OfNodes(r.world.Nodes)
	facts.Addresses.Services = addresses.OfServiceCIDRs(r.world.ServiceCIDRs)
	return facts
}

// called looks for the Services and the names of ports that dependencies name, as the operator does.
func (r *renderer) called() (map[plan.Called][]plan.Variant, map[plan.Named]int32) {
	byName := map[types.NamespacedName]*corev1.Service{}
	for i := range r.world.Services {
		s := &r.world.Services[i]
		byName[types.NamespacedName{Namespace: s.Namespace, Name: s.Name}] = s
	}
	registry, names := services.NewRegistry(r.world.ByServiceAddress), services.NewNames()
	r.own = map[string]map[string]plan.Service{}
	var asked lookedUp
	for _, p := range r.out.Profiles {
		if p.Plan != nil {
			asked.services = append(asked.services, p.Plan.Lookups()...)
			asked.names = append(asked.names, p.Plan.Names(r.out.Engine.Forms())...)
		}
	}
	for i := range r.world.Namespaces {
		n := &r.world.Namespaces[i]
		decision, found := r.decisions[n.Name], map[plan.Called]plan.Service{}
		here, tier := claim.Namespace{Name: n.Name, Labels: n.Labels}, tierOf(n, &decision)
		for _, l := range asked.services {
			s := byName[types.NamespacedName{Namespace: n.Name, Name: l.Service}]
			if s != nil && l.IsIn(here, tier) {
				found[l.Called] = r.service(s)
			}
		}
		registry.Put(n.Name, found)
		names.Put(n.Name, plan.NamesIn(asked.names, here, tier, r.podsIn(n.Name)))
		r.own[n.Name] = plan.OwnServices(decision.Profile, decision.Tier, found)
	}
	return registry.Variants(), names.Numbers()
}

// lookedUp is what profiles look up in namespaces.
type lookedUp struct {
	services []plan.Lookup
	names    []plan.Naming
}

// service is what a Service says: with the numbers of ports where the engine does not take their names.
func (r *renderer) service(s *corev1.Service) plan.Service {
	out := plan.ServiceOf(s)
	if r.out.Engine.Forms().AskNames() {
		return out.Numbered(r.podsIn(s.Namespace)())
	}
	return out
}

// podsIn reads the pods of a namespace.
func (r *renderer) podsIn(namespace string) func() []corev1.Pod {
	return func() []corev1.Pod {
		if r.pods == nil {
			r.pods = map[string][]corev1.Pod{}
			for i := range r.world.Pods {
				r.pods[r.world.Pods[i].Namespace] = append(r.pods[r.world.Pods[i].Namespace], r.world.Pods[i])
			}
		}
		return r.pods[namespace]
	}
}

// tierOf is the profile and tier that a namespace belongs to, as profile/tier.
func tierOf(n *corev1.Namespace, d *claim.Decision) plan.TierOf {
	switch d.Outcome {
	case claim.Claimed:
		return plan.TierOf{Profile: d.Profile, Tier: d.Tier}
	case claim.Held:
		return plan.TierOf{Profile: n.Labels[v1alpha1.ProfileLabel], Tier: n.Labels[v1alpha1.TierLabel]}
	default:
		return plan.TierOf{}
	}
}

func (r *renderer) namespace(n *corev1.Namespace) Namespace {
	decision := r.decisions[n.Name]
	out := Namespace{Name: n.Name, Decision: decision, Labels: map[string]string{}}
	maps.Copy(out.Labels, n.Labels)
	if decision.Outcome == claim.Held {
		return out
	}
	delete(out.Labels, v1alpha1.ProfileLabel)
	delete(out.Labels, v1alpha1.TierLabel)
	if decision.Outcome != claim.Claimed {
		return out
	}
	maps.Copy(out.Labels, render.MembershipLabels(decision.Profile, decision.Tier))
	p := r.out.Profiles[decision.Profile].Plan
	objects := render.Tier(p, p.Tier(decision.Tier).With(r.own[n.Name])).In(n.Name)
	out.Objects = objects.WithCallers(func(tier string) []string { return r.members[plan.TierOf{Profile: decision.Profile, Tier: tier}] })
	if r.world.ClusterRoles != nil {
		out.Objects = out.Objects.Withhold(r.world.clusterRole)
	}
	return out
}
