package offline

import (
	"maps"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// drift tells of objects of the operator's that are not as declared, unless nothing of the operator's is there at all.
func (a *auditor) drift(n *Namespace) {
	if !a.isWritten {
		return
	}
	c := a.there[n.Name]
	if a.world.isRead(Policies, Services, EndpointSlices, Nodes, ServiceCIDRs) {
		driftOf(a, n, "NetworkPolicy", n.Objects.Policies, c.own, func(x, y *networkingv1.NetworkPolicy) bool {
			return equality.Semantic.DeepEqual(x.Spec, y.Spec)
		})
	}
	if a.world.isRead(Roles) {
		driftOf(a, n, "Role", n.Objects.Roles, managed(c.roles), func(x, y *rbacv1.Role) bool {
			return equality.Semantic.DeepEqual(x.Rules, y.Rules)
		})
	}
	if a.world.isRead(RoleBindings) {
		declared, there := a.judgeable(n.Objects.Bindings), a.judgeable(managed(c.bindings))
		driftOf(a, n, "RoleBinding", declared, there, func(x, y *rbacv1.RoleBinding) bool {
			return x.RoleRef == y.RoleRef && equality.Semantic.DeepEqual(x.Subjects, y.Subjects)
		})
	}
	declared := map[string]string{}
	for _, key := range []string{v1alpha1.ProfileLabel, v1alpha1.TierLabel} {
		declared[key] = n.Labels[key]
	}
	have := maps.Clone(declared)
	for key := range have {
		have[key] = c.labels[key]
	}
	if !maps.Equal(declared, have) {
		a.drifted(n, "Namespace", n.Name, "is not labelled as a member of tier "+n.Decision.Tier+
			": no tier reaches it, and it reaches none")
	}
}

// judgeable are the bindings of which it is known whether they are to be there: without ClusterRoles, those of Roles.
func (a *auditor) judgeable(bindings []*rbacv1.RoleBinding) []*rbacv1.RoleBinding {
	if a.world.isRead(ClusterRoles) {
		return bindings
	}
	return slices.DeleteFunc(slices.Clone(bindings), func(b *rbacv1.RoleBinding) bool { return b.RoleRef.Kind == "ClusterRole" })
}

func (a *auditor) drifted(n *Namespace, kind, name, what string) {
	namespace := n.Name
	if kind == "Namespace" {
		namespace = ""
	}
	a.find(Found{
		Rule: Drift, Kind: kind, Namespace: namespace, Name: name, Profile: n.Decision.Profile, Message: kind + " " + name + " " + what,
	})
}

// named is what objects are compared by.
type named interface {
	*networkingv1.NetworkPolicy | *rbacv1.Role | *rbacv1.RoleBinding | *policyv1alpha2.ClusterNetworkPolicy
	GetName() string
}

func driftOf[T named](a *auditor, n *Namespace, kind string, declared, there []T, same func(x, y T) bool) {
	have := make(map[string]T, len(there))
	for _, obj := range there {
		have[obj.GetName()] = obj
	}
	for _, obj := range declared {
		found, is := have[obj.GetName()]
		delete(have, obj.GetName())
		switch {
		case !is:
			a.drifted(n, kind, obj.GetName(), "is declared and not there")
		case !same(obj, found):
			a.drifted(n, kind, obj.GetName(), "is not as declared")
		}
	}
	for name := range have {
		a.drifted(n, kind, name, "is the operator's, and is not declared any more")
	}
}

func managed[T rbacv1.Role | rbacv1.RoleBinding](list []T) []*T {
	var out []*T
	for i := range list {
		var is bool
		switch obj := any(&list[i]).(type) {
		case *rbacv1.Role:
			is = isManaged(obj)
		case *rbacv1.RoleBinding:
			is = isManaged(obj)
		}
		if is {
			out = append(out, &list[i])
		}
	}
	return out
}
