package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// Server-side apply leaves alone what is not mentioned: what somebody added would stay.
func TestEmptyListsAreSaid(t *testing.T) {
	cases := map[string]struct {
		desired client.Object
		want    map[string]any
	}{
		"a policy without rules": {
			desired: builders.MakeNetworkPolicy(namespace, "x").DenyAll().Obj(),
			want: map[string]any{"spec": map[string]any{
				"podSelector": map[string]any{}, "policyTypes": []any{"Ingress", "Egress"}, "ingress": []any{}, "egress": []any{},
			}},
		},
		"a role without rules": {
			desired: builders.MakeRBACRole(namespace, "x").Obj(),
			want:    map[string]any{"rules": nil},
		},
		"a binding that binds nobody": {
			desired: builders.MakeRoleBinding(namespace, "x").Role("y").Obj(),
			want: map[string]any{
				"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "y"},
				"subjects": []any{},
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			config, err := configuration(Write{Desired: c.desired, UID: "u"})
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{"apiVersion", "kind", "metadata"} {
				delete(config.Object, key)
			}
			if diff := cmp.Diff(c.want, config.Object); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
		})
	}
}
