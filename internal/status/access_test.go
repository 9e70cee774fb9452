package status

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/audit"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
)

// granting is a namespace in which RoleBindings of others grant more than is declared, each by a Role
// of its name; one whose name ends in a star by a ClusterRole.
func granting(n Namespace, bindings ...string) Namespace {
	for _, binding := range bindings {
		u := audit.Undeclared{Binding: binding, Role: binding, Message: binding + " grants"}
		if strings.HasSuffix(binding, "*") {
			u.Role = ""
		}
		n.Undeclared = append(n.Undeclared, u)
	}
	return n
}

func TestUndeclaredAccessIsCounted(t *testing.T) {
	long := strings.Repeat("x", 400)
	of := func(roles, bindings int32, first string) v1alpha1.UndeclaredAccess {
		return v1alpha1.UndeclaredAccess{Roles: roles, RoleBindings: bindings, First: first}
	}
	sameRole := claimed("a", Settled)
	sameRole.Undeclared = []audit.Undeclared{{Binding: "x", Role: "debug", Message: "m"}, {Binding: "y", Role: "debug", Message: "m"}}
	cases := map[string]struct {
		before     v1alpha1.UndeclaredAccess
		namespaces []Namespace
		want       v1alpha1.UndeclaredAccess
	}{
		"none":                                     {namespaces: []Namespace{claimed("a", Settled)}},
		"a Role is counted once in a namespace":    {namespaces: []Namespace{sameRole}, want: of(1, 2, "a/x")},
		"Roles of one name in two namespaces":      {namespaces: []Namespace{granting(claimed("a", Settled), "x"), granting(claimed("b", Settled), "x")}, want: of(2, 2, "a/x")},
		"a ClusterRole is not counted as a Role":   {namespaces: []Namespace{granting(claimed("a", Settled), "x*")}, want: of(0, 1, "a/x*")},
		"the first is by namespace, then by name":  {namespaces: []Namespace{granting(claimed("b", Settled), "a"), granting(claimed("a-b", Settled), "c"), granting(claimed("a", Settled), "y", "x")}, want: of(4, 4, "a/x")},
		"a namespace that needs a person, as well": {namespaces: []Namespace{granting(claimed("a", Failing, Problem{Reason: v1alpha1.ReasonNameTaken, Message: "m"}), "x")}, want: of(1, 1, "a/x")},
		"a namespace of another profile":           {namespaces: []Namespace{granting(selected("a", claim.Claimed, "somebody", claim.StandingLost, "web"), "x")}},
		"a namespace that a preview would get":     {namespaces: []Namespace{granting(selected("a", claim.Unclaimed, "", claim.StandingPreviewed, "web"), "x")}},
		"a name too long for the CRD":              {namespaces: []Namespace{granting(claimed("a", Settled), long)}, want: of(1, 1, ("a/" + long)[:316]+" ...")},
		"fewer than before":                        {before: of(2, 3, "a/x"), namespaces: []Namespace{granting(claimed("a", Settled), "y")}, want: of(1, 1, "a/y")},
		"fewer than before, while one is unseen":   {before: of(2, 3, "a/x"), namespaces: []Namespace{granting(claimed("a", Settled), "y"), claimed("b", Unseen)}, want: of(2, 3, "a/x")},
		"more than before, while one is unseen":    {before: of(0, 1, "a/x"), namespaces: []Namespace{granting(claimed("a", Settled), "x", "y"), claimed("b", Unseen)}, want: of(2, 2, "a/x")},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			profile := shop().Obj()
			profile.Status.UndeclaredAccess = c.before
			got := Summarize(Input{Profile: profile, Namespaces: c.namespaces, Now: noon})
			if diff := cmp.Diff(c.want, got.UndeclaredAccess); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestUndeclaredAccessIsFoundByBinding(t *testing.T) {
	got := Summarize(Input{Profile: shop().Obj(), Now: noon, Namespaces: []Namespace{granting(claimed("a", Settled), "y", "x")}})
	want := []v1alpha1.Finding{
		{Reason: v1alpha1.ReasonUndeclaredAccess, Namespace: "a", Message: "x grants"},
		{Reason: v1alpha1.ReasonUndeclaredAccess, Namespace: "a", Message: "y grants"},
	}
	if diff := cmp.Diff(want, got.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestUndeclaredAccessCrowdsNothingOut: findings are sorted by reason and cut, and what others grant
// comes in any number, so that it has to come last.
func TestUndeclaredAccessCrowdsNothingOut(t *testing.T) {
	reasons := []string{
		v1alpha1.ReasonNameTaken, v1alpha1.ReasonAboveCeiling, v1alpha1.ReasonRoleMissing,
		v1alpha1.ReasonEditsBoundary, v1alpha1.ReasonRejected, v1alpha1.ReasonRetrying,
	}
	namespaces := make([]Namespace, 0, 3+2*v1alpha1.MaxFindings+len(reasons))
	namespaces = append(namespaces,
		selected("lost", claim.Claimed, "somebody", claim.StandingLost, "web"),
		selected("overlap", claim.Unclaimed, "", claim.StandingOverlap, "web", "api"),
		selected("protected", claim.Unclaimed, "", claim.StandingProtected, "web"),
	)
	for i := range 2 * v1alpha1.MaxFindings {
		namespaces = append(namespaces, granting(claimed(fmt.Sprintf("a%d", i), Settled), "x"))
	}
	for _, reason := range reasons {
		namespaces = append(namespaces, claimed("z-"+strings.ToLower(reason), Failing, Problem{Reason: reason, Message: "m"}))
	}
	got := Summarize(Input{Profile: shop().Obj(), Now: noon, Namespaces: namespaces})
	if others := len(reasons) + 3; len(got.Findings) != v1alpha1.MaxFindings || got.Findings[others-1].Reason == v1alpha1.ReasonUndeclaredAccess ||
		got.Findings[others].Reason != v1alpha1.ReasonUndeclaredAccess {
		t.Errorf("findings: %+v", got.Findings)
	}
}
