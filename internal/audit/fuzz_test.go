package audit

import (
	"strings"
	"testing"
	"unicode/utf8"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FuzzAccess has lists of strings of any kind, empty ones too, on both sides.
func FuzzAccess(f *testing.F) {
	f.Add("", "pods", "", "get", "User", "alice", "Role", "debug")
	f.Add("*", "*/", "*", "", "ServiceAccount", "", "ClusterRole", "")
	f.Add("a,,*", "*/exec,/,*/*", ",", "\x00,\xff", "Group", "system:serviceaccounts:", "Role", "\xff")
	f.Add("", "pods", "", "get", "User", "system:serviceaccount::", "Other", "x")
	f.Fuzz(func(t *testing.T, groups, resources, names, verbs, kind, who, roleKind, role string) {
		list := func(text string) []string {
			if text == "" {
				return nil
			}
			return strings.Split(text, ",")
		}
		rules := []rbacv1.PolicyRule{
			{APIGroups: list(groups), Resources: list(resources), ResourceNames: list(names), Verbs: list(verbs)},
			{APIGroups: []string{""}, Resources: list(resources), Verbs: list(verbs)},
			{},
		}
		binding := rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: "app", Name: role},
			Subjects:   []rbacv1.Subject{{Kind: kind, Name: who}, {}},
			RoleRef:    rbacv1.RoleRef{Kind: roleKind, Name: role},
		}
		in := AccessInput{
			Roles:       []rbacv1.Role{{ObjectMeta: metav1.ObjectMeta{Name: role}, Rules: rules}},
			Bindings:    []rbacv1.RoleBinding{binding},
			IsOurs:      func(metav1.Object) bool { return false },
			ClusterRole: func(string) ([]rbacv1.PolicyRule, bool) { return rules, true },
		}
		for _, u := range Access(in) {
			if len(u.Message) > maxMessage || !utf8.ValidString(u.Message) || strings.ContainsAny(u.Message, "\n\r\x1b") {
				t.Errorf("message %q", u.Message)
			}
		}
		in.DeclaredBindings = []*rbacv1.RoleBinding{&binding}
		in.DeclaredRoles = []*rbacv1.Role{&in.Roles[0]}
		if found := Access(in); len(found) > 0 {
			t.Errorf("the same is declared, and reported: %+v", found)
		}
	})
}
