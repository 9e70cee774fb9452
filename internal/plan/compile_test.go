package plan_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/sets"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// compiled compiles a profile that has no mistakes.
func compiled(t *testing.T, b *builders.ProfileBuilder) *plan.Plan {
	t.Helper()
	p, errs := plan.Compile(b.Obj())
	if len(errs) > 0 {
		t.Fatalf("the profile does not compile: %v", errs.ToAggregate())
	}
	return p
}

// on is one port, for protocols.
func on(number int32, protocols ...corev1.Protocol) []networkingv1.NetworkPolicyPort {
	out := make([]networkingv1.NetworkPolicyPort, 0, len(protocols))
	for _, protocol := range protocols {
		out = append(out, networkingv1.NetworkPolicyPort{Protocol: new(protocol), Port: new(intstr.FromInt32(number))})
	}
	return out
}

// shop is a profile of two tiers, web and api, to which tests add what they are about.
func shop() *builders.ProfileBuilder {
	return builders.MakeProfile("shop").
		Tier(builders.MakeTier("web").Selector(map[string]string{"layer": "web"}).Obj()).
		Tier(builders.MakeTier("api").Names("shop-api").Obj())
}

func TestAPlanSaysWhoseItIs(t *testing.T) {
	t.Parallel()
	p := compiled(t, shop().UID("0a1b").Generation(7))
	got := plan.Plan{Profile: p.Profile, UID: p.UID, Generation: p.Generation}
	if diff := cmp.Diff(plan.Plan{Profile: "shop", UID: "0a1b", Generation: 7}, got); diff != "" {
		t.Errorf("profile, UID and generation (-want +got):\n%s", diff)
	}
}

func TestDNS(t *testing.T) {
	t.Parallel()
	usual := metav1.LabelSelector{MatchLabels: map[string]string{"k8s-app": "kube-dns"}}
	tests := map[string]struct {
		declared v1alpha1.DNS
		want     *plan.DNS
	}{
		"left out, it is the cluster's DNS in its usual place": {
			want: &plan.DNS{Namespace: "kube-system", Service: "kube-dns", Pods: usual, Ports: plan.DNSPorts()},
		},
		"turned off, whatever else is said": {
			declared: v1alpha1.DNS{Mode: v1alpha1.DNSModeNone, Namespace: "dns", Port: 5353},
		},
		"somewhere else": {
			declared: v1alpha1.DNS{
				Mode: v1alpha1.DNSModeClusterDNS, Namespace: "openshift-dns", Port: 5353,
				Pods: builders.LabelSelector(map[string]string{"dns": "default"}),
			},
			want: &plan.DNS{
				Namespace: "openshift-dns", Ports: on(5353, corev1.ProtocolTCP, corev1.ProtocolUDP),
				Pods: metav1.LabelSelector{MatchLabels: map[string]string{"dns": "default"}},
			},
		},
		"an empty selector is every pod of the namespace, and not the default": {
			declared: v1alpha1.DNS{Pods: builders.LabelSelector(nil)},
			want:     &plan.DNS{Namespace: "kube-system", Ports: plan.DNSPorts()},
		},
		"a Service that is not known opens nothing, but what is given beside it": {
			declared: v1alpha1.DNS{Namespace: "openshift-dns", Service: "dns-default", NodeLocal: []v1alpha1.IPAddress{"fd00::10", "169.254.20.10"}},
			want: &plan.DNS{
				Namespace: "openshift-dns", Service: "dns-default",
				NodeLocal: []networkingv1.IPBlock{{CIDR: "169.254.20.10/32"}, {CIDR: "fd00::10/128"}},
				Addresses: []networkingv1.IPBlock{{CIDR: "169.254.20.10/32"}, {CIDR: "fd00::10/128"}},
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, compiled(t, shop().DNS(tc.declared)).DNS); diff != "" {
				t.Errorf("DNS (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClaimTiers(t *testing.T) {
	t.Parallel()
	p := compiled(t, shop().
		Tier(builders.MakeTier("all").Selector(nil).Obj()).
		Tier(builders.MakeTier("old").Selector(nil, builders.NotIn("stage", "b", "a"), builders.Exists("tenant")).Obj()))
	want := []claim.Tier{
		{Name: "web", Names: sets.New[string](), Selector: labels.SelectorFromSet(labels.Set{"layer": "web"})},
		{Name: "api", Names: sets.New("shop-api")},
		{Name: "all", Names: sets.New[string](), Selector: labels.Everything()},
		{Name: "old", Names: sets.New[string](), Selector: parsed(t, "stage notin (a,b),tenant")},
	}
	asText := cmp.Transformer("text", func(s labels.Selector) string {
		if s == nil {
			return "<nil>"
		}
		return s.String()
	})
	if diff := cmp.Diff(want, p.ClaimTiers(), asText); diff != "" {
		t.Errorf("what tiers select (-want +got):\n%s", diff)
	}
}

func parsed(t *testing.T, selector string) labels.Selector {
	t.Helper()
	out, err := labels.Parse(selector)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestInternalTrafficHasItsDefault(t *testing.T) {
	t.Parallel()
	p := compiled(t, shop().Tier(builders.MakeTier("data").Names("db").InternalTraffic(v1alpha1.InternalTrafficDeny).Obj()))
	got := map[string]v1alpha1.InternalTraffic{}
	for _, tier := range p.Tiers {
		got[tier.Name] = tier.InternalTraffic
	}
	want := map[string]v1alpha1.InternalTraffic{
		"web": v1alpha1.InternalTrafficSameNamespace, "api": v1alpha1.InternalTrafficSameNamespace, "data": v1alpha1.InternalTrafficDeny,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("internalTraffic (-want +got):\n%s", diff)
	}
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	const egress, ingress = networkingv1.PolicyTypeEgress, networkingv1.PolicyTypeIngress
	appA := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "a"}}
	port80 := networkingv1.NetworkPolicyPort{Protocol: new(corev1.ProtocolTCP), Port: new(intstr.FromInt32(80))}
	tests := map[string]struct {
		profile *builders.ProfileBuilder
		// web and api are the rules of the two tiers.
		web, api []plan.Rule
	}{
		"between tiers, each gets its side": {
			profile: shop().Dependency(builders.MakeDependency("web-api").FromTier("web").ToTier("api").Port(80).Obj()),
			web: []plan.Rule{{
				Dependency: "web-api", Direction: egress, Remote: plan.Party{Tier: "api"}, Ports: []networkingv1.NetworkPolicyPort{port80},
			}},
			api: []plan.Rule{{
				Dependency: "web-api", Direction: ingress, Remote: plan.Party{Tier: "web"}, Ports: []networkingv1.NetworkPolicyPort{port80},
			}},
		},
		"pods are the near side's own, and the far side's remote": {
			profile: shop().Dependency(builders.MakeDependency("d").
				FromTier("web").FromPods(map[string]string{"app": "a"}).ToTier("api").Obj()),
			web: []plan.Rule{{Dependency: "d", Direction: egress, Pods: appA, Remote: plan.Party{Tier: "api"}}},
			api: []plan.Rule{{Dependency: "d", Direction: ingress, Remote: plan.Party{Tier: "web", Pods: appA}}},
		},
		"an empty selector of pods is none": {
			profile: shop().Dependency(builders.MakeDependency("d").FromTier("web").FromPods(nil).ToTier("api").ToPods(nil).Obj()),
			web:     []plan.Rule{{Dependency: "d", Direction: egress, Remote: plan.Party{Tier: "api"}}},
			api:     []plan.Rule{{Dependency: "d", Direction: ingress, Remote: plan.Party{Tier: "web"}}},
		},
		"from a tier to itself, it gets both sides": {
			profile: shop().Dependency(builders.MakeDependency("d").FromTier("web").ToTier("web").ToPods(map[string]string{"app": "a"}).Obj()),
			web: []plan.Rule{
				{Dependency: "d", Direction: egress, Remote: plan.Party{Tier: "web", Pods: appA}},
				{Dependency: "d", Direction: ingress, Pods: appA, Remote: plan.Party{Tier: "web"}},
			},
		},
		"from namespaces outside": {
			profile: shop().
				Peer(builders.MakePeer("ops").Names("b", "a").Pods(map[string]string{"app": "a"}).Obj()).
				Dependency(builders.MakeDependency("d").FromPeer("ops").ToTier("api").Obj()),
			api: []plan.Rule{{Dependency: "d", Direction: ingress, Remote: plan.Party{
				Peer: "ops", Namespaces: &plan.NamespaceSet{Names: []string{"a", "b"}}, Pods: appA,
			}}},
		},
		"from all namespaces": {
			profile: shop().
				Peer(builders.MakePeer("all").Selector(nil).Pods(nil).Obj()).
				Dependency(builders.MakeDependency("d").FromPeer("all").ToTier("api").Obj()),
			api: []plan.Rule{{Dependency: "d", Direction: ingress, Remote: plan.Party{
				Peer: "all", Namespaces: &plan.NamespaceSet{Selector: &metav1.LabelSelector{}},
			}}},
		},
		"to addresses, in canonical form and order": {
			profile: shop().
				Peer(builders.MakePeer("world").
					CIDR("2001:0DB8::/32", "2001:db8:0:1::/64", "2001:DB8::/64", "2001:db8::/64").
					CIDR("198.51.100.0/24").CIDR("192.0.2.0/24").CIDR("198.51.100.0/24").Obj()).
				Dependency(builders.MakeDependency("d").FromTier("web").ToPeer("world").Obj()),
			web: []plan.Rule{{Dependency: "d", Direction: egress, Remote: plan.Party{Peer: "world", CIDRs: []networkingv1.IPBlock{
				{CIDR: "192.0.2.0/24"},
				{CIDR: "198.51.100.0/24"},
				{CIDR: "2001:db8::/32", Except: []string{"2001:db8:0:1::/64", "2001:db8::/64"}},
			}}}},
		},
		"ports have their protocol, and nothing of another kind of port": {
			profile: shop().Dependency(builders.MakeDependency("d").FromTier("web").ToTier("web").Ports(
				v1alpha1.Port{},
				v1alpha1.Port{Protocol: corev1.ProtocolSCTP, Port: &intstr.IntOrString{Type: intstr.Int, IntVal: 80, StrVal: "left over"}, EndPort: 90},
				v1alpha1.Port{Port: &intstr.IntOrString{Type: intstr.String, IntVal: 80, StrVal: "http"}},
			).FromPods(map[string]string{"app": "a"}).ToPods(map[string]string{"app": "a"}).Obj()),
			web: func() []plan.Rule {
				ports := []networkingv1.NetworkPolicyPort{
					{Protocol: new(corev1.ProtocolTCP)},
					{Protocol: new(corev1.ProtocolSCTP), Port: new(intstr.FromInt32(80)), EndPort: new(int32(90))},
					{Protocol: new(corev1.ProtocolTCP), Port: new(intstr.FromString("http"))},
				}
				remote := plan.Party{Tier: "web", Pods: appA}
				return []plan.Rule{
					{Dependency: "d", Direction: egress, Pods: appA, Remote: remote, Ports: ports},
					{Dependency: "d", Direction: ingress, Pods: appA, Remote: remote, Ports: ports},
				}
			}(),
		},
		"requirements are sorted, each once": {
			profile: shop().Dependency(builders.MakeDependency("d").FromTier("web").ToPeer("p").
				FromPods(nil, builders.In("b", "2", "1", "2"), builders.Exists("a"), builders.In("b", "1", "2"), builders.DoesNotExist("c")).Obj()).
				Peer(builders.MakePeer("p").Names("p").Obj()),
			web: []plan.Rule{{
				Dependency: "d", Direction: egress,
				Pods: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
					{Key: "a", Operator: metav1.LabelSelectorOpExists},
					{Key: "b", Operator: metav1.LabelSelectorOpIn, Values: []string{"1", "2"}},
					{Key: "c", Operator: metav1.LabelSelectorOpDoesNotExist},
				}},
				Remote: plan.Party{Peer: "p", Namespaces: &plan.NamespaceSet{Names: []string{"p"}}},
			}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := compiled(t, tc.profile)
			want := map[string][]plan.Rule{"web": tc.web, "api": tc.api}
			got := map[string][]plan.Rule{"web": p.Tier("web").Rules, "api": p.Tier("api").Rules}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
			// Nothing in them has to be looked up.
			declared := map[string][]plan.Rule{"web": p.Tier("web").Declared, "api": p.Tier("api").Declared}
			if diff := cmp.Diff(want, declared); diff != "" {
				t.Errorf("what is declared (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGrants(t *testing.T) {
	t.Parallel()
	jane, staff, robot := builders.User("jane"), builders.Group("staff"), builders.ServiceAccount("ops", "robot")
	p := compiled(t, builders.MakeProfile("shop").
		Role(builders.MakeRole("viewer").
			Rule("apps", []string{"statefulsets", "deployments"}, []string{"watch", "get", "get"}).
			Rules(v1alpha1.PolicyRule{
				APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"b", "a"}, Verbs: []string{"get"},
			}).
			Rule("apps", []string{"deployments", "statefulsets"}, []string{"get", "watch"}).Obj()).
		Tier(builders.MakeTier("web").Names("web").
			Access("viewer", staff, jane).
			ClusterRoleAccess("view", robot).
			ClusterRoleAccess("system:node", jane).
			Access("viewer", jane, robot).Obj()).
		Tier(builders.MakeTier("api").Names("api").Obj()))

	janeSubject := rbacv1.Subject{Kind: "User", APIGroup: "rbac.authorization.k8s.io", Name: "jane"}
	staffSubject := rbacv1.Subject{Kind: "Group", APIGroup: "rbac.authorization.k8s.io", Name: "staff"}
	robotSubject := rbacv1.Subject{Kind: "ServiceAccount", Name: "robot", Namespace: "ops"}
	want := []plan.Grant{
		{ClusterRole: "system:node", Subjects: []rbacv1.Subject{janeSubject}},
		{ClusterRole: "view", Subjects: []rbacv1.Subject{robotSubject}},
		{
			Role: "viewer",
			Rules: []rbacv1.PolicyRule{
				{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"a", "b"}, Verbs: []string{"get"}},
				{APIGroups: []string{"apps"}, Resources: []string{"deployments", "statefulsets"}, Verbs: []string{"get", "watch"}},
			},
			Subjects: []rbacv1.Subject{staffSubject, robotSubject, janeSubject},
		},
	}
	if diff := cmp.Diff(want, p.Tier("web").Grants); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
	if got := p.Tier("api").Grants; len(got) > 0 {
		t.Errorf("a tier without access has grants: %v", got)
	}
}

func TestGrantsOfDependencies(t *testing.T) {
	t.Parallel()
	jane := builders.User("jane")
	p := compiled(t, shop().
		Role(builders.MakeRole("viewer").Read("pods").Obj()).
		Tier(builders.MakeTier("data").Names("db").Access("viewer", jane).Obj()).
		Dependency(
			builders.MakeDependency("b").FromTier("web").ToTier("data").Access("viewer").ClusterRoleAccess("view").Obj(),
			builders.MakeDependency("a").FromTier("web").ToTier("data").Port(80).Access("viewer").Obj(),
			builders.MakeDependency("c").FromTier("data").ToTier("data").Access("viewer").Obj()))
	pods := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get", "list", "watch"}}}
	want := []plan.Grant{
		{ClusterRole: "view", Callers: []string{"web"}, Dependencies: []string{"b"}},
		{
			Role: "viewer", Rules: pods, Callers: []string{"data", "web"}, Dependencies: []string{"a", "b", "c"},
			Subjects: []rbacv1.Subject{{Kind: "User", APIGroup: "rbac.authorization.k8s.io", Name: "jane"}},
		},
	}
	if diff := cmp.Diff(want, p.Tier("data").Grants); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{"web": {"data"}, "data": {"data"}}, p.Called()); diff != "" {
		t.Errorf("who is called (-want +got):\n%s", diff)
	}
	for _, tier := range []string{"web", "data"} {
		for _, rule := range p.Tier(tier).Rules {
			if rule.Dependency != "a" {
				t.Errorf("dependency %s has no ports, but opens a path of %s", rule.Dependency, tier)
			}
		}
	}
}

func TestATierIsFoundByItsNameAlone(t *testing.T) {
	t.Parallel()
	p := compiled(t, shop())
	if got := p.Tier("api"); got == nil || got.Name != "api" {
		t.Errorf("got %v, want the tier api", got)
	}
	for _, name := range []string{"", "shop-api", "nobody"} {
		if got := p.Tier(name); got != nil {
			t.Errorf("%q: got tier %s, want none", name, got.Name)
		}
	}
}

func TestCompileLeavesTheProfileAsItIsAndKeepsNothingOfIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		before := asJSON(t, profile)
		p, errs := plan.Compile(profile)
		if len(errs) > 0 {
			t.Fatalf("it does not compile: %v", errs.ToAggregate())
		}
		if diff := cmp.Diff(before, asJSON(t, profile)); diff != "" {
			t.Fatalf("profile (-before +after):\n%s", diff)
		}
		compiled := planJSON(t, p)
		plantest.Overwrite(profile)
		if diff := cmp.Diff(compiled, planJSON(t, p)); diff != "" {
			t.Fatalf("plan (-before +after the profile was overwritten):\n%s", diff)
		}
	})
}

func asJSON(t *rapid.T, v any) string {
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// planJSON leaves out selectors, which are not made of fields.
func planJSON(t *rapid.T, p *plan.Plan) string {
	plain := *p
	plain.Tiers = nil
	for _, tier := range p.Tiers {
		tier.Claim.Selector = nil
		plain.Tiers = append(plain.Tiers, tier)
	}
	return asJSON(t, plain)
}
