package services_test

import (
	"maps"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/services"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// naive is the other opinion: it remembers what every namespace has, and makes everything from it anew.
type naive map[string]map[plan.Called]plan.Service

func (n naive) variants(byAddress bool) map[plan.Called][]plan.Variant {
	out := map[plan.Called][]plan.Variant{}
	for _, namespace := range slices.Sorted(maps.Keys(n)) {
		for called, service := range n[namespace] {
			out[called] = insert(out[called], service, namespace, byAddress)
		}
	}
	for _, variants := range out {
		slices.SortFunc(variants, func(a, b plan.Variant) int {
			if a.Key() < b.Key() {
				return -1
			}
			return 1
		})
	}
	return out
}

func insert(into []plan.Variant, service plan.Service, namespace string, byAddress bool) []plan.Variant {
	i := slices.IndexFunc(into, func(v plan.Variant) bool { return v.Key() == service.Key() })
	if i < 0 {
		v := plan.Variant{Service: service}
		v.Addresses = nil
		i, into = len(into), append(into, v)
	}
	into[i].Namespaces = append(into[i].Namespaces, namespace)
	if byAddress {
		into[i].Addresses = slices.Concat(into[i].Addresses, service.Addresses)
		slices.SortFunc(into[i].Addresses, netip.Addr.Compare)
		into[i].Addresses = slices.Compact(into[i].Addresses)
	}
	return into
}

// seen is what a profile that calls all of these Services sees of them.
func seen(p *plan.Plan, facts *plan.Facts) plan.Resolved {
	got := p.Resolve(facts)
	for i := range got.Plan.Tiers {
		got.Plan.Tiers[i].Claim.Selector = nil
	}
	return got
}

func callsAll(t *rapid.T) *plan.Plan {
	p, errs := plan.Compile(builders.MakeProfile("shop").NoDNS().
		Tier(builders.MakeTier("web").Names("w").Obj(), builders.MakeTier("api").Names("a").Obj()).
		Peer(builders.MakePeer("ops").Selector(nil).Service("gateway").Obj()).
		Dependency(
			builders.MakeDependency("a").FromTier("web").ToService("api", "front").Obj(),
			builders.MakeDependency("b").FromTier("web").ToService("api", "front").Port(80).Obj(),
			builders.MakeDependency("c").FromTier("web").ToPeer("ops").Port(81).Obj(),
			builders.MakeDependency("d").FromPeer("ops").ToService("api", "back").Obj(),
		).Obj())
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	return p
}

func drawForm() *rapid.Generator[plan.Service] {
	other := form("a", "10.96.0.3")
	other.Ports[0].Port = 81
	return rapid.SampledFrom([]plan.Service{
		form("a", "10.96.0.1"), form("a", "10.96.0.2"), form("b", "10.96.0.2"), form("b", "None"), other,
		{Problem: plan.NoSelector},
		{Problem: plan.ExternalName},
	})
}

// drawServices draws what a namespace has: none, most often the usual, or whatever.
func drawServices(t *rapid.T) map[plan.Called]plan.Service {
	switch rapid.IntRange(0, 3).Draw(t, "has") {
	case 0:
		return nil
	case 1:
		return map[plan.Called]plan.Service{front: form("a", "10.96.0.1")}
	default:
		called := rapid.SampledFrom([]plan.Called{front, gateway, {Profile: "shop", Tier: "api", Service: "back"}})
		return rapid.MapOfN(called, drawForm(), 1, 3).Draw(t, "services")
	}
}

// Whatever a plan sees or finds is told of, and thousands of namespaces that change nothing are not.
func TestARegistryKnowsWhatMatters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		byAddress := rapid.Bool().Draw(t, "by address")
		p, r, model := callsAll(t), services.NewRegistry(byAddress), naive{}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			namespace, has := rapid.SampledFrom([]string{"m", "n", "o", "p"}).Draw(t, "namespace"), drawServices(t)
			before := model.variants(byAddress)
			same := equalForms(model[namespace], has, byAddress)
			model[namespace] = has
			after := model.variants(byAddress)
			matters := r.Put(namespace, maps.Clone(has))
			if diff := cmp.Diff(after, r.Variants(), byText); diff != "" {
				t.Fatalf("variants (-made anew +kept):\n%s", diff)
			}
			facts := func(called map[plan.Called][]plan.Variant) *plan.Facts {
				return &plan.Facts{Called: called, GoByServiceAddresses: byAddress}
			}
			diff := cmp.Diff(seen(p, facts(before)), seen(p, facts(after)))
			switch {
			case diff != "" && !matters:
				t.Fatalf("it does not matter that %s has %v, and what is seen differs (-before +after):\n%s", namespace, has, diff)
			case matters && same:
				t.Fatalf("it matters that %s has what it had: %v", namespace, has)
			case matters && !byAddress && onlyMoves(before, after):
				t.Fatalf("it matters that %s has %v, which nobody can tell", namespace, has)
			}
		}
	})
}

func equalForms(a, b map[plan.Called]plan.Service, byAddress bool) bool {
	return maps.EqualFunc(a, b, func(x, y plan.Service) bool {
		return x.Key() == y.Key() && (!byAddress || slices.Equal(x.Addresses, y.Addresses))
	})
}

// onlyMoves tells whether the same forms are there before and after, and those that differ in their namespaces are
// usable ones of Services in tiers.
func onlyMoves(before, after map[plan.Called][]plan.Variant) bool {
	if len(before) != len(after) {
		return false
	}
	for called, variants := range after {
		if len(before[called]) != len(variants) {
			return false
		}
		for i := range variants {
			was, now := &before[called][i], &variants[i]
			mayMove := called.Tier != "" && now.Problem == ""
			if was.Key() != now.Key() || !mayMove && !slices.Equal(was.Namespaces, now.Namespaces) {
				return false
			}
		}
	}
	return true
}
