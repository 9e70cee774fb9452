package offline

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/audit"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
)

// Rule says of which kind something is that an audit finds.
type Rule string

// The kinds of what an audit finds.
const (
	// UndeclaredPath: a NetworkPolicy of somebody else's opens a path that the profile does not declare.
	UndeclaredPath Rule = "UndeclaredPath"
	// UndeclaredClusterPath: a ClusterNetworkPolicy of somebody else's opens a path that the profile does not declare.
	UndeclaredClusterPath Rule = "UndeclaredClusterPath"
	// BlockedPath: NetworkPolicies in the namespace of a peer do not allow what a dependency declares.
	BlockedPath Rule = "BlockedPath"
	// UndeclaredAccess: a RoleBinding of somebody else's grants what the profile does not declare.
	UndeclaredAccess Rule = "UndeclaredAccess"
	// HostNetwork: pods of a tier are on the network of their nodes, where no policy applies to them.
	HostNetwork Rule = "HostNetwork"
	// EngineWider: the engine that enforces policies lets more pass than a profile declares.
	EngineWider = Rule(engine.Opens)
	// EngineNarrower: it lets less pass, or may.
	EngineNarrower = Rule(engine.Closes)
	// NoEngine: it is not known which engine enforces policies.
	NoEngine Rule = "NoEngine"
	// Drift: what the operator writes is not as declared.
	Drift Rule = "Drift"
	// Unclaimed: no profile claims a namespace.
	Unclaimed Rule = "Unclaimed"
	// InvalidProfile: a profile does not compile.
	InvalidProfile Rule = "InvalidProfile"
)

// Rules are all kinds, in the order in which they are told.
func Rules() []Rule {
	return []Rule{
		InvalidProfile, NoEngine, EngineWider, EngineNarrower, UndeclaredPath, UndeclaredClusterPath, BlockedPath, UndeclaredAccess,
		HostNetwork, Drift, Unclaimed,
	}
}

// Found is something that an audit finds.
type Found struct {
	Rule Rule `json:"rule"`
	// Kind, Namespace and Name are those of the object that it is about.
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// Profile is the profile that it is about; empty if there is none.
	Profile string `json:"profile,omitempty"`
	// Message says what was found and what to do about it.
	Message string `json:"message"`
	// Paths are the paths that are opened.
	Paths []audit.Path `json:"paths,omitempty"`
}

// Audit compares a world as it is with its profiles as declared. What it finds is sorted by kind, namespace and name. It
// also returns the engine that it takes to enforce policies.
func Audit(w *World) ([]Found, engine.Found, error) {
	a := &auditor{world: w, rendered: Render(w), judged: map[string][]audit.OpenedPaths{}}
	a.guards = audit.NewGuards(enforced(a.rendered.Engine, pointersTo(w.ClusterPolicies)))
	a.index()
	a.invalid()
	a.engine()
	for i := range a.rendered.Namespaces {
		n := &a.rendered.Namespaces[i]
		switch n.Decision.Outcome {
		case claim.Claimed:
			a.undeclaredPaths(n)
			a.undeclaredAccess(n)
			a.hostNetwork(n)
			a.drift(n)
		case claim.Unclaimed:
			a.unclaimed(n)
		case claim.Held:
			// What it is to have is not known.
		}
	}
	a.guardrailDrift()
	if err := a.blockedPaths(); err != nil {
		return nil, engine.Found{}, err
	}
	order := Rules()
	slices.SortStableFunc(a.found, func(x, y Found) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.Rule), slices.Index(order, y.Rule)), cmp.Compare(x.Namespace, y.Namespace),
			cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Message, y.Message))
	})
	return a.found, a.rendered.Engine, nil
}

type auditor struct {
	world    *World
	rendered *Rendered
	// there is what is in each namespace.
	there map[string]*contents
	// isWritten is set if anything of the operator's is there.
	isWritten bool
	judged    map[string][]audit.OpenedPaths
	guards    *audit.Guards
	found     []Found
}

// contents are the objects in a namespace.
type contents struct {
	labels       map[string]string
	own, foreign []*networkingv1.NetworkPolicy
	roles        []rbacv1.Role
	bindings     []rbacv1.RoleBinding
	onHost       []string
}

func (a *auditor) index() {
	a.there = make(map[string]*contents, len(a.world.Namespaces))
	for i := range a.world.Namespaces {
		a.there[a.world.Namespaces[i].Name] = &contents{labels: a.world.Namespaces[i].Labels}
	}
	for i := range a.world.Policies {
		p := &a.world.Policies[i]
		switch c := a.there[p.Namespace]; {
		case c == nil:
		case isManaged(p):
			c.own, a.isWritten = append(c.own, p), true
		case !isOwn(p):
			c.foreign = append(c.foreign, p)
		}
	}
	if !a.world.isRead(Policies) {
		// Then namespaces tell whether the operator is at work.
		a.isWritten = slices.ContainsFunc(a.world.Namespaces, func(n corev1.Namespace) bool { return n.Labels[v1alpha1.TierLabel] != "" })
	}
	for i := range a.world.Roles {
		if c := a.there[a.world.Roles[i].Namespace]; c != nil {
			c.roles = append(c.roles, a.world.Roles[i])
		}
	}
	for i := range a.world.RoleBindings {
		if c := a.there[a.world.RoleBindings[i].Namespace]; c != nil {
			c.bindings = append(c.bindings, a.world.RoleBindings[i])
		}
	}
	a.indexPods()
}

func (a *auditor) indexPods() {
	for i := range a.world.Pods {
		p := &a.world.Pods[i]
		if c := a.there[p.Namespace]; c != nil && p.Spec.HostNetwork {
			c.onHost = append(c.onHost, p.Name)
		}
	}
}

func isManaged(obj metav1.Object) bool {
	return obj.GetLabels()[v1alpha1.ManagedByLabel] == v1alpha1.ManagedByValue
}

func (a *auditor) find(f Found) { a.found = append(a.found, f) }

func (a *auditor) invalid() {
	for name, p := range a.rendered.Profiles {
		for _, err := range p.Invalid {
			a.find(Found{Rule: InvalidProfile, Kind: "SegmentationProfile", Name: name, Profile: name, Message: err.Error()})
		}
	}
}

func (a *auditor) undeclaredAccess(n *Namespace) {
	c := a.there[n.Name]
	for _, u := range audit.Access(audit.AccessInput{
		DeclaredRoles: n.Objects.Roles, DeclaredBindings: n.Objects.Bindings, Roles: c.roles, Bindings: c.bindings,
		IsOurs: isManaged, ClusterRole: a.world.clusterRole,
	}) {
		a.find(Found{
			Rule: UndeclaredAccess, Kind: "RoleBinding", Namespace: n.Name, Name: u.Binding, Profile: n.Decision.Profile,
			Message: u.Message,
		})
	}
}

func (a *auditor) hostNetwork(n *Namespace) {
	pods := a.there[n.Name].onHost
	if len(pods) == 0 {
		return
	}
	slices.Sort(pods)
	more := ""
	if len(pods) > 1 {
		more = fmt.Sprintf(" (and %d more here)", len(pods)-1)
	}
	a.find(Found{
		Rule: HostNetwork, Kind: "Pod", Namespace: n.Name, Name: pods[0], Profile: n.Decision.Profile,
		Message: fmt.Sprintf("pod %s%s is on the network of its node, where no NetworkPolicy applies to it; "+
			"run it without hostNetwork, or outside of the tiers", pods[0], more),
	})
}

// unclaimed tells of a namespace that no profile claims, unless it may not be, or a profile names it as a peer.
func (a *auditor) unclaimed(n *Namespace) {
	if a.world.Protected.Has(n.Name) || a.isPeer(n.Name) {
		return
	}
	why := "no profile selects it"
	for _, s := range n.Decision.Selections {
		switch s.Standing {
		case claim.StandingPreviewed:
			why = fmt.Sprintf("profile %s selects it and is in Preview", s.Profile)
		case claim.StandingOverlap:
			why = fmt.Sprintf("several tiers of profile %s select it", s.Profile)
		default:
		}
	}
	a.find(Found{
		Rule: Unclaimed, Kind: "Namespace", Name: n.Name, Message: "the namespace is not segmented: " + why,
	})
}

func (a *auditor) isPeer(namespace string) bool {
	for _, p := range a.rendered.Profiles {
		if p.Plan == nil {
			continue
		}
		for _, peer := range p.Plan.Peers() {
			if peer.Names.Has(namespace) {
				return true
			}
		}
	}
	return false
}
