package operator

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

const (
	// granter is the service account as which the operator writes Roles and RoleBindings.
	granter = "segmentation-granter"
	// granterUser is the user that the API server takes the granter for.
	granterUser = "system:serviceaccount:" + deploy.Namespace + ":" + granter
	// ceiling is the ClusterRole of what profiles may grant.
	ceiling = "segmentation-operator-grantable"
)

// permission is one verb on one resource, as it is held or as it was used.
type permission struct {
	// who is the user that holds it.
	who string
	// namespace is where it holds: empty for all namespaces, and for what is in none.
	namespace string
	// group and resource say on what; a subresource comes after a slash, and what is no
	// resource is a path.
	group, resource string
	// name is the only object on which it holds; empty for every one.
	name string
	verb string
}

func (p permission) String() string {
	in, on := "everywhere", p.resource
	if p.namespace != "" {
		in = "in " + p.namespace
	}
	if p.group != "" {
		on += "." + p.group
	}
	if p.name != "" {
		on += "/" + p.name
	}
	return fmt.Sprintf("%s may %s %s %s", p.who, p.verb, on, in)
}

// covers tells whether a request that needs the other permission is granted by this one. A
// wildcard covers nothing: no suite makes all requests that it grants.
func (p permission) covers(used permission) bool {
	wide := used
	wide.namespace, wide.name = p.namespace, p.name
	return p == wide && (p.namespace == "" || p.namespace == used.namespace) && (p.name == "" || p.name == used.name)
}

// granted are permissions, each with the roles that it comes from.
type granted map[permission][]string

// holdings returns what the operator holds, as itself and as the granter, as the API server
// has it.
//
// The ceiling is not among it: the granter holds it to pass it on and not to use it.
//
// What all service accounts or all users hold is among it, unless it is Kubernetes' own. That
// is bound in every cluster, to look at the API and at oneself; nobody can take it away from
// the operator alone, and the API server would bind it anew.
func holdings(ctx context.Context, c client.Reader) (granted, error) {
	var everywhere rbacv1.ClusterRoleBindingList
	var inside rbacv1.RoleBindingList
	for _, list := range []client.ObjectList{&everywhere, &inside} {
		if err := c.List(ctx, list); err != nil {
			return nil, err
		}
	}
	bindings := inside.Items
	for i := range everywhere.Items {
		b := &everywhere.Items[i]
		bindings = append(bindings, rbacv1.RoleBinding{ObjectMeta: b.ObjectMeta, RoleRef: b.RoleRef, Subjects: b.Subjects})
	}
	held := granted{}
	for i := range bindings {
		b := &bindings[i]
		if b.Labels["kubernetes.io/bootstrapping"] == "rbac-defaults" || b.RoleRef.Name == ceiling {
			continue
		}
		if err := held.bind(ctx, c, b); err != nil {
			return nil, err
		}
	}
	return held, nil
}

// bind adds what a binding gives to the operator or the granter.
func (g granted) bind(ctx context.Context, c client.Reader, b *rbacv1.RoleBinding) error {
	for _, who := range []string{deploy.User, granterUser} {
		if !slices.ContainsFunc(b.Subjects, func(s rbacv1.Subject) bool { return means(s, b.Namespace, who) }) {
			continue
		}
		from, rules, err := rulesOf(ctx, c, b)
		if err != nil {
			return err
		}
		for _, rule := range rules {
			for _, p := range single(rule) {
				p.who, p.namespace = who, b.Namespace
				g[p] = append(g[p], from)
			}
		}
	}
	return nil
}

// means tells whether a subject of a binding is a service account, or a group that it is in.
func means(s rbacv1.Subject, bindingNamespace, user string) bool {
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		return user == "system:serviceaccount:"+cmp.Or(s.Namespace, bindingNamespace)+":"+s.Name
	case rbacv1.UserKind:
		return s.Name == user || s.Name == "*"
	default:
		return slices.Contains([]string{
			"*", "system:authenticated", "system:serviceaccounts", "system:serviceaccounts:" + deploy.Namespace,
		}, s.Name)
	}
}

// rulesOf returns the rules of the role that is bound, and the role's name. A role that does
// not exist grants nothing.
func rulesOf(ctx context.Context, c client.Reader, b *rbacv1.RoleBinding) (from string, rules []rbacv1.PolicyRule, err error) {
	if b.RoleRef.Kind == "Role" {
		var role rbacv1.Role
		err = c.Get(ctx, client.ObjectKey{Namespace: b.Namespace, Name: b.RoleRef.Name}, &role)
		rules = role.Rules
	} else {
		var role rbacv1.ClusterRole
		err = c.Get(ctx, client.ObjectKey{Name: b.RoleRef.Name}, &role)
		rules = role.Rules
	}
	if apierrors.IsNotFound(err) {
		return "", nil, nil
	}
	return b.RoleRef.Kind + " " + b.RoleRef.Name, rules, err
}

// single returns the permissions of a rule.
func single(rule rbacv1.PolicyRule) []permission {
	var out []permission
	names := rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	for _, verb := range rule.Verbs {
		for _, path := range rule.NonResourceURLs {
			out = append(out, permission{resource: path, verb: verb})
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, name := range names {
					out = append(out, permission{group: group, resource: resource, name: name, verb: verb})
				}
			}
		}
	}
	return out
}

// unused returns the permissions that no request has used, and those that hold in every
// namespace or for every object and were used in one only: each with its role.
func (g granted) unused(used map[permission]string) []string {
	var out []string
	for p, roles := range g {
		if waste := p.waste(used); waste != "" {
			out = append(out, fmt.Sprintf("%s (%s): %s", p, strings.Join(roles, ", "), waste))
		}
	}
	slices.Sort(out)
	return out
}

// waste tells what of a permission is for nothing; empty if nothing is.
func (p permission) waste(used map[permission]string) string {
	namespaces, names := map[string]bool{}, map[string]bool{}
	for u := range used {
		if p.covers(u) {
			namespaces[u.namespace], names[u.name] = true, true
		}
	}
	switch {
	case len(namespaces) == 0:
		return "no request has used it"
	case p.namespace == "" && len(namespaces) == 1 && !namespaces[""]:
		return fmt.Sprintf("used in one namespace only: %v", namespaces)
	// A name cannot restrict what asks for no name, or has none yet.
	case p.name == "" && len(names) == 1 && !names[""] && p.verb != "create":
		return fmt.Sprintf("used on one object only: %v", names)
	}
	return ""
}

// unexplained returns the used permissions that nothing of what is held grants.
func (g granted) unexplained(used map[permission]string) []string {
	var out []string
	for u, request := range used {
		explained := false
		for p := range g {
			explained = explained || p.covers(u)
		}
		if !explained {
			out = append(out, fmt.Sprintf("%s: %s", u, request))
		}
	}
	slices.Sort(out)
	return out
}
