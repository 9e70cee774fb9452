package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// in is a form of a Service in some namespaces.
func in(service plan.Service, namespaces ...string) plan.Variant {
	return plan.Variant{Service: service, Namespaces: namespaces}
}

// calling has the Service front of the tier api in these forms.
func calling(variants ...plan.Variant) *plan.Facts {
	return &plan.Facts{Called: map[plan.Called][]plan.Variant{{Profile: "shop", Tier: "api", Service: "front"}: variants}}
}

func goingByAddress(facts *plan.Facts) *plan.Facts {
	facts.GoByServiceAddresses = true
	return facts
}

func TestAServiceOfATierIsCalledInAllItsForms(t *testing.T) {
	t.Parallel()
	a, b := serviceAt("10.96.0.7", "a", 8080), serviceAt("10.96.0.8", "b", 9090)
	other := manyPorts()
	other.Ports = other.Ports[1:2]
	nobody, host := plan.Service{Problem: plan.NoSelector}, plan.Service{Problem: plan.ExternalName}
	tests := map[string]struct {
		facts        *plan.Facts
		rules, found []string
	}{
		"in one form, in however many namespaces": {
			calling(in(a, "x", "y", "z")), []string{"out d tier api pods app=a TCP/8080"}, nil,
		},
		"in several": {
			calling(in(a, "x"), in(b, "y")), []string{"out d tier api pods app=a TCP/8080", "out d tier api pods app=b TCP/9090"}, nil,
		},
		"at its addresses, where the network plugin goes by them: on its own port": {
			goingByAddress(calling(in(a, "x"))), []string{"out d tier api pods app=a TCP/8080", "out d 10.96.0.7/32 TCP/80"}, nil,
		},
		"a headless Service has no address to go by": {
			goingByAddress(calling(in(plan.Service{Pods: a.Pods, Ports: a.Ports}, "x"))), []string{"out d tier api pods app=a TCP/8080"}, nil,
		},
		"nowhere": {
			&plan.Facts{}, nil, []string{"ServiceMissing: dependency d: no namespace of tier api has a Service front; it opens nothing"},
		},
		"without selector, in several namespaces": {
			calling(in(nobody, "x", "y", "z"), in(a, "w")), []string{"out d tier api pods app=a TCP/8080"}, []string{
				"ServiceUnusable x: dependency d: the Service front has no selector, and stands for no pods (here and in 2 more); it opens nothing",
			},
		},
		"as another name for a host": {
			calling(in(host, "x")), nil,
			[]string{"ServiceUnusable x: dependency d: the Service front is of type ExternalName, and stands for no pods; it opens nothing"},
		},
		"too large to be taken over": {
			calling(in(plan.Service{Problem: plan.TooLarge}, "x")), nil, []string{"ServiceUnusable x: dependency d: the Service front has " +
				"more than 128 ports, or selects by more than 16 labels; it opens nothing"},
		},
		"without the port, in one of its forms": {
			calling(in(a, "x"), in(other, "y")), []string{"out d tier api pods app=a TCP/8080"}, []string{
				"ServicePortMissing: dependency d: a Service front in tier api has the ports [90/TCP admin], and none of those that are given; " +
					"there it opens nothing",
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			profile := shop().Dependency(builders.MakeDependency("d").FromTier("web").ToService("api", "front").NamedPort("web").Obj())
			checkResolved(t, profile, "web", tc.facts, tc.rules, tc.found)
		})
	}
}

func TestPortsThatAreNotGivenAreAllOfTheService(t *testing.T) {
	t.Parallel()
	checkResolved(t, shop().Dependency(builders.MakeDependency("d").FromTier("web").ToService("api", "front").Obj()), "web",
		calling(in(manyPorts(), "x")), []string{"out d tier api pods app=a TCP/8080 TCP/8090 TCP/8443 UDP/8443"}, nil)
}

// Whoever calls, those that are called have to have it.
func TestAServiceOfTheNamespaceItselfIsLookedUpWhoeverCalls(t *testing.T) {
	t.Parallel()
	missing := []string{"ServiceMissing: dependency d: no namespace of tier api has a Service front; it opens nothing"}
	facts := apiServers()
	callers := map[string]struct {
		peer *builders.PeerBuilder
		rule []string
	}{
		"namespaces":   {builders.MakePeer("p").Names("n"), []string{"in d namespaces n TCP/80 of own Service front"}},
		"addresses":    {builders.MakePeer("p").CIDR("192.0.2.0/24"), []string{"in d 192.0.2.0/24 TCP/80 of own Service front"}},
		"the internet": {builders.MakePeer("p").Internet(""), []string{"in d 0.0.0.0/0 ::/0 TCP/80 of own Service front"}},
		"the API server": {builders.MakePeer("p").APIServer(), []string{
			"in d 192.0.2.1/32 192.0.2.2/32 TCP/80 of own Service front", "in d 2001:db8::1/128 TCP/80 of own Service front",
		}},
	}
	for name, tc := range callers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			profile := shop().Peer(tc.peer.Obj()).Dependency(builders.MakeDependency("d").FromPeer("p").ToService("api", "front").Port(80).Obj())
			checkResolved(t, profile, "api", facts, tc.rule, missing)
		})
	}
	t.Run("a tier, and it is found once", func(t *testing.T) {
		t.Parallel()
		profile := shop().Dependency(builders.MakeDependency("d").FromTier("web").ToService("api", "front").Obj())
		checkResolved(t, profile, "api", facts, []string{"in d tier web of own Service front"}, missing)
	})
}

func TestAServiceInTooManyForms(t *testing.T) {
	t.Parallel()
	variants := make([]plan.Variant, 0, plan.MaxVariants+1)
	want := make([]string, 0, plan.MaxVariants)
	for i := range plan.MaxVariants + 1 {
		variants = append(variants, in(serviceAt("10.96.0.7", fmt.Sprint("app-", i), 8080), fmt.Sprint("n-", i)))
		if i < plan.MaxVariants {
			want = append(want, fmt.Sprintf("out d tier api pods app=app-%d TCP/8080", i))
		}
	}
	profile := func() *builders.ProfileBuilder {
		return shop().Dependency(builders.MakeDependency("d").FromTier("web").ToService("api", "front").Obj())
	}
	checkResolved(t, profile(), "web", calling(variants[:plan.MaxVariants]...), want, nil)
	checkResolved(t, profile(), "web", calling(variants...), want, []string{
		"TooManyServices: dependency d: the Services front in the namespaces of tier api differ in 33 ways, and only 32 are opened; " +
			"give them the same selector and ports",
	})
}

// peerCalling has the Service gateway of the peer ops in these forms.
func peerCalling(variants ...plan.Variant) *plan.Facts {
	return &plan.Facts{Called: map[plan.Called][]plan.Variant{{Profile: "shop", Peer: "ops", Service: "gateway"}: variants}}
}

func TestAServiceOfAPeer(t *testing.T) {
	t.Parallel()
	a, b := serviceAt("10.96.0.7", "a", 8080), serviceAt("10.96.0.8", "b", 9090)
	ops := builders.MakePeer("ops").Selector(map[string]string{"team": "ops"}).Service("gateway").Obj()
	to := builders.MakeDependency("d").FromTier("web").ToPeer("ops")
	from := builders.MakeDependency("d").FromPeer("ops").ToTier("web").Port(443).Obj()
	fromPort80 := builders.MakeDependency("d").FromPeer("ops").ToTier("web").Port(80).Obj()
	host := plan.Service{Problem: plan.ExternalName}
	profile := func() *builders.ProfileBuilder { return shop().Peer(ops).Dependency(to.Obj()) }
	tests := map[string]struct {
		profile      *builders.ProfileBuilder
		facts        *plan.Facts
		rules, found []string
	}{
		"called in the namespaces that have it, by their names": {
			profile(), peerCalling(in(a, "x", "y"), in(b, "z")),
			[]string{"out d namespaces x,y pods app=a TCP/8080", "out d namespaces z pods app=b TCP/9090"},
			nil,
		},
		"calling, its ports do not matter": {
			shop().Peer(ops).Dependency(from), peerCalling(in(a, "x"), in(plan.Service{Pods: b.Pods}, "y")),
			[]string{"in d namespaces x pods app=a TCP/443", "in d namespaces y pods app=b TCP/443"},
			nil,
		},
		"calling, where the network plugin goes by addresses: nobody calls from a Service's": {
			shop().Peer(ops).Dependency(fromPort80), goingByAddress(peerCalling(in(a, "x"))), []string{"in d namespaces x pods app=a TCP/80"}, nil,
		},
		"called at its addresses": {
			profile(), goingByAddress(peerCalling(in(a, "x"))),
			[]string{"out d namespaces x pods app=a TCP/8080", "out d 10.96.0.7/32 TCP/80"},
			nil,
		},
		"missing": {profile(), peerCalling(), nil, []string{
			"ServiceMissing: dependency d: no namespace of peer ops has a Service gateway; it opens nothing",
		}},
		"unusable": {profile(), peerCalling(in(host, "x")), nil, []string{
			"ServiceUnusable x: dependency d: the Service gateway is of type ExternalName, and stands for no pods; it opens nothing",
		}},
		"without the port that is given": {
			shop().Peer(ops).Dependency(builders.MakeDependency("d").FromTier("web").ToPeer("ops").Port(81).Obj()), peerCalling(in(a, "x")), nil,
			[]string{"ServicePortMissing x: dependency d: a Service gateway in peer ops has the ports [80/TCP web], and none of those that are given; " +
				"there it opens nothing"},
		},
		"a Service that calls one": {
			shop().Peer(ops).Dependency(builders.MakeDependency("d").FromPeer("ops").ToService("web", "front").Port(80).Obj()),
			peerCalling(in(a, "x")),
			[]string{"in d namespaces x pods app=a TCP/80 of own Service front"},
			[]string{"ServiceMissing: dependency d: no namespace of tier web has a Service front; it opens nothing"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkResolved(t, tc.profile, "web", tc.facts, tc.rules, tc.found)
		})
	}
}

// Nothing of the operator's is in these namespaces, so each is named; and a list of names has to end.
func TestAServiceInTooManyNamespacesOfAPeer(t *testing.T) {
	t.Parallel()
	names := make([]string, 0, plan.MaxOutside)
	for i := range plan.MaxOutside {
		names = append(names, fmt.Sprintf("n-%03d", i))
	}
	a, b := serviceAt("10.96.0.7", "a", 8080), serviceAt("10.96.0.8", "b", 9090)
	ops := builders.MakePeer("ops").Selector(nil).Service("gateway").Obj()
	left := func(namespace string) string {
		return "TooManyServices " + namespace + ": dependency d: more than 256 namespaces of peer ops have a Service gateway; the others are left out"
	}
	tests := map[string]struct {
		variants []plan.Variant
		want     []int
		found    []string
	}{
		"as many as there may be":   {[]plan.Variant{in(a, names...)}, []int{256}, nil},
		"one more, in another form": {[]plan.Variant{in(a, names...), in(b, "x")}, []int{256}, []string{left("x")}},
		"a form of which a part is left out": {
			[]plan.Variant{in(a, names[:255]...), in(b, "x", "y", "z")}, []int{255, 1}, []string{left("y")},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := compiled(t, shop().NoDNS().Peer(ops).Dependency(builders.MakeDependency("d").FromTier("web").ToPeer("ops").Obj()))
			got := p.Resolve(peerCalling(tc.variants...))
			counts := make([]int, 0, 2)
			for _, rule := range got.Plan.Tier("web").Rules {
				counts = append(counts, len(rule.Remote.Namespaces.Names))
			}
			if !slices.Equal(counts, tc.want) || !slices.Equal(found(got.Findings), tc.found) {
				t.Errorf("rules with %v namespaces, and found %q; want %v and %q", counts, found(got.Findings), tc.want, tc.found)
			}
		})
	}
}

func TestAllTiersAreNamedAsOne(t *testing.T) {
	t.Parallel()
	profile := func() *builders.ProfileBuilder {
		return shop().Dependency(
			builders.MakeDependency("d").FromTier("web").ToAllTiers().ToPods(map[string]string{"app": "a"}).Port(80).Obj(),
			builders.MakeDependency("e").FromAllTiers().ToAllTiers().Obj())
	}
	checkResolved(t, profile(), "web", &plan.Facts{}, []string{
		"out d all tiers pods app=a TCP/80", "in d tier web TCP/80 of own pods app=a", "out e all tiers", "in e all tiers",
	}, nil)
	checkResolved(t, profile(), "api", &plan.Facts{}, []string{"in d tier web TCP/80 of own pods app=a", "out e all tiers", "in e all tiers"}, nil)
}

// TestTheUsualFormOfAServiceIsNotCrowdedOut by namespaces that have forms of their own.
func TestTheUsualFormOfAServiceIsNotCrowdedOut(t *testing.T) {
	t.Parallel()
	variants := make([]plan.Variant, 0, plan.MaxVariants+1)
	for i := range plan.MaxVariants {
		variants = append(variants, in(serviceAt("10.96.0.7", fmt.Sprintf("own-%02d", i), 8080), fmt.Sprintf("n-%02d", i)))
	}
	variants = append(variants, in(serviceAt("10.96.0.7", "usual", 8080), "x", "y"))
	profile := builders.MakeProfile("shop").
		Tier(builders.MakeTier("web").Names("web").Obj(), builders.MakeTier("api").Names("api").Obj()).
		Dependency(builders.MakeDependency("d").FromTier("web").ToService("api", "front").Obj()).Obj()
	compiled, errs := plan.Compile(profile)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	facts := calling(variants...)
	facts.DNS = plan.Usual().DNS
	rules := compiled.Resolve(facts).Plan.Tier("web").Rules
	isOpen := slices.ContainsFunc(rules, func(r plan.Rule) bool { return r.Remote.Pods.MatchLabels["app"] == "usual" })
	if !isOpen || len(rules) != plan.MaxVariants {
		t.Errorf("%d forms are opened, and the usual one is: %v", len(rules), isOpen)
	}
}
