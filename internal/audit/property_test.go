package audit

import (
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// request is one that the API server has to decide on.
type request struct {
	user                                 string
	groups                               []string
	apiGroup, resource, sub, named, verb string
}

// whoever are users with the groups that authentication gives them. One of each kind has a name that no
// rule has: it stands for all that nobody lists.
func whoever() []request {
	serviceAccount := func(namespace, name string) request {
		return request{
			user:   "system:serviceaccount:" + namespace + ":" + name,
			groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
		}
	}
	return []request{
		{user: "alice", groups: []string{"system:authenticated"}},
		{user: "unlisted", groups: []string{"system:authenticated"}},
		{user: "unlisted", groups: []string{"devs", "system:authenticated"}},
		{user: "unlisted", groups: []string{"system:unauthenticated"}},
		{user: "system:anonymous", groups: []string{"system:unauthenticated"}},
		serviceAccount("app", "x"), serviceAccount("app", "unlisted"),
		serviceAccount("other", "x"), serviceAccount("unlisted", "unlisted"),
	}
}

// everything is each request that somebody may make.
func everything() []request {
	who := whoever()
	out := make([]request, 0, len(who)*3*2*3*5*3)
	for _, r := range who {
		for _, r.apiGroup = range []string{"", "apps", "unlisted"} {
			for _, r.resource = range []string{"pods", "unlisted"} {
				for _, r.sub = range []string{"", "exec", "unlisted"} {
					for _, r.named = range []string{"", "a", "b", "*", "unlisted"} {
						for _, r.verb = range []string{"get", "create", "unlisted"} {
							out = append(out, r)
						}
					}
				}
			}
		}
	}
	return out
}

// allows decides as the API server does (kubernetes/pkg/apis/rbac/v1/evaluation_helpers.go).
func allows(rule *rbacv1.PolicyRule, r *request) bool {
	either := func(list []string, value string) bool {
		return slices.Contains(list, "*") || slices.Contains(list, value)
	}
	whole := r.resource
	if r.sub != "" {
		whole += "/" + r.sub
	}
	return either(rule.Verbs, r.verb) && either(rule.APIGroups, r.apiGroup) &&
		(either(rule.Resources, whole) || r.sub != "" && slices.Contains(rule.Resources, "*/"+r.sub)) &&
		(len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, r.named))
}

func appliesTo(s *rbacv1.Subject, namespace string, r *request) bool {
	switch s.Kind {
	case rbacv1.UserKind:
		return s.Name == r.user
	case rbacv1.GroupKind:
		return slices.Contains(r.groups, s.Name)
	default:
		if s.Namespace != "" {
			namespace = s.Namespace
		}
		return r.user == "system:serviceaccount:"+namespace+":"+s.Name
	}
}

// grants tells whether a RoleBinding allows a request by the roles given.
func grants(b *rbacv1.RoleBinding, roles map[string][]rbacv1.PolicyRule, r *request) bool {
	return slices.ContainsFunc(b.Subjects, func(s rbacv1.Subject) bool { return appliesTo(&s, b.Namespace, r) }) &&
		slices.ContainsFunc(roles[b.RoleRef.Kind+b.RoleRef.Name], func(rule rbacv1.PolicyRule) bool { return allows(&rule, r) })
}

func drawRules(t *rapid.T, label string) []rbacv1.PolicyRule {
	some := func(label string, least int, of ...string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(of), least, 3).Draw(t, label)
	}
	out := make([]rbacv1.PolicyRule, rapid.IntRange(0, 3).Draw(t, label))
	for i := range out {
		out[i] = rbacv1.PolicyRule{
			APIGroups: some("groups", 1, "", "", "", "apps", "*"),
			Resources: some("resources", 1, "pods", "pods", "pods/exec", "*/exec", "*"),
			Verbs:     some("verbs", 1, "get", "get", "create", "*"),
		}
		if rapid.Bool().Draw(t, "named") {
			out[i].ResourceNames = some("names", 0, "a", "b", "", "*")
		}
	}
	return out
}

func drawBinding(t *rapid.T, name string, roles ...string) *builders.RoleBindingBuilder {
	b := builders.MakeRoleBinding("app", name)
	if role := rapid.SampledFrom(roles).Draw(t, "role"); strings.HasPrefix(role, "cluster") {
		b.ClusterRole(role)
	} else {
		b.Role(role)
	}
	for range rapid.IntRange(0, 2).Draw(t, "subjects") {
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			b.User(rapid.SampledFrom([]string{"alice", "system:serviceaccount:app:x", "system:anonymous"}).Draw(t, "user"))
		case 1:
			b.Group(rapid.SampledFrom([]string{
				"devs", "system:serviceaccounts", "system:serviceaccounts:app", "system:authenticated", "system:unauthenticated",
			}).Draw(t, "group"))
		default:
			b.ServiceAccount(rapid.SampledFrom([]string{"", "app", "other"}).Draw(t, "namespace"), "x")
		}
	}
	return b
}

// world is a namespace and its rules by role, as the API server sees them.
type world struct {
	in    AccessInput
	roles map[string][]rbacv1.PolicyRule
}

func drawWorld(t *rapid.T) *world {
	w := &world{roles: map[string][]rbacv1.PolicyRule{}}
	for _, name := range []string{"cluster-a", "cluster-b"} {
		if rapid.Bool().Draw(t, name+" exists") {
			w.roles["ClusterRole"+name] = drawRules(t, name)
		}
	}
	for _, name := range []string{"foreign-a", "foreign-b", "ours"} {
		role := builders.MakeRBACRole("app", name)
		if name == "ours" {
			role.Managed()
		}
		obj := role.Obj()
		obj.Rules = drawRules(t, name)
		w.roles["Role"+name] = obj.Rules
		w.in.Roles = append(w.in.Roles, *obj)
		if name == "ours" {
			w.in.DeclaredRoles = append(w.in.DeclaredRoles, obj)
		}
	}
	for range rapid.IntRange(0, 4).Draw(t, "declared") {
		b := drawBinding(t, "declared", "ours", "cluster-a", "cluster-b").Managed().Obj()
		w.in.DeclaredBindings = append(w.in.DeclaredBindings, b)
		w.in.Bindings = append(w.in.Bindings, *b)
	}
	for _, name := range []string{"debug", "other"} {
		b := drawBinding(t, name, "foreign-a", "foreign-b", "ours", "cluster-a", "cluster-b", "cluster-none", "none").Obj()
		w.in.Bindings = append(w.in.Bindings, *b)
	}
	w.in.IsOurs = func(obj metav1.Object) bool {
		return obj.GetLabels()[v1alpha1.ManagedByLabel] == v1alpha1.ManagedByValue
	}
	w.in.ClusterRole = func(name string) ([]rbacv1.PolicyRule, bool) {
		rules, exists := w.roles["ClusterRole"+name]
		return rules, exists
	}
	return w
}

// undeclared returns the first request that a foreign RoleBinding allows and no declared one does.
func (w *world) undeclared(b *rbacv1.RoleBinding, all []request) *request {
	for i := range all {
		r := &all[i]
		if grants(b, w.roles, r) && !slices.ContainsFunc(w.in.DeclaredBindings, func(d *rbacv1.RoleBinding) bool { return grants(d, w.roles, r) }) {
			return r
		}
	}
	return nil
}

// TestABindingIsReportedIfAndOnlyIfItAllowsMore asks the API server's rules about every request.
func TestABindingIsReportedIfAndOnlyIfItAllowsMore(t *testing.T) {
	all := everything()
	reported, covered := 0, 0
	check := func(t *rapid.T) {
		w := drawWorld(t)
		found := map[string]string{}
		for _, u := range Access(w.in) {
			found[u.Binding] = u.Message
		}
		for i := range w.in.Bindings {
			b := &w.in.Bindings[i]
			if w.in.IsOurs(b) {
				continue
			}
			message, got := found[b.Name]
			more := w.undeclared(b, all)
			if got != (more != nil) {
				t.Fatalf("%s: reported as %q, allows beyond what is declared: %+v", b.Name, message, more)
			}
			switch {
			case got:
				reported++
			case slices.ContainsFunc(all, func(r request) bool { return grants(b, w.roles, &r) }):
				covered++
			}
		}
	}
	// What is declared as a whole is seldom drawn.
	for range 30 {
		rapid.Check(t, check)
		if t.Failed() || reported > 0 && covered > 0 {
			break
		}
	}
	if reported == 0 || covered == 0 {
		t.Errorf("%d bindings were reported, and %d that grant something were not: the property was not put to the test", reported, covered)
	}
}
