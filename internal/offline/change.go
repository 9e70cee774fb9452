package offline

import (
	"cmp"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// Change is the difference between two states of a world that the operator would bring it to.
type Change struct {
	// Objects are the objects that are created, changed or removed, sorted.
	Objects []ObjectChange
	// Namespaces are those that come to a tier, leave one or move, sorted by name.
	Namespaces []NamespaceChange
	// Reach is what becomes reachable and what ceases to be, of every flow that could exist.
	Reach *reach.Difference
	// Access is access that is gained or lost, sorted.
	Access []AccessChange
	// Among says which of the pods that exist Reach concerns; nil if pods are not known.
	Among *reach.Among
}

// IsEmpty tells whether nothing changes.
func (c *Change) IsEmpty() bool {
	return len(c.Objects)+len(c.Namespaces)+len(c.Access) == 0 && c.Reach.Empty()
}

// Verb is what happens to an object.
type Verb string

// What happens to an object.
const (
	Created Verb = "create"
	Changed Verb = "change"
	Removed Verb = "remove"
)

// ObjectChange is a change of one object.
type ObjectChange struct {
	Verb      Verb   `json:"verb"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// NamespaceChange is a change of the tier of a namespace; empty for none.
type NamespaceChange struct {
	Name   string `json:"name"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// AccessChange is access of one subject in a namespace that is gained or lost.
type AccessChange struct {
	Gained    bool   `json:"gained"`
	Namespace string `json:"namespace"`
	Subject   string `json:"subject"`
	Role      string `json:"role"`
}

// Compare compares what the operator would bring a world to before and after a change of profiles. Policies that are
// there and that the operator did not write are taken to stay.
func Compare(before, after *Rendered, foreign []networkingv1.NetworkPolicy) (*Change, error) {
	out := &Change{}
	states := map[string]*[2]*Namespace{}
	for side, r := range []*Rendered{before, after} {
		for i := range r.Namespaces {
			n := &r.Namespaces[i]
			if states[n.Name] == nil {
				states[n.Name] = &[2]*Namespace{{Name: n.Name}, {Name: n.Name}}
			}
			states[n.Name][side] = n
		}
	}
	for _, s := range states {
		out.compare(s[0], s[1])
	}
	compareObjects(out, "ClusterNetworkPolicy", before.guards, after.guards,
		func(p *policyv1alpha2.ClusterNetworkPolicy) string { return p.Name })
	slices.SortFunc(out.Objects, func(a, b ObjectChange) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(out.Namespaces, func(a, b NamespaceChange) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(out.Access, func(a, b AccessChange) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Role, b.Role))
	})
	var err error
	out.Reach, err = reachDifference(before, after, foreign)
	return out, err
}

func (c *Change) compare(before, after *Namespace) {
	if was, is := tierText(before), tierText(after); was != is {
		c.Namespaces = append(c.Namespaces, NamespaceChange{before.Name, was, is})
	}
	compareObjects(c, "NetworkPolicy", before.Objects.Policies, after.Objects.Policies,
		func(p *networkingv1.NetworkPolicy) string { return p.Name })
	compareObjects(c, mesh.KindAuthorizationPolicy, before.Mesh.Policies, after.Mesh.Policies,
		func(p *mesh.AuthorizationPolicy) string { return p.Name })
	compareObjects(c, mesh.KindPeerAuthentication, before.Mesh.Authentications, after.Mesh.Authentications,
		func(a *mesh.PeerAuthentication) string { return a.Name })
	compareObjects(c, "Role", before.Objects.Roles, after.Objects.Roles, func(r *rbacv1.Role) string { return r.Name })
	compareObjects(c, "RoleBinding", before.Objects.Bindings, after.Objects.Bindings, func(b *rbacv1.RoleBinding) string { return b.Name })
	had, has := accessIn(before), accessIn(after)
	for _, a := range has {
		if !slices.Contains(had, a) {
			a.Gained = true
			c.Access = append(c.Access, a)
		}
	}
	for _, a := range had {
		if !slices.Contains(has, a) {
			c.Access = append(c.Access, a)
		}
	}
}

// tierText is profile/tier of a namespace; empty if it is in none.
func tierText(n *Namespace) string {
	if n.Labels[v1alpha1.ProfileLabel] == "" {
		return ""
	}
	return n.Labels[v1alpha1.ProfileLabel] + "/" + n.Labels[v1alpha1.TierLabel]
}

func compareObjects[T any](c *Change, kind string, before, after []*T, name func(*T) string) {
	add := func(verb Verb, obj *T, namespace string) {
		c.Objects = append(c.Objects, ObjectChange{verb, kind, namespace, name(obj)})
	}
	find := func(list []*T, like *T) *T {
		if i := slices.IndexFunc(list, func(o *T) bool { return name(o) == name(like) }); i >= 0 {
			return list[i]
		}
		return nil
	}
	for _, now := range after {
		switch was := find(before, now); {
		case was == nil:
			add(Created, now, namespaceOf(now))
		case !equality.Semantic.DeepEqual(was, now):
			add(Changed, now, namespaceOf(now))
		}
	}
	for _, was := range before {
		if find(after, was) == nil {
			add(Removed, was, namespaceOf(was))
		}
	}
}

func namespaceOf(obj any) string {
	if o, ok := obj.(interface{ GetNamespace() string }); ok {
		return o.GetNamespace()
	}
	return ""
}

// accessIn is what is granted in a namespace, by roles with what they hold: a role that holds more is another one.
func accessIn(n *Namespace) []AccessChange {
	var out []AccessChange
	for _, b := range n.Objects.Bindings {
		role := b.RoleRef.Kind + " " + b.RoleRef.Name
		i := slices.IndexFunc(n.Objects.Roles, func(r *rbacv1.Role) bool { return r.Name == b.RoleRef.Name })
		if b.RoleRef.Kind == "Role" && i >= 0 {
			role += " (" + rulesText(n.Objects.Roles[i].Rules) + ")"
		}
		for _, s := range b.Subjects {
			subject := s.Kind + " " + s.Name
			if s.Namespace != "" {
				subject = s.Kind + " " + s.Namespace + "/" + s.Name
			}
			out = append(out, AccessChange{Namespace: n.Name, Subject: subject, Role: role})
		}
	}
	return out
}

func rulesText(rules []rbacv1.PolicyRule) string {
	texts := make([]string, 0, len(rules))
	for i := range rules {
		r := &rules[i]
		text := strings.Join(r.Verbs, ",") + " " + strings.Join(r.Resources, ",")
		if len(r.ResourceNames) > 0 {
			text += " named " + strings.Join(r.ResourceNames, ",")
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}

// reachDifference compares every flow that could exist.
func reachDifference(before, after *Rendered, foreign []networkingv1.NetworkPolicy) (*reach.Difference, error) {
	was, err := before.Cluster(foreign)
	if err != nil {
		return nil, err
	}
	is, err := after.Cluster(foreign)
	if err != nil {
		return nil, err
	}
	return reach.Compare(was, is)
}

// Cluster is the cluster with what was rendered, with policies of others, and with the ClusterNetworkPolicies that are
// there.
func (r *Rendered) Cluster(foreign []networkingv1.NetworkPolicy) (*reach.Cluster, error) {
	namespaces := make([]reach.Namespace, 0, len(r.Namespaces))
	policies := make([]*networkingv1.NetworkPolicy, 0, len(r.Namespaces)+len(foreign))
	for i := range r.Namespaces {
		n := &r.Namespaces[i]
		namespaces = append(namespaces, reach.Namespace{Name: n.Name, Labels: n.Labels})
		policies = append(policies, n.Objects.Policies...)
		if n.Decision.Outcome == claim.Held {
			policies = append(policies, ownIn(n.Name, foreign)...)
		}
	}
	return reach.NewTiered(namespaces, append(policies, foreignOf(foreign)...), enforced(r.Engine, r.guards))
}

// ownIn are policies of the operator's that stay in a namespace that is held.
func ownIn(namespace string, policies []networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy {
	var out []*networkingv1.NetworkPolicy
	for i := range policies {
		if policies[i].Namespace == namespace && isOwn(&policies[i]) && render.BookmarkOf(&policies[i]) == "" {
			out = append(out, &policies[i])
		}
	}
	return out
}

func isOwn(p *networkingv1.NetworkPolicy) bool {
	return p.Labels[v1alpha1.ManagedByLabel] == v1alpha1.ManagedByValue || render.BookmarkOf(p) != ""
}
