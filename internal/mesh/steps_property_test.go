package mesh_test

import (
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
)

// The promise of transitions, for what one namespace allows: after every write, and if the writes begin anew after any of
// them, what passes contains all that passes before and after, and is within what passes before or after.
func TestEveryStepIsBetweenBeforeAndAfter(t *testing.T) {
	t.Parallel()
	var steps, between atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		before, after := drawState(t, "before"), drawState(t, "after")
		others := drawOthers(t)
		isGuarded := slices.ContainsFunc(others, func(p *mesh.AuthorizationPolicy) bool { return p.Guards("default") })
		from, to := passing(before, others), passing(after, others)
		check := func(at state, what string) {
			now := passing(at, others)
			for i := range now {
				if from[i] && to[i] && !now[i] || now[i] && !from[i] && !to[i] {
					t.Fatalf("%s: %s passes before: %v, now: %v, after: %v", what, connections()[i].text(), from[i], now[i], to[i])
				}
			}
			steps.Add(1)
			if !slices.Equal(now, from) && !slices.Equal(now, to) {
				between.Add(1)
			}
		}
		at := maps.Clone(before)
		for i, step := range mesh.Steps(at.objects(), after.objects(), isGuarded) {
			at.apply(t, step)
			check(at, "after write "+string(rune('a'+i)))
			again := maps.Clone(at)
			for _, step := range mesh.Steps(again.objects(), after.objects(), isGuarded) {
				again.apply(t, step)
				check(again, "begun anew after write "+string(rune('a'+i)))
			}
			again.mustBe(t, after)
		}
		at.mustBe(t, after)
	})
	t.Logf("states judged: %d, of which neither that of before nor that of after: %d", steps.Load(), between.Load())
}

// state is what is in the namespace, by kind and name.
type state map[string]mesh.Object

func (s state) objects() mesh.Objects {
	var out mesh.Objects
	for _, key := range slices.Sorted(maps.Keys(s)) {
		switch object := s[key].(type) {
		case *mesh.AuthorizationPolicy:
			out.Policies = append(out.Policies, object)
		case *mesh.PeerAuthentication:
			out.Authentications = append(out.Authentications, object)
		}
	}
	return out
}

func stateOf(objects mesh.Objects) state {
	out := state{}
	for _, p := range objects.Policies {
		out["policy "+p.Name] = p
	}
	for _, a := range objects.Authentications {
		out["authentication "+a.Name] = a
	}
	return out
}

func keyOf(object mesh.Object) string {
	if _, is := object.(*mesh.AuthorizationPolicy); is {
		return "policy " + object.GetName()
	}
	return "authentication " + object.GetName()
}

// apply makes a write as the API server would: what is created must not be there, and what is changed or deleted must be.
func (s state) apply(t *rapid.T, step mesh.Step) {
	if step.Desired == nil {
		if s[keyOf(step.Current)] == nil {
			t.Fatalf("%s is deleted and is not there", keyOf(step.Current))
		}
		delete(s, keyOf(step.Current))
		return
	}
	s[keyOf(step.Desired)] = step.Desired
}

func (s state) mustBe(t *rapid.T, want state) {
	if !slices.Equal(slices.Sorted(maps.Keys(s)), slices.Sorted(maps.Keys(want))) {
		t.Fatalf("in the end there are %v, want %v", slices.Sorted(maps.Keys(s)), slices.Sorted(maps.Keys(want)))
	}
	for key := range want {
		if s[key] != want[key] {
			t.Fatalf("in the end %s is not what is desired", key)
		}
	}
}

const here = "here"

// drawState draws what a namespace has: nothing, or what it is in some tier of a profile, with some namespaces due in tiers.
func drawState(t *rapid.T, label string) state {
	if rapid.IntRange(0, 4).Draw(t, label+" nothing") == 0 {
		return state{}
	}
	p := mustCompile(t, plantest.Meshed().Draw(t, label))
	tier := &p.Tiers[rapid.IntRange(0, len(p.Tiers)-1).Draw(t, label+" tier")]
	members := map[plan.TierOf][]string{}
	for i := range p.Tiers {
		drawn := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.ID).Draw(t, label+" members")
		slices.Sort(drawn)
		members[plan.TierOf{Profile: p.Profile, Tier: p.Tiers[i].Name}] = drawn
	}
	chosen := map[string][]string{}
	for _, peer := range p.Peers() {
		chosen[peer.Name] = []string{"outside"}
	}
	facts := mesh.Facts{Members: func(of plan.TierOf) []string { return members[of] }, Chosen: chosen}
	return stateOf(mesh.Render(p, tier, here, &facts).Objects)
}

// drawOthers draws what somebody else has in the namespace or in the root namespace: nothing, or a policy about all workloads,
// which may let in nobody and may be only logged.
func drawOthers(t *rapid.T) []*mesh.AuthorizationPolicy {
	if rapid.IntRange(0, 2).Draw(t, "others") > 0 {
		return nil
	}
	foreign := &mesh.AuthorizationPolicy{}
	if rapid.Bool().Draw(t, "others let in") {
		foreign.Spec.Rules = []mesh.Rule{{From: []mesh.From{{Source: mesh.Source{Namespaces: []string{"outside"}}}}}}
	}
	if rapid.IntRange(0, 3).Draw(t, "others are logged") == 0 {
		foreign.Annotations = map[string]string{"istio.io/dry-run": "true"}
	}
	foreign.Namespace, foreign.Name = rapid.SampledFrom([]string{here, mesh.DefaultRoot}).Draw(t, "others are in"), "foreign"
	return []*mesh.AuthorizationPolicy{foreign}
}

type connection struct {
	from mesh.Caller
	to   mesh.Called
}

func (c connection) text() string {
	return c.from.Namespace + "/" + c.from.ServiceAccount + " " + c.from.IP.String() + " to a workload that is " + c.to.Labels["app"]
}

// connections are from everybody who is told from others to every workload and port that is.
func connections() []connection {
	callers := make([]mesh.Caller, 0, 38)
	for _, namespace := range []string{here, "a", "b", "c", "outside", "ops", "nobody"} {
		for _, account := range []string{"default", "robot"} {
			for _, domain := range []string{"cluster.local", "mesh.example.com"} {
				callers = append(callers, mesh.Caller{
					Namespace: namespace, ServiceAccount: account, TrustDomain: domain, IP: netip.MustParseAddr("172.16.0.1"),
				})
			}
		}
	}
	for _, ip := range []string{"198.51.100.9", "198.51.100.200", "10.0.0.1", "203.0.113.1", "2001:db8::1"} {
		callers = append(callers, mesh.Caller{IP: netip.MustParseAddr(ip)},
			mesh.Caller{Namespace: "nobody", ServiceAccount: "default", TrustDomain: "cluster.local", IP: netip.MustParseAddr(ip)})
	}
	out := make([]connection, 0, 16*len(callers))
	for _, from := range callers {
		for _, labels := range []map[string]string{nil, {"app": "a"}, {"app": "b", "role": "db"}, {"app": "c", "example.com/App_1.x": ""}} {
			for _, port := range []int32{1, 80, 85, 443} {
				out = append(out, connection{from, mesh.Called{Namespace: here, Labels: labels, Port: port}})
			}
		}
	}
	return out
}

func passing(s state, others []*mesh.AuthorizationPolicy) []bool {
	objects := s.objects()
	judge := mesh.New(mesh.DefaultRoot, append(objects.Policies, others...), objects.Authentications)
	all := connections()
	out := make([]bool, 0, len(all))
	for _, c := range all {
		out = append(out, judge.Judge(c.from, c.to).Allowed)
	}
	return out
}
