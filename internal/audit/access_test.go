package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

const ending = ", which the profile does not declare; remove it, or declare the access in the profile"

// input is a namespace whose profile lets the group devs look at pods and their logs and be view, and
// the service account app/web read secret tls, among others. A role replaces the declared one of its name.
func input(roles []*rbacv1.Role, bindings ...*rbacv1.RoleBinding) AccessInput {
	in := AccessInput{
		DeclaredRoles: []*rbacv1.Role{
			builders.MakeRBACRole("app", "segmentation-viewer").Managed().Rule("", []string{"pods", "pods/log"}, []string{"get", "list"}).Obj(),
			named(builders.MakeRBACRole("app", "segmentation-tls").Managed().Rule("", []string{"secrets"}, []string{"get"}).Obj(), "tls"),
			builders.MakeRBACRole("app", "segmentation-config").Managed().Rule("", []string{"configmaps"}, []string{"get"}).Obj(),
			named(builders.MakeRBACRole("app", "segmentation-odd").Managed().Rule("", []string{"leases"}, []string{"get"}).Obj(), "*"),
			named(builders.MakeRBACRole("app", "segmentation-blank").Managed().Rule("", []string{"leases"}, []string{"get"}).Obj(), ""),
			builders.MakeRBACRole("app", "segmentation-scaler").Managed().Rule("*", []string{"*/scale"}, []string{"*"}).Obj(),
		},
		DeclaredBindings: []*rbacv1.RoleBinding{
			builders.MakeRoleBinding("app", "segmentation-viewer-1").Managed().Role("segmentation-viewer").Group("devs").Group("system:serviceaccounts:app").Obj(),
			builders.MakeRoleBinding("app", "segmentation-tls-1").Managed().Role("segmentation-tls").ServiceAccount("app", "web").Obj(),
			builders.MakeRoleBinding("app", "segmentation-scaler-1").Managed().Role("segmentation-scaler").Group("devs").Obj(),
			builders.MakeRoleBinding("app", "segmentation-view-1").Managed().ClusterRole("view").Group("devs").Obj(),
			builders.MakeRoleBinding("app", "segmentation-config-1").Managed().Role("segmentation-config").Group("system:serviceaccounts").Obj(),
			builders.MakeRoleBinding("app", "segmentation-blank-1").Managed().Role("segmentation-blank").Group("ops").Obj(),
			builders.MakeRoleBinding("app", "segmentation-odd-1").Managed().Role("segmentation-odd").Group("devs").Obj(),
			builders.MakeRoleBinding("app", "segmentation-ops-1").Managed().ClusterRole("reader").Group("system:authenticated").Obj(),
		},
		IsOurs: func(obj metav1.Object) bool {
			return obj.GetLabels()[v1alpha1.ManagedByLabel] == v1alpha1.ManagedByValue
		},
		ClusterRole: clusterRole,
	}
	for _, role := range in.DeclaredRoles {
		if !slices.ContainsFunc(roles, func(r *rbacv1.Role) bool { return r.Name == role.Name }) {
			in.Roles = append(in.Roles, *role)
		}
	}
	for _, role := range roles {
		in.Roles = append(in.Roles, *role)
	}
	for _, binding := range slices.Concat(in.DeclaredBindings, bindings) {
		in.Bindings = append(in.Bindings, *binding)
	}
	return in
}

func named(role *rbacv1.Role, names ...string) *rbacv1.Role {
	role.Rules[len(role.Rules)-1].ResourceNames = names
	return role
}

func clusterRole(name string) ([]rbacv1.PolicyRule, bool) {
	rule := func(group string, resources, verbs []string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: verbs}
	}
	switch name {
	case "view":
		return []rbacv1.PolicyRule{
			rule("", []string{"pods", "services"}, []string{"get", "list", "watch"}),
			rule("apps", []string{"deployments"}, []string{"get", "list", "watch"}),
		}, true
	case "edit":
		return []rbacv1.PolicyRule{
			rule("", []string{"pods", "services"}, []string{"get", "list", "watch", "create", "delete"}),
			rule("apps", []string{"deployments", "deployments/scale"}, []string{"update"}),
		}, true
	case "admin":
		return []rbacv1.PolicyRule{rule("*", []string{"*"}, []string{"*"})}, true
	case "reader":
		return []rbacv1.PolicyRule{rule("", []string{"endpoints"}, []string{"get"})}, true
	case "health":
		return []rbacv1.PolicyRule{{NonResourceURLs: []string{"/healthz"}, Verbs: []string{"get"}}}, true
	default:
		return nil, false
	}
}

func foreignRole(name, group string, resources, verbs []string) *rbacv1.Role {
	return builders.MakeRBACRole("app", name).Rule(group, resources, verbs).Obj()
}

func list(values ...string) []string { return values }

func debug() *builders.RoleBindingBuilder { return builders.MakeRoleBinding("app", "debug") }

func TestWhatIsDeclaredIsNotReported(t *testing.T) {
	cases := map[string]AccessInput{
		"nothing of others":                              input(nil),
		"a binding without subjects":                     input(nil, debug().ClusterRole("admin").Obj()),
		"a role that is not there":                       input(nil, debug().Role("gone").User("mallory").Obj()),
		"a ClusterRole that is not there":                input(nil, debug().ClusterRole("gone").User("mallory").Obj()),
		"a Role that nobody is bound to":                 input([]*rbacv1.Role{foreignRole("loose", "*", list("*"), list("*"))}),
		"a binding of ours, which is pruned":             input(nil, builders.MakeRoleBinding("app", "old").Managed().ClusterRole("admin").User("mallory").Obj()),
		"nonResourceURLs, which have no effect here":     input(nil, debug().ClusterRole("health").User("mallory").Obj()),
		"the same ClusterRole for the same group":        input(nil, debug().ClusterRole("view").Group("devs").Obj()),
		"the same Role for the same group":               input(nil, debug().Role("segmentation-viewer").Group("devs").Obj()),
		"a user has what all authenticated have":         input(nil, debug().ClusterRole("reader").User("alice").Obj()),
		"a service account has what all of its own have": input([]*rbacv1.Role{foreignRole("logs", "", list("pods/log"), list("get"))}, debug().Role("logs").ServiceAccount("app", "job").Obj()),
		"a rule that two declared roles cover together": input(
			[]*rbacv1.Role{foreignRole("both", "", list("pods/log", "services"), list("list"))}, debug().Role("both").Group("devs").Obj()),
		"a subresource of all resources": input(
			[]*rbacv1.Role{foreignRole("scale", "apps", list("deployments/scale", "*/scale"), list("update"))}, debug().Role("scale").Group("devs").Obj()),
		"a name that is declared": input(
			[]*rbacv1.Role{named(foreignRole("tls", "", list("secrets"), list("get")), "tls")}, debug().Role("tls").ServiceAccount("app", "web").Obj()),
		"a name of what is declared without names": input(
			[]*rbacv1.Role{named(foreignRole("one", "", list("pods"), list("get")), "db-0")}, debug().Role("one").Group("devs").Obj()),
		"a service account named as a user": input(
			[]*rbacv1.Role{named(foreignRole("tls", "", list("secrets"), list("get")), "tls")}, debug().Role("tls").User("system:serviceaccount:app:web").Obj()),
		"a service account without its namespace": input(
			[]*rbacv1.Role{named(foreignRole("tls", "", list("secrets"), list("get")), "tls")}, debug().Role("tls").ServiceAccount("", "web").Obj()),
		"a group of service accounts has what all service accounts have": input(
			[]*rbacv1.Role{foreignRole("mine", "", list("configmaps"), list("get"))}, debug().Role("mine").Group("system:serviceaccounts:other").Obj()),
		"a Role of ours that somebody changed, and that is mended": input(
			[]*rbacv1.Role{builders.MakeRBACRole("app", "segmentation-tls").Managed().Rule("*", list("*"), list("*")).Obj()},
			debug().Role("segmentation-tls").ServiceAccount("app", "web").Obj()),
		"rules with empty lists, which allow nothing": input([]*rbacv1.Role{
			foreignRole("odd", "", nil, list("get")), foreignRole("odder", "", list("pods"), nil),
		}, debug().Role("odd").User("mallory").Obj(), debug().Role("odder").User("mallory").Obj()),
	}
	for name, in := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Access(in); len(got) != 0 {
				t.Errorf("reported: %+v", got)
			}
		})
	}
}

func TestWhatIsNotDeclaredIsReported(t *testing.T) {
	cases := map[string]struct {
		roles   []*rbacv1.Role
		binding *rbacv1.RoleBinding
		role    string
		want    string
	}{
		"a role of their own": {
			roles:   []*rbacv1.Role{foreignRole("debugger", "", list("pods/exec"), list("delete", "create"))},
			binding: debug().Role("debugger").User("mallory").Obj(),
			role:    "debugger", want: "User mallory create, delete on pods/exec by Role debugger",
		},
		"a larger ClusterRole than the declared one: the rest": {
			binding: debug().ClusterRole("edit").Group("devs").Obj(),
			want:    "Group devs create, delete on pods (and on 2 more resources) by ClusterRole edit",
		},
		"the declared ClusterRole for somebody else": {
			binding: debug().ClusterRole("view").User("mallory").Obj(),
			want:    "User mallory get, list, watch on pods (and on 2 more resources) by ClusterRole view",
		},
		"our own Role for somebody else": {
			binding: debug().Role("segmentation-tls").Group("devs").Obj(),
			want:    "Group devs get on secrets tls by Role segmentation-tls",
		},
		"everything": {
			binding: debug().ClusterRole("admin").Group("devs").Obj(),
			want:    "Group devs all verbs on all resources by ClusterRole admin",
		},
		"every verb where some are declared": {
			roles:   []*rbacv1.Role{foreignRole("owner", "", list("pods"), list("get", "*"))},
			binding: debug().Role("owner").Group("devs").Obj(),
			role:    "owner", want: "Group devs all verbs on pods by Role owner",
		},
		"every group where all verbs on one resource are declared": {
			roles:   []*rbacv1.Role{foreignRole("wide", "*", list("pods"), list("get"))},
			binding: debug().Role("wide").Group("devs").Obj(),
			role:    "wide", want: "Group devs get on pods.* by Role wide",
		},
		"another name than the declared one": {
			roles:   []*rbacv1.Role{named(foreignRole("secrets", "", list("secrets"), list("get")), "tls", "root")},
			binding: debug().Role("secrets").ServiceAccount("app", "web").Obj(),
			role:    "secrets", want: "ServiceAccount app/web get on secrets root by Role secrets",
		},
		"all names where one is declared": {
			roles:   []*rbacv1.Role{foreignRole("secrets", "", list("secrets"), list("get"))},
			binding: debug().Role("secrets").ServiceAccount("app", "web").Obj(),
			role:    "secrets", want: "ServiceAccount app/web get on secrets by Role secrets",
		},
		"a subresource of a group": {
			roles:   []*rbacv1.Role{foreignRole("status", "apps", list("deployments/status"), list("patch"))},
			binding: debug().Role("status").Group("devs").Obj(),
			role:    "status", want: "Group devs patch on deployments.apps/status by Role status",
		},
		"all resources of one group": {
			roles:   []*rbacv1.Role{foreignRole("core", "", list("*"), list("get"))},
			binding: debug().Role("core").Group("devs").Obj(),
			role:    "core", want: "Group devs get on all resources of the core group by Role core",
		},
		"the same rights in another namespace's service account": {
			binding: debug().Role("segmentation-viewer").ServiceAccount("other", "web").Obj(),
			want:    "ServiceAccount other/web get, list on pods (and on 1 more resource) by Role segmentation-viewer",
		},
		"the anonymous user is not authenticated": {
			binding: debug().ClusterRole("reader").User("system:anonymous").Obj(),
			want:    "User system:anonymous get on endpoints by ClusterRole reader",
		},
		"nor is their group": {
			binding: debug().ClusterRole("reader").Group("system:unauthenticated").Obj(),
			want:    "Group system:unauthenticated get on endpoints by ClusterRole reader",
		},
		"a star among declared names is a name": {
			roles:   []*rbacv1.Role{named(foreignRole("lease", "", list("leases"), list("get")), "leader")},
			binding: debug().Role("lease").Group("devs").Obj(),
			role:    "lease", want: "Group devs get on leases leader by Role lease",
		},
		"an empty declared name is a name": {
			roles:   []*rbacv1.Role{foreignRole("leases", "", list("leases"), list("get"))},
			binding: debug().Role("leases").Group("ops").Obj(),
			role:    "leases", want: "Group ops get on leases by Role leases",
		},
		"a Role of their own under a name of ours": {
			roles:   []*rbacv1.Role{foreignRole("segmentation-viewer", "", list("pods"), list("get", "delete"))},
			binding: debug().Role("segmentation-viewer").Group("devs").Obj(),
			role:    "segmentation-viewer", want: "Group devs delete on pods by Role segmentation-viewer",
		},
		"two rules on one resource": {
			roles:   []*rbacv1.Role{builders.MakeRBACRole("app", "two").Rule("", list("nodes"), list("patch")).Rule("", list("nodes"), list("get")).Obj()},
			binding: debug().Role("two").Group("devs").Obj(),
			role:    "two", want: "Group devs get, patch on nodes by Role two",
		},
		"a group has not what one of its service accounts has": {
			binding: debug().Role("segmentation-tls").Group("system:serviceaccounts:app").Obj(),
			want:    "Group system:serviceaccounts:app get on secrets tls by Role segmentation-tls",
		},
		"one of three subjects is declared, and one is there twice": {
			binding: debug().ClusterRole("view").User("zoe").Group("devs").User("mallory").User("zoe").Obj(),
			want:    "User mallory and 1 more subject get, list, watch on pods (and on 2 more resources) by ClusterRole view",
		},
		"a name that a terminal would act on": {
			binding: debug().ClusterRole("admin").User("a\x1b[2Jb\n").Obj(),
			want:    `User "a\x1b[2Jb\n" all verbs on all resources by ClusterRole admin`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			want := []Undeclared{{Binding: "debug", Role: c.role, Message: "RoleBinding debug gives " + c.want + ending}}
			if diff := cmp.Diff(want, Access(input(c.roles, c.binding))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReportsAreInOneOrder(t *testing.T) {
	in := input(nil,
		builders.MakeRoleBinding("app", "b").ClusterRole("admin").User("y").User("x").Obj(),
		builders.MakeRoleBinding("app", "a").ClusterRole("edit").User("y").User("x").Obj())
	want := Access(in)
	if len(want) != 2 || want[0].Binding != "a" || want[1].Binding != "b" {
		t.Fatalf("reported: %+v", want)
	}
	slices.Reverse(in.Bindings)
	for i := range in.Bindings {
		slices.Reverse(in.Bindings[i].Subjects)
	}
	if diff := cmp.Diff(want, Access(in)); diff != "" {
		t.Errorf("another order in the input (-first +second):\n%s", diff)
	}
}

// TestTenantsCannotKeepTheOperatorBusy has a rule whose lists multiply to more than can be compared.
func TestTenantsCannotKeepTheOperatorBusy(t *testing.T) {
	many := make([]string, 2000)
	for i := range many {
		many[i] = fmt.Sprintf("x%d", i)
	}
	role := named(builders.MakeRBACRole("app", "huge").Rule("apps", many, many).Obj(), many...)
	role.Rules[0].APIGroups = many
	got := Access(input([]*rbacv1.Role{role}, debug().Role("huge").Group("devs").Obj()))
	want := []Undeclared{{Binding: "debug", Role: "huge", Message: "RoleBinding debug gives Group devs too much to compare by Role huge" + ending}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMessagesAreBounded(t *testing.T) {
	long := strings.Repeat("é", 400)
	in := input([]*rbacv1.Role{named(foreignRole(long+"role", long, list(long+"/"+long), list(long, "b", "c", "d", "e", "f", "g", "h", "i", "j")), long)},
		builders.MakeRoleBinding("app", long+"end").Role(long+"role").User(long).Group(long).Obj())
	got := Access(in)
	if len(got) != 1 || len(got[0].Message) > maxMessage || !strings.HasSuffix(got[0].Message, ending) {
		t.Fatalf("reported: %+v", got)
	}
	if name := strings.Fields(got[0].Message)[1]; !strings.HasSuffix(name, "end") || !strings.Contains(name, "...") {
		t.Errorf("the binding is told of as %q", name)
	}
}
