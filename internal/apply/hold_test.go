package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// nobody are callers of nothing.
func nobody(transition.Membership) []string { return nil }

// TestWhoLeftLosesAccessAlsoWhereItIsHeld: service accounts of the tier api have a role in a namespace that is
// held, beside others.
func TestWhoLeftLosesAccessAlsoWhereItIsHeld(t *testing.T) {
	const group = "Group system:serviceaccounts:"
	profile := func(subjects ...v1alpha1.Subject) *builders.ProfileBuilder {
		tier := builders.MakeTier("web").Names(namespace)
		if len(subjects) > 0 {
			tier.Access("viewer", subjects...)
		}
		return builders.MakeProfile("shop").UID(shopUID).Role(builders.MakeRole("viewer").Read("pods").Obj()).
			Tier(tier.Obj(), builders.MakeTier("api").Names("two").Obj()).
			Dependency(builders.MakeDependency("d").FromTier("api").ToTier("web").Access("viewer").Obj())
	}
	cases := map[string]struct {
		profile *builders.ProfileBuilder
		callers []string
		want    []string
		left    []string
	}{
		"those that have not left keep it": {profile: profile(), callers: []string{"two", "three"}},
		"one has left":                     {profile: profile(), callers: []string{"three"}, want: []string{"change RoleBinding " + binding}, left: []string{group + "three"}},
		"all have left":                    {profile: profile(), want: []string{"delete RoleBinding " + binding}},
		"who is bound by name stays": {
			profile: profile(builders.User("jane"), builders.Group("system:serviceaccounts:ops")),
			want:    []string{"change RoleBinding " + binding},
			left:    []string{group + "ops", "User jane"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			before := rendered(t, c.profile).WithCallers(func(string) []string { return []string{"two", "three"} })
			observed := see(member).holding(before).Observed
			r := &recorder{}
			New(r, r).Hold(t.Context(), transition.View{}, observed, func(tier transition.Membership) []string {
				if tier != (transition.Membership{Profile: "shop", Tier: "api"}) {
					t.Errorf("asked for callers of %v", tier)
				}
				return c.callers
			})
			if diff := cmp.Diff(c.want, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if len(c.left) == 0 {
				return
			}
			var left []string
			for _, s := range keptSubjects(&observed.Bindings[0], func(transition.Membership) []string { return c.callers }) {
				left = append(left, s.Kind+" "+s.Name)
			}
			if diff := cmp.Diff(c.left, left); diff != "" {
				t.Errorf("who is bound (-want +got):\n%s", diff)
			}
		})
	}
}

func TestANarrowedBindingIsOtherwiseAsItWas(t *testing.T) {
	before := rendered(t, shopProfile().Dependency(builders.MakeDependency("d").FromTier("api").ToTier("web").Access("viewer").Obj())).
		WithCallers(func(string) []string { return []string{"two"} })
	b := before.Bindings[0].DeepCopy()
	b.Labels["theirs"], b.Annotations["theirs"] = "x", "x"
	narrowed := withSubjects(b, []rbacv1.Subject{{Kind: "Group", APIGroup: "rbac.authorization.k8s.io", Name: "developers"}})
	want := before.Bindings[0].DeepCopy()
	want.Subjects = narrowed.Subjects
	if diff := cmp.Diff(want, narrowed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
