package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// bound says for each role who is bound, and which Roles there are.
func bound(objects render.Objects) map[string][]string {
	out := map[string][]string{}
	for _, r := range objects.Roles {
		out["Role "+r.Name] = nil
	}
	for _, b := range objects.Bindings {
		names := make([]string, 0, len(b.Subjects))
		for _, s := range b.Subjects {
			names = append(names, s.Kind+" "+s.Name)
		}
		out[b.RoleRef.Kind+" "+b.RoleRef.Name] = names
	}
	return out
}

func TestCallersAreBoundByTheGroupsOfTheirServiceAccounts(t *testing.T) {
	t.Parallel()
	profile := shop().
		Role(builders.MakeRole("viewer").Read("pods").Obj(), builders.MakeRole("reader").Read("secrets").Obj()).
		Tier(builders.MakeTier("data").Names("db").
			Access("viewer", builders.User("jane"), builders.Group("system:serviceaccounts:web-1")).Obj()).
		Dependency(
			builders.MakeDependency("discovers").FromTier("web").ToTier("data").Access("viewer").ClusterRoleAccess("view").Obj(),
			builders.MakeDependency("reads").FromTier("api").ToTier("data").Access("viewer", "reader").Obj())
	cases := map[string]struct {
		callers map[string][]string
		want    map[string][]string
	}{
		"nobody calls: a role that nobody has is left out": {
			want: map[string][]string{"Role segmentation-viewer": {"Group system:serviceaccounts:web-1", "User jane"}},
		},
		"of each tier its namespaces, each once": {
			callers: map[string][]string{"web": {"web-1", "web-2"}, "api": {"api-1"}},
			want: map[string][]string{
				"Role segmentation-viewer": {
					"Group system:serviceaccounts:api-1", "Group system:serviceaccounts:web-1", "Group system:serviceaccounts:web-2", "User jane",
				},
				"Role segmentation-reader": {"Group system:serviceaccounts:api-1"},
				"ClusterRole view":         {"Group system:serviceaccounts:web-1", "Group system:serviceaccounts:web-2"},
			},
		},
	}
	objects := mustRender(t, profile.Obj())["data"]
	before := bound(objects)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := objects.WithCallers(func(tier string) []string { return c.callers[tier] })
			if diff := cmp.Diff(c.want, bound(got)); diff != "" {
				t.Errorf("who is bound (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, bound(objects)); diff != "" {
				t.Errorf("the objects were changed (-before +after):\n%s", diff)
			}
		})
	}
	const declared = "tier/data, role/viewer, dependency/discovers, dependency/reads"
	for _, b := range objects.Bindings {
		if b.RoleRef.Name == "segmentation-viewer" && b.Annotations["segmentation.dev/declared-by"] != declared {
			t.Errorf("declared by %q, want %q", b.Annotations["segmentation.dev/declared-by"], declared)
		}
	}
}
