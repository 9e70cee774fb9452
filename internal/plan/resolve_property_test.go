package plan_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// drawDependent draws a profile whose plan depends on what a cluster says.
func drawDependent(t *rapid.T) *plan.Plan {
	profile := shop().Peer(
		builders.MakePeer("k8s").APIServer().Obj(), builders.MakePeer("world").Internet("").Obj(),
		builders.MakePeer("gateway").Names("ops").Service("gateway").Obj(), builders.MakePeer("ops").Selector(nil).Obj(),
		builders.MakePeer("range").CIDR("10.0.0.0/8").Obj())
	profile.DNS(rapid.SampledFrom([]v1alpha1.DNS{
		{}, {Mode: v1alpha1.DNSModeNone}, {Namespace: "dns", Pods: builders.LabelSelector(nil)}, {NodeLocal: []v1alpha1.IPAddress{"10.96.0.10"}},
	}).Draw(t, "dns"))
	own := []v1alpha1.Endpoint{{Tier: "web"}, {Tier: "api"}, {AllTiers: true}, {Tier: "web", Pods: builders.LabelSelector(map[string]string{"app": "a"})}}
	far := []v1alpha1.Endpoint{
		{Peer: "k8s"}, {Peer: "world"}, {Peer: "gateway"}, {Peer: "ops"}, {Peer: "range"}, {Profile: "wiki", Tier: "pages"}, {Profile: "blog", Tier: "pages"},
	}
	called := []v1alpha1.Endpoint{{Tier: "api", Service: "front"}, {Tier: "web", Service: "front"}}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 1, 5, rapid.ID[string]).Draw(t, "dependencies") {
		d := v1alpha1.Dependency{Name: v1alpha1.Name(name), From: rapid.SampledFrom(own).Draw(t, "from"), To: rapid.SampledFrom(slices.Concat(own, called, far)).Draw(t, "to")}
		if rapid.Bool().Draw(t, "from afar") {
			d.From, d.To = rapid.SampledFrom(far).Draw(t, "from"), rapid.SampledFrom(slices.Concat(own, called)).Draw(t, "to")
		}
		if d.To.Peer != "k8s" && rapid.Bool().Draw(t, "ports") {
			d.Ports = builders.MakeDependency("").Port(80).UDPPort(53).PortRange(90, 99).Obj().Ports
		}
		profile.Dependency(d)
	}
	p, errs := plan.Compile(profile.Obj())
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	return p
}

// drawFacts draws what a cluster says.
func drawFacts(t *rapid.T) *plan.Facts {
	forms := []plan.Service{
		serviceAt("10.96.0.7", "a", 8080), serviceAt("10.96.0.8", "b", 8080), manyPorts(),
		{Problem: plan.NoSelector},
		{Problem: plan.ExternalName},
		{Pods: map[string]string{"app": "headless"}},
	}
	out := &plan.Facts{Called: map[plan.Called][]plan.Variant{}, Others: map[string]*plan.Plan{}, GoByServiceAddresses: rapid.Bool().Draw(t, "by address")}
	for _, called := range []plan.Called{
		{Profile: "shop", Tier: "web", Service: "front"}, {Profile: "shop", Tier: "api", Service: "front"}, {Profile: "shop", Peer: "gateway", Service: "gateway"},
	} {
		for i, form := range rapid.SliceOfN(rapid.SampledFrom(forms), 0, 4).Draw(t, "forms") {
			out.Called[called] = append(out.Called[called], in(form, string(rune('a'+i)), string(rune('p'+i))))
		}
	}
	if rapid.Bool().Draw(t, "API server") {
		out.APIServer, out.APIServerService = apiServers().APIServer, apiServers().APIServerService
	}
	if rapid.Bool().Draw(t, "DNS") {
		service := rapid.SampledFrom(forms).Draw(t, "DNS Service")
		service.Ports = append(slices.Clone(service.Ports), plan.ServicePort{Protocol: corev1.ProtocolUDP, Port: 53})
		out.DNS = map[types.NamespacedName]plan.Service{{Namespace: "kube-system", Name: "kube-dns"}: service}
	}
	out.Addresses = rapid.SampledFrom([]addresses.Cluster{
		{}, {Pods: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}, {Pods: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}},
	}).Draw(t, "addresses")
	agreed := wiki()
	for i, tier := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"web", "api"}), rapid.ID[string]).Draw(t, "wiki declares") {
		agreed.Dependency(
			builders.MakeDependency(string(rune('a'+i))).FromProfile("shop", tier).ToTier("pages").Obj(),
			builders.MakeDependency(string(rune('p'+i))).FromTier("pages").ToProfile("shop", tier).Port(8080).Obj())
	}
	if p, errs := plan.Compile(agreed.Obj()); len(errs) == 0 && rapid.Bool().Draw(t, "wiki") {
		out.Others["wiki"] = p
	}
	out.Forms = rapid.SampledFrom([]plan.Forms{{}, {List: true, Ingress: plan.NumberOrNothing, Egress: plan.NumberOrName}}).Draw(t, "forms")
	if rapid.Bool().Draw(t, "blog, which cannot be read") {
		out.Others["blog"] = nil
	}
	return out
}

// A rule without a party would be for everybody.
func TestEveryResolvedRuleSaysByItselfWhatItOpens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, facts := drawDependent(t), drawFacts(t)
		got := p.Resolve(facts).Plan
		front := rapid.SampledFrom([]map[string]plan.Service{
			nil, {"front": manyPorts()}, {"front": {Problem: plan.NoSelector}}, {"front": serviceAt("10.96.0.7", "a", 8080)},
		}).Draw(t, "Services of the namespace")
		for i := range got.Tiers {
			for _, rule := range got.Tiers[i].Rules {
				checkRule(t, &rule)
			}
			for _, rule := range got.Tiers[i].With(front).Rules {
				checkRule(t, &rule)
				if rule.Service != "" {
					t.Fatalf("%v is for a Service still", saying([]plan.Rule{rule}))
				}
			}
		}
	})
}

func checkRule(t *rapid.T, rule *plan.Rule) {
	r := &rule.Remote
	parties := 0
	for _, is := range []bool{r.Tier != "", r.AllTiers, r.Namespaces != nil, len(r.CIDRs) > 0} {
		if is {
			parties++
		}
	}
	if parties != 1 || r.Service != "" || r.APIServer || r.Internet != nil {
		t.Fatalf("%v is not from or to one party that is known: %+v", saying([]plan.Rule{*rule}), r)
	}
	if r.Namespaces != nil && r.Namespaces.Selector == nil && len(r.Namespaces.Names) == 0 {
		t.Fatalf("%v is about no namespaces", saying([]plan.Rule{*rule}))
	}
	if slices.ContainsFunc(rule.Ports, func(p networkingv1.NetworkPolicyPort) bool { return p.Protocol == nil }) {
		t.Fatalf("%v has a port without protocol", saying([]plan.Rule{*rule}))
	}
}

// Who resolves a plan twice, or one that is resolved, gets the same; and nothing of the facts is changed.
func TestResolvingHasNoMemory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, before, facts := drawDependent(t), drawFacts(t), drawFacts(t)
		declared, want := planJSON(t, p), p.Resolve(facts)
		first := p.Resolve(before)
		again := first.Plan.Resolve(facts)
		if diff := cmp.Diff(planJSON(t, want.Plan), planJSON(t, again.Plan)); diff != "" {
			t.Fatalf("plan (-from what is declared +from what was resolved):\n%s", diff)
		}
		if diff := cmp.Diff(want.Findings, again.Findings); diff != "" {
			t.Fatalf("findings (-from what is declared +from what was resolved):\n%s", diff)
		}
		if diff := cmp.Diff(planJSON(t, first.Plan), planJSON(t, p.Resolve(before).Plan)); diff != "" {
			t.Fatalf("for the same facts (-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(declared, planJSON(t, p)); diff != "" {
			t.Fatalf("what is declared (-before +after):\n%s", diff)
		}
	})
}

// What is missing is found, and what opens nothing is found: nobody has to wonder.
func TestADependencyThatOpensNothingIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, facts := drawDependent(t), drawFacts(t)
		got := p.Resolve(facts)
		for i := range got.Plan.Tiers {
			tier := &got.Plan.Tiers[i]
			for _, rule := range tier.Declared {
				opens := slices.ContainsFunc(tier.Rules, func(r plan.Rule) bool { return r.Dependency == rule.Dependency && r.Direction == rule.Direction })
				if !opens && len(got.Findings) == 0 && rule.Remote.Internet == nil {
					t.Fatalf("%v opens nothing, and nothing is found", saying([]plan.Rule{rule}))
				}
			}
		}
	})
}
