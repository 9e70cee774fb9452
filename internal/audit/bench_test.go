package audit

import (
	"fmt"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// large is a ClusterRole of n rules of ten resources and eight verbs.
func large(n int) []rbacv1.PolicyRule {
	out := make([]rbacv1.PolicyRule, n)
	for i := range out {
		out[i] = rbacv1.PolicyRule{
			APIGroups: []string{fmt.Sprintf("group%d.example.org", i)},
			Verbs:     []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"},
		}
		for j := range 10 {
			out[i].Resources = append(out[i].Resources, fmt.Sprintf("resources%d", j))
		}
	}
	return out
}

func BenchmarkAccess(b *testing.B) {
	rules := large(100)
	same := func(name string) ([]rbacv1.PolicyRule, bool) { return rules, name != "none" }
	namespace := func(role string, n int) AccessInput {
		in := AccessInput{
			DeclaredBindings: []*rbacv1.RoleBinding{builders.MakeRoleBinding("app", "declared").ClusterRole("view").Group("devs").Obj()},
			IsOurs:           func(metav1.Object) bool { return false },
			ClusterRole:      same,
		}
		for i := range n {
			in.Bindings = append(in.Bindings, *builders.MakeRoleBinding("app", fmt.Sprintf("b%d", i)).ClusterRole(role).Group("devs").Obj())
		}
		return in
	}
	cases := []struct {
		name string
		in   AccessInput
	}{
		{"NothingForeign", namespace("view", 0)},
		{"SameClusterRole", namespace("view", 1)},
		{"EqualRules100", namespace("edit", 1)},
		{"EqualRules100By500Bindings", namespace("edit", 500)},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if found := Access(c.in); len(found) > 0 {
					b.Fatal(found[0].Message)
				}
			}
		})
	}
}

// BenchmarkAccessUndeclared has bindings that grant more than is declared: 500 that grant 100 rules to a
// user each, and one whose rule has nearly as many combinations as are compared.
func BenchmarkAccessUndeclared(b *testing.B) {
	many := make([]string, 360)
	for i := range many {
		many[i] = fmt.Sprintf("x%d", i)
	}
	cases := []struct {
		name     string
		rules    []rbacv1.PolicyRule
		bindings int
	}{
		{"500Bindings", large(100), 500},
		{"AtTheBound", []rbacv1.PolicyRule{{APIGroups: many, Resources: many, Verbs: []string{"get"}}}, 1},
	}
	for _, c := range cases {
		in := AccessInput{
			IsOurs:      func(metav1.Object) bool { return false },
			ClusterRole: func(string) ([]rbacv1.PolicyRule, bool) { return c.rules, true },
		}
		for i := range c.bindings {
			in.Bindings = append(in.Bindings, *builders.MakeRoleBinding("app", fmt.Sprintf("b%d", i)).ClusterRole("edit").User(fmt.Sprintf("u%d", i)).Obj())
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if found := Access(in); len(found) != c.bindings || strings.Contains(found[0].Message, "too much") {
					b.Fatal(len(found), found[0].Message)
				}
			}
		})
	}
}
