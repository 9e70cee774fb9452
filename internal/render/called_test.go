package render_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// resolvedPlan is what a profile becomes where the cluster says this.
func resolvedPlan(t *testing.T, profile *v1alpha1.SegmentationProfile, facts *plan.Facts) *plan.Plan {
	t.Helper()
	p, errs := plan.Compile(profile)
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	return p.Resolve(facts).Plan
}

// frontOf is a Service of the pods of an app on a target port.
func frontOf(app, address string, target intstr.IntOrString) plan.Service {
	return plan.ServiceOf(&corev1.Service{Spec: corev1.ServiceSpec{
		Selector: map[string]string{"app": app}, ClusterIPs: []string{address},
		Ports: []corev1.ServicePort{{Name: "web", Port: 80, TargetPort: target}},
	}})
}

// toFront has the pods a of the tier web call the Service front in the tier api.
func toFront() *builders.ProfileBuilder {
	return shop().NoDNS().Dependency(
		builders.MakeDependency("d").FromTier("web").FromPods(map[string]string{"app": "a"}).ToService("api", "front").Port(80).Obj())
}

func specOf(t *testing.T, text string) networkingv1.NetworkPolicySpec {
	t.Helper()
	var out networkingv1.NetworkPolicySpec
	if err := yaml.UnmarshalStrict([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// A Service in several forms, and its addresses, are several rules, and one policy of the pods that call.
func TestTheRulesOfADependencyAreOnePolicy(t *testing.T) {
	t.Parallel()
	called := plan.Called{Profile: "shop", Tier: "api", Service: "front"}
	p := resolvedPlan(t, toFront().Obj(), &plan.Facts{
		GoByServiceAddresses: true,
		Called: map[plan.Called][]plan.Variant{called: {
			{Service: frontOf("f", "10.96.0.7", intstr.FromInt32(8080)), Namespaces: []string{"x"}},
			{Service: frontOf("g", "10.96.0.8", intstr.FromString("http")), Namespaces: []string{"y"}},
		}},
	})
	objects := render.Tier(p, p.Tier("web"))
	if len(objects.Policies) != 2 || objects.Policies[1].Name != "segmentation-d-egress" {
		t.Fatalf("got %d policies, want that of all pods and that of the dependency", len(objects.Policies))
	}
	const api = "{segmentation.dev/profile: shop, segmentation.dev/tier: api}"
	want := specOf(t, `{podSelector: {matchLabels: {app: a}}, policyTypes: [Egress], egress: [
		{to: [{ipBlock: {cidr: 10.96.0.7/32}}], ports: [{protocol: TCP, port: 80}]},
		{to: [{ipBlock: {cidr: 10.96.0.8/32}}], ports: [{protocol: TCP, port: 80}]},
		{to: [{namespaceSelector: {matchLabels: `+api+`}, podSelector: {matchLabels: {app: f}}}], ports: [{protocol: TCP, port: 8080}]},
		{to: [{namespaceSelector: {matchLabels: `+api+`}, podSelector: {matchLabels: {app: g}}}], ports: [{protocol: TCP, port: http}]}]}`)
	if diff := cmp.Diff(want, objects.Policies[1].Spec); diff != "" {
		t.Errorf("the policy of the pods that call (-want +got):\n%s", diff)
	}
}

// Each namespace that is called puts in its own Service.
func TestTheSideThatIsCalledByAService(t *testing.T) {
	t.Parallel()
	p := resolvedPlan(t, toFront().Obj(), &plan.Facts{})
	closed := specOf(t, `{podSelector: {}, policyTypes: [Ingress, Egress]}`)
	without := render.Tier(p, p.Tier("api"))
	if len(without.Policies) != 1 || !cmp.Equal(closed, without.Policies[0].Spec) {
		t.Errorf("without a Service it is not closed: %+v", without.Policies)
	}
	with := render.Tier(p, p.Tier("api").With(map[string]plan.Service{"front": frontOf("f", "10.96.0.7", intstr.FromInt32(8080))}))
	want := specOf(t, `{podSelector: {matchLabels: {app: f}}, policyTypes: [Ingress], ingress: [{
		from: [{namespaceSelector: {matchLabels: {segmentation.dev/profile: shop, segmentation.dev/tier: web}}, podSelector: {matchLabels: {app: a}}}],
		ports: [{protocol: TCP, port: 8080}]}]}`)
	if len(with.Policies) != 2 || with.Policies[1].Name != "segmentation-d-ingress" {
		t.Fatalf("got %d policies, want that of all pods and that of the Service's", len(with.Policies))
	}
	if diff := cmp.Diff(want, with.Policies[1].Spec); diff != "" {
		t.Errorf("the policy of the Service's pods (-want +got):\n%s", diff)
	}
	if !cmp.Equal(closed, with.Policies[0].Spec) {
		t.Errorf("the policy of all pods opens something: %+v", with.Policies[0].Spec)
	}
}

func TestDNSAddressesAreOpenedOnPort53(t *testing.T) {
	t.Parallel()
	profile := builders.MakeProfile("p").DNS(v1alpha1.DNS{NodeLocal: []v1alpha1.IPAddress{"169.254.20.10"}}).
		Tier(builders.MakeTier("t").Names("t").InternalTraffic(v1alpha1.InternalTrafficDeny).Obj()).Obj()
	dns := plan.ServiceOf(&corev1.Service{Spec: corev1.ServiceSpec{
		Selector: map[string]string{"dns": "default"}, ClusterIPs: []string{"10.96.0.10"},
		Ports: []corev1.ServicePort{{Port: 53, Protocol: corev1.ProtocolUDP, TargetPort: intstr.FromString("dns")}},
	}})
	known := map[types.NamespacedName]plan.Service{{Namespace: "kube-system", Name: "kube-dns"}: dns}
	const (
		both  = "ports: [{protocol: TCP, port: 53}, {protocol: UDP, port: 53}]"
		local = "{ipBlock: {cidr: 169.254.20.10/32}}"
		pods  = `{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {dns: default}}}],
			ports: [{protocol: UDP, port: dns}]}`
	)
	tests := map[string]struct {
		facts plan.Facts
		want  string
	}{
		"the pods, and a cache on the nodes": {plan.Facts{DNS: known}, `{to: [` + local + `], ` + both + `}, ` + pods},
		"the Service itself, where the network plugin goes by its addresses": {
			plan.Facts{DNS: known, GoByServiceAddresses: true},
			`{to: [{ipBlock: {cidr: 10.96.0.10/32}}, ` + local + `], ` + both + `}, ` + pods,
		},
		"the cache alone, as long as there is no Service": {plan.Facts{}, `{to: [` + local + `], ` + both + `}`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := resolvedPlan(t, profile, &tc.facts)
			want := specOf(t, `{podSelector: {}, policyTypes: [Ingress, Egress], egress: [`+tc.want+`]}`)
			if diff := cmp.Diff(want, render.Tier(p, p.Tier("t")).Policies[0].Spec); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
		})
	}
}

// Nobody is known to be the API server: that must not become everybody.
func TestTheAPIServerThatIsNotKnownOpensNothing(t *testing.T) {
	t.Parallel()
	profile := shop().NoDNS().Peer(builders.MakePeer("k8s").APIServer().Obj()).Dependency(
		builders.MakeDependency("a").FromTier("web").ToPeer("k8s").Obj(), builders.MakeDependency("b").FromPeer("k8s").ToTier("web").Obj(),
		builders.MakeDependency("c").FromTier("web").FromPods(map[string]string{"app": "a"}).ToPeer("k8s").Obj())
	policies := mustRender(t, profile.Obj())["web"].Policies
	if len(policies) != 1 || len(policies[0].Spec.Egress)+len(policies[0].Spec.Ingress) > 0 {
		t.Errorf("something is open: %+v", policies)
	}
}

func TestAllSidesOfAllTiers(t *testing.T) {
	t.Parallel()
	// The order of the tiers does not matter.
	profile := builders.MakeProfile("shop").NoDNS().
		Tier(builders.MakeTier("web").Names("w").InternalTraffic(v1alpha1.InternalTrafficDeny).Obj(),
			builders.MakeTier("api").Names("a").InternalTraffic(v1alpha1.InternalTrafficDeny).Obj()).
		Dependency(builders.MakeDependency("d").FromTier("web").ToAllTiers().ToPods(map[string]string{"app": "a"}).Obj(),
			builders.MakeDependency("e").FromAllTiers().ToTier("api").Port(80).Obj())
	const (
		web = "namespaceSelector: {matchLabels: {segmentation.dev/profile: shop, segmentation.dev/tier: web}}"
		api = "namespaceSelector: {matchLabels: {segmentation.dev/profile: shop, segmentation.dev/tier: api}}"
		a   = "podSelector: {matchLabels: {app: a}}"
	)
	want := map[string][]networkingv1.NetworkPolicySpec{
		"web": {
			specOf(t, `{podSelector: {}, policyTypes: [Ingress, Egress], egress: [
				{to: [{`+api+`, `+a+`}, {`+a+`}, {`+web+`, `+a+`}]}, {to: [{`+api+`}], ports: [{protocol: TCP, port: 80}]}]}`),
			specOf(t, `{`+a+`, policyTypes: [Ingress], ingress: [{from: [{podSelector: {}}, {`+web+`}]}]}`),
		},
		"api": {
			specOf(t, `{podSelector: {}, policyTypes: [Ingress, Egress],
				egress: [{to: [{podSelector: {}}, {`+api+`}], ports: [{protocol: TCP, port: 80}]}],
				ingress: [{from: [{podSelector: {}}, {`+api+`}, {`+web+`}], ports: [{protocol: TCP, port: 80}]}]}`),
			specOf(t, `{`+a+`, policyTypes: [Ingress], ingress: [{from: [{`+web+`}]}]}`),
		},
	}
	got := map[string][]networkingv1.NetworkPolicySpec{}
	for tier, objects := range mustRender(t, profile.Obj()) {
		for _, policy := range objects.Policies {
			got[tier] = append(got[tier], policy.Spec)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
}

func TestAServicesPodsMayNotBeNarrowedToEverybody(t *testing.T) {
	t.Parallel()
	p := resolvedPlan(t, toFront().Obj(), &plan.Facts{Called: map[plan.Called][]plan.Variant{
		{Profile: "shop", Tier: "api", Service: "front"}: {{
			Service:    plan.Service{Problem: plan.NoSelector, Addresses: []netip.Addr{netip.MustParseAddr("10.96.0.7")}},
			Namespaces: []string{"x"},
		}},
	}})
	for _, tier := range []*plan.Tier{p.Tier("web"), p.Tier("api").With(map[string]plan.Service{"front": {Problem: plan.NoSelector}})} {
		if policies := render.Tier(p, tier).Policies; len(policies) != 1 {
			t.Errorf("tier %s: a Service without selector has the policies %+v", tier.Name, policies[1:])
		}
	}
}
