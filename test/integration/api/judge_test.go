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
		Peer(builders.MakePeer("api-server").APIServer().Obj(), builders.MakePeer("internet").Internet("").Obj()).
		Peer(builders.MakePeer("metrics").Names("other").Service("prometheus").Obj()).
		Dependency(builders.MakeDependency("web-web").FromTier("web").FromPods(map[string]string{"app": "web"}).
			ToTier("web").Port(8080).Obj()).
		Dependency(builders.MakeDependency("service").FromAllTiers().ToService("web", "front").Obj()).
		Dependency(builders.MakeDependency("other").FromProfile("other", "web").ToAllTiers().NamedPort("http").Obj()).
		Dependency(builders.MakeDependency("watch").FromTier("web").ToPeer("api-server").Obj()).
		Dependency(builders.MakeDependency("webhooks").FromPeer("api-server").ToService("web", "front").Obj()).
		Dependency(builders.MakeDependency("out").FromTier("web").ToPeer("internet").Obj()).
		Dependency(builders.MakeDependency("queries").FromTier("web").ToPeer("metrics").Obj()).
		Obj()
}

// TestTheCompilerAndTheCRDRefuseTheSame draws parties and DNS from all fields that they have, in all combinations. A
// profile that is accepted has to compile. One that compiles has to be accepted, too: else a rule of the CRD is one that
// no stored profile and no file is held to.
func TestTheCompilerAndTheCRDRefuseTheSame(t *testing.T) {
	for name, draw := range combined {
		t.Run(name, func(t *testing.T) {
			accepted, refused := 0, 0
			rapid.Check(t, func(rt *rapid.T) {
				profile := ordinary()
				draw(rt, profile)
				_, errs := plan.Compile(profile)
				accepting := profile.DeepCopy()
				err := server.Create(t.Context(), accepting, client.DryRunAll)
				if (err == nil) != (len(errs) == 0) {
					rt.Fatalf("the API server said %v, and the compiler %v\n%+v", err, errs, profile.Spec)
				}
				if err != nil {
					refused++
					return
				}
				accepted++
				mustBeWritable(t, rt, accepting)
			})
			t.Logf("%d profiles were accepted, and %d refused", accepted, refused)
			if accepted < 3 || refused < 3 {
				t.Errorf("only %d profiles were accepted, and %d refused", accepted, refused)
			}
		})
	}
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
	// A cluster that has whatever the profile asks for, so that nothing is left out.
	resolved := compiled.Resolve(factsFor(compiled))
	if missing := leftOut(resolved.Findings); len(missing) > 0 {
		rt.Fatalf("something is left out: %v\n%+v", missing, profile.Spec)
	}
	for i := range resolved.Plan.Tiers {
		tier := resolved.Plan.Tiers[i].With(own(compiled))
		for _, object := range all(render.Tier(resolved.Plan, tier).In("default")) {
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
