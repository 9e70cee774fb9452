package api

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// Whatever the CRD accepts, the operator has to write. So every value that a user can give is
// put into a profile, and if that is accepted, the profile is compiled: the API server must
// accept what comes of it. It is the same API server, and so the only judge.
func TestWhatIsAcceptedCanBeWritten(t *testing.T) {
	for name, draw := range doubtful {
		t.Run(name, func(t *testing.T) {
			accepted := 0
			rapid.Check(t, func(rt *rapid.T) {
				profile := ordinary()
				draw(rt, profile)
				accepting := profile.DeepCopy()
				err := server.Create(t.Context(), accepting, client.DryRunAll)
				if err != nil && !apierrors.IsInvalid(err) {
					rt.Fatalf("the profile is neither accepted nor invalid: %v", err)
				}
				if err != nil {
					return
				}
				accepted++
				mustBeWritable(t, rt, accepting)
			})
			t.Logf("%d profiles were accepted", accepted)
			// Were nearly all refused, this would show nothing.
			if accepted < 3 {
				t.Errorf("only %d profiles were accepted", accepted)
			}
		})
	}
}

// ordinary is a profile with everything in it that is copied to other objects.
func ordinary() *segv1alpha1.SegmentationProfile {
	return builders.MakeProfile("ordinary").
		Tier(builders.MakeTier("web").Names("web").Access("viewer", builders.Group("shop")).
			ClusterRoleAccess("view", builders.Group("shop")).Obj()).
		Peer(builders.MakePeer("outside").Selector(map[string]string{"team": "other"}).Pods(map[string]string{"app": "other"}).Obj()).
		Peer(builders.MakePeer("named").Names("other").Obj()).
		Peer(builders.MakePeer("payments").CIDR("198.51.100.0/24").Obj()).
		Role(builders.MakeRole("viewer").Read("pods").Obj()).
		Dependency(builders.MakeDependency("web-web").FromTier("web").FromPods(map[string]string{"app": "web"}).
			ToTier("web").Port(8080).Obj()).
		Obj()
}

// TestWhatIsGeneratedCanBeWritten does the same for whole profiles, as the compiler's own
// property tests draw them.
func TestWhatIsGeneratedCanBeWritten(t *testing.T) {
	accepted := 0
	rapid.Check(t, func(rt *rapid.T) {
		profile := plantest.Profile().Draw(rt, "profile")
		profile.UID, profile.Generation, profile.CreationTimestamp = "", 0, metav1.Time{}
		// Forms that the compiler brings into order, and the CRD refuses, are drawn too.
		if err := server.Create(t.Context(), profile, client.DryRunAll); err != nil {
			return
		}
		accepted++
		mustBeWritable(t, rt, profile)
	})
	t.Logf("%d profiles were accepted", accepted)
	if accepted < 30 {
		t.Errorf("only %d profiles were accepted", accepted)
	}
}

// mustBeWritable compiles an accepted profile and sends what comes of it.
func mustBeWritable(t *testing.T, rt *rapid.T, profile *segv1alpha1.SegmentationProfile) {
	t.Helper()
	profile.UID = "5b2c7f0a-54e1-4b3c-9d5b-0a2a3c1f7b11" // as dry runs give none
	compiled, errs := plan.Compile(profile)
	if len(errs) > 0 {
		rt.Fatalf("the profile is accepted, but does not compile: %v\n%+v", errs, profile.Spec)
	}
	for i := range compiled.Tiers {
		objects := render.Tier(compiled, &compiled.Tiers[i]).In("default")
		for _, object := range all(objects) {
			if err := server.Create(t.Context(), object, client.DryRunAll); err != nil {
				rt.Fatalf("the profile is accepted, but not what has to be written for it: %v\n%+v", err, profile.Spec)
			}
		}
	}
}

func all(objects render.Objects) []client.Object {
	var out []client.Object
	for _, policy := range objects.Policies {
		out = append(out, policy.DeepCopy())
	}
	for _, role := range objects.Roles {
		out = append(out, role.DeepCopy())
	}
	for _, binding := range objects.Bindings {
		out = append(out, binding.DeepCopy())
	}
	return out
}
