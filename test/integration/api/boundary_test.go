package api

import (
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// TestRolesThatEditTheBoundaryAreRefused sends the rules that the compiler's own test judges.
func TestRolesThatEditTheBoundaryAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range plantest.BoundaryRules() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			role := builders.MakeRole("r").Read("pods").Rules(c.Rule)
			profile := builders.MakeProfile("boundary").Tier(builders.MakeTier("web").Names("web").Obj())
			err := server.Create(t.Context(), profile.Role(role.Obj()).Obj(), client.DryRunAll)
			const words = "spec.roles[0].rules: Invalid value: a rule lets a tier edit its own boundary: it has a writing verb on networkpolicies, " +
				"roles, rolebindings, namespaces or segmentationprofiles, or a wildcard that covers them; grant less, or say boundaryEdits: Allowed in the role"
			if c.Edits && (err == nil || !strings.Contains(err.Error(), words)) || !c.Edits && err != nil {
				t.Errorf("got %v; refused should be %t", err, c.Edits)
			}
			allowed := builders.MakeProfile("boundary").Tier(builders.MakeTier("web").Names("web").Obj()).Role(role.BoundaryEdits().Obj()).Obj()
			if err := server.Create(t.Context(), allowed, client.DryRunAll); err != nil {
				t.Errorf("though the role says that it may: %v", err)
			}
		})
	}
}
