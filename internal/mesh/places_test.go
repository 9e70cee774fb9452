package mesh_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// A change of one namespace concerns those, and no others, whose policies come to be something else; and whoever learns of
// changes one by one knows what he would know who looks at all.
func TestAChangeNamesThoseWhosePoliciesItConcerns(t *testing.T) {
	t.Parallel()
	var changes, rewritten, inVain atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		p := mustCompile(t, plantest.Meshed().Draw(t, "profile"))
		places, seen := mesh.NewPlaces([]*plan.Plan{p}, mesh.DefaultRoot), map[string]placed{}
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			before := allRendered(p, places, seen)
			name := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "namespace")
			var concerned []string
			if rapid.IntRange(0, 4).Draw(t, "gone") == 0 {
				concerned = places.Forget(name)
				delete(seen, name)
			} else {
				seen[name] = drawPlace(t, p)
				concerned = places.Put(name, seen[name].due, seen[name].labels)
			}
			after := allRendered(p, places, seen)
			changes.Add(1)
			for other := range seen {
				isConcerned, isOther := slices.Contains(concerned, other), !cmp.Equal(before[other], after[other])
				if isOther && !isConcerned && other != name {
					t.Fatalf("%s changes, and what %s is to have does; it is not concerned", name, other)
				}
				if isConcerned && isOther {
					rewritten.Add(1)
				} else if isConcerned {
					inVain.Add(1)
				}
			}
			anew := mesh.NewPlaces([]*plan.Plan{p}, mesh.DefaultRoot)
			for other, at := range seen {
				anew.Put(other, at.due, at.labels)
			}
			if diff := cmp.Diff(allRendered(p, anew, seen), after); diff != "" {
				t.Fatalf("who learns of changes one by one knows something else (-at once +one by one):\n%s", diff)
			}
		}
	})
	t.Logf("changes: %d; namespaces concerned whose policies change: %d, and do not: %d", changes.Load(), rewritten.Load(), inVain.Load())
}

type placed struct {
	due    plan.TierOf
	labels map[string]string
}

func drawPlace(t *rapid.T, p *plan.Plan) placed {
	out := placed{labels: rapid.SampledFrom([]map[string]string{nil, {"team": "ops"}, {"team": "shop"}}).Draw(t, "labels")}
	if i := rapid.IntRange(-1, len(p.Tiers)-1).Draw(t, "tier"); i >= 0 {
		out.due = plan.TierOf{Profile: p.Profile, Tier: p.Tiers[i].Name}
	}
	return out
}

// allRendered are the policies of all namespaces that are due in a tier.
func allRendered(p *plan.Plan, places *mesh.Places, seen map[string]placed) map[string]mesh.Objects {
	out := map[string]mesh.Objects{}
	for name, at := range seen {
		if tier := p.Tier(at.due.Tier); tier != nil {
			out[name] = mesh.Render(p, tier, name, places.Facts(p.Profile)).Objects
		}
	}
	return out
}

// What a membership change costs in writes: one for each policy that lists the tier, and none elsewhere.
func TestWhatANamespaceThatJoinsCosts(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, meshed().Dependency(builders.MakeDependency("d").FromTier("web").ToTier("api").Obj()).Obj())
	places := mesh.NewPlaces([]*plan.Plan{p}, mesh.DefaultRoot)
	for i := range 50 {
		places.Put(fmt.Sprintf("api-%02d", i), plan.TierOf{Profile: "shop", Tier: "api"}, nil)
		places.Put(fmt.Sprintf("web-%02d", i), plan.TierOf{Profile: "shop", Tier: "web"}, nil)
	}
	concerned := places.Put("web-new", plan.TierOf{Profile: "shop", Tier: "web"}, nil)
	if want := places.In(plan.TierOf{Profile: "shop", Tier: "api"}); !slices.Equal(concerned, want) {
		t.Errorf("who is concerned (-want +got):\n%s", cmp.Diff(want, concerned))
	}
	if concerned := places.Put("api-new", plan.TierOf{Profile: "shop", Tier: "api"}, nil); len(concerned) > 0 {
		t.Errorf("api calls nobody, and its new namespace concerns %v", concerned)
	}
	if concerned := places.Put("web-new", plan.TierOf{Profile: "shop", Tier: "web"}, map[string]string{"other": "label"}); len(concerned) > 0 {
		t.Errorf("a label that nobody goes by concerns %v", concerned)
	}
}

// Peers go by the labels that namespaces will have: one that leaves a tier is none already.
func TestPeersChooseByTheLabelsThatAreDue(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, meshed().
		Peer(builders.MakePeer("free").Selector(nil, builders.DoesNotExist(v1alpha1.ProfileLabel)).Obj()).
		Dependency(builders.MakeDependency("d").FromPeer("free").ToTier("api").Port(80).Obj()).Obj())
	places := mesh.NewPlaces([]*plan.Plan{p}, mesh.DefaultRoot)
	places.Put("leaving", plan.TierOf{}, map[string]string{v1alpha1.ProfileLabel: "shop", v1alpha1.TierLabel: "web"})
	places.Put("joining", plan.TierOf{Profile: "shop", Tier: "web"}, nil)
	want := map[string][]string{"free": {"leaving"}}
	if diff := cmp.Diff(want, places.Facts("shop").Chosen); diff != "" {
		t.Errorf("chosen (-want +got):\n%s", diff)
	}
}
