package audit

import (
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Who reads a message reads of one resource only: it must not be the most harmless one.
func TestTheGravestIsToldFirst(t *testing.T) {
	rule := func(resource string, verbs ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{resource}, Verbs: verbs}
	}
	reading, writing, secrets, all := rule("bindings", "get"), rule("services", "create"), rule("secrets", "get"), rule("*", "get")
	cases := map[string]struct {
		rules []rbacv1.PolicyRule
		want  string
	}{
		"writing before reading":                  {[]rbacv1.PolicyRule{reading, writing}, "create on services (and on 1 more resource)"},
		"Secrets before writing":                  {[]rbacv1.PolicyRule{reading, writing, secrets}, "get on secrets (and on 2 more resources)"},
		"running programs before writing":         {[]rbacv1.PolicyRule{writing, rule("pods/exec", "create")}, "create on pods/exec (and on 1 more resource)"},
		"everything before anything":              {[]rbacv1.PolicyRule{secrets, all}, "get on all resources of the core group (and on 1 more resource)"},
		"of two that are as bad the first":        {[]rbacv1.PolicyRule{rule("pods", "get"), reading}, "get on bindings (and on 1 more resource)"},
		"one resource under two names is but one": {[]rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, ResourceNames: []string{"b", "a"}, Verbs: []string{"get"}}}, "get on pods a"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			found := Access(AccessInput{
				Roles: []rbacv1.Role{{Rules: c.rules}},
				Bindings: []rbacv1.RoleBinding{{
					RoleRef: rbacv1.RoleRef{Kind: "Role"}, Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, Name: "mallory"}},
				}},
				IsOurs:      func(metav1.Object) bool { return false },
				ClusterRole: func(string) ([]rbacv1.PolicyRule, bool) { return nil, false },
			})
			if len(found) != 1 || !strings.Contains(found[0].Message, " "+c.want+" by Role") {
				t.Errorf("got %v, want %q", found, c.want)
			}
		})
	}
}
