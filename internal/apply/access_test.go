package apply

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// grants says what a Role or a RoleBinding gives.
func grants(obj client.Object) string {
	var out []string
	switch o := obj.(type) {
	case *rbacv1.Role:
		for _, r := range o.Rules {
			out = append(out, fmt.Sprintf("%v%v", r.Resources, r.Verbs))
		}
	case *rbacv1.RoleBinding:
		for _, s := range o.Subjects {
			out = append(out, s.Name)
		}
	default:
		return ""
	}
	return " " + cmp.Or(strings.Join(out, " and "), "nothing")
}

// granted is a profile whose tier web has one role, bound to groups.
func granted(role v1alpha1.Role, groups ...string) *builders.ProfileBuilder {
	subjects := make([]v1alpha1.Subject, 0, len(groups))
	for _, g := range groups {
		subjects = append(subjects, builders.Group(g))
	}
	return builders.MakeProfile("shop").UID(shopUID).Role(role).
		Tier(builders.MakeTier("web").Names(namespace).Access(string(role.Name), subjects...).Obj())
}

func TestAccessIsNarrowedBeforePoliciesAndWidenedAfterThem(t *testing.T) {
	pods := []string{"pods"}
	viewer := func(verbs ...string) v1alpha1.Role { return builders.MakeRole("viewer").Rule("", pods, verbs).Obj() }
	editor := builders.MakeRole("editor").Rule("", pods, []string{"update"}).Obj()
	base := "change " + basePolicy
	gone := "delete RoleBinding " + binding
	bound := func(to string) string { return "change RoleBinding " + binding + " " + to }

	cases := map[string]struct {
		before, after *builders.ProfileBuilder
		want          []string
	}{
		"a role that only loses is narrowed first": {
			before: granted(viewer("get", "list"), "devs"), after: granted(viewer("get"), "devs"),
			want: []string{"change Role segmentation-viewer [pods][get]", base},
		},
		"a role that only gains is widened last": {
			before: granted(viewer("get"), "devs"), after: granted(viewer("get", "list"), "devs"),
			want: []string{base, "change Role segmentation-viewer [pods][get list]"},
		},
		"a role that does both is written twice": {
			before: granted(viewer("get", "list"), "devs"), after: granted(viewer("get", "watch"), "devs"),
			want: []string{"change Role segmentation-viewer [pods][get]", base, "change Role segmentation-viewer [pods][get watch]"},
		},
		"a role of which nothing stays gives nothing in between": {
			before: granted(viewer("get"), "devs"), after: granted(viewer("list"), "devs"),
			want: []string{"change Role segmentation-viewer nothing", base, "change Role segmentation-viewer [pods][list]"},
		},
		"a binding that only loses is narrowed first": {
			before: granted(viewer("get"), "devs", "ops"), after: granted(viewer("get"), "devs"),
			want: []string{bound("devs"), base},
		},
		"a binding that only gains is widened last": {
			before: granted(viewer("get"), "devs"), after: granted(viewer("get"), "devs", "ops"),
			want: []string{base, bound("devs and ops")},
		},
		"a binding that does both is written twice": {
			before: granted(viewer("get"), "devs", "ops"), after: granted(viewer("get"), "devs", "qa"),
			want: []string{bound("devs"), base, bound("devs and qa")},
		},
		"a binding stays until those whom it binds have another role instead": {
			before: granted(viewer("get"), "devs"), after: granted(editor, "devs"),
			want: []string{
				base, "create Role segmentation-editor [pods][update]", "create RoleBinding segmentation-editor-c5e0901eb8 devs",
				gone, "delete Role segmentation-viewer",
			},
		},
		"a binding of those who get nothing instead goes first": {
			before: granted(viewer("get"), "devs"), after: granted(editor, "ops"),
			want: []string{
				gone, base, "create Role segmentation-editor [pods][update]",
				"create RoleBinding segmentation-editor-c5e0901eb8 ops", "delete Role segmentation-viewer",
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			observed := see(member).holding(rendered(t, c.before)).Observed
			todo := task(rendered(t, c.after.NoDNS()))
			todo.View = alone(transition.Member)
			r := &recorder{tells: grants}
			New(r, r).Member(t.Context(), todo, observed)
			if diff := gocmp.Diff(c.want, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// request is one thing that somebody may do by a Role.
type request struct{ group, resource, name, verb string }

func requests() []request {
	out := make([]request, 0, 24)
	for _, group := range []string{"", "apps"} {
		for _, resource := range []string{"pods", "services"} {
			for _, name := range []string{"", "x", "y"} {
				for _, verb := range []string{"get", "list"} {
					out = append(out, request{group, resource, name, verb})
				}
			}
		}
	}
	return out
}

func (r request) isAllowed(rules []rbacv1.PolicyRule) bool {
	has := func(list []string, value string) bool {
		return slices.Contains(list, value) || slices.Contains(list, rbacv1.VerbAll)
	}
	return slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool {
		return has(rule.APIGroups, r.group) && has(rule.Resources, r.resource) && has(rule.Verbs, r.verb) &&
			(len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, r.name))
	})
}

func drawRules(t *rapid.T, label string) []rbacv1.PolicyRule {
	some := func(of ...string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 1, 2, rapid.ID).Draw(t, label)
	}
	out := make([]rbacv1.PolicyRule, rapid.IntRange(0, 3).Draw(t, label))
	for i := range out {
		out[i] = rbacv1.PolicyRule{APIGroups: some("", "apps", "*"), Resources: some("pods", "services", "*"), Verbs: some("get", "list", "*")}
		if rapid.Bool().Draw(t, label) {
			out[i].ResourceNames = some("x", "y")
		}
	}
	return out
}

func TestWhatTwoRolesHaveInCommonIsExactlyWhatBothAllow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawRules(t, "a"), drawRules(t, "b")
		common := commonRules(a, b)
		for _, r := range requests() {
			if want := r.isAllowed(a) && r.isAllowed(b); r.isAllowed(common) != want {
				t.Fatalf("%+v is allowed: %t, want %t; common are %+v", r, !want, want, common)
			}
			if covered(a, b) && r.isAllowed(a) && !r.isAllowed(b) {
				t.Fatalf("%+v is not covered", r)
			}
		}
		if !covered(common, a) || !covered(common, b) {
			t.Fatalf("%+v are not found to be covered by both", common)
		}
	})
}
