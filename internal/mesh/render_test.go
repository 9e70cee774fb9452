package mesh_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// meshed is a profile with the tiers web and api, of which api takes nothing that is not declared.
func meshed() *builders.ProfileBuilder {
	return unmeshed().Istio(v1alpha1.Istio{})
}

func unmeshed() *builders.ProfileBuilder {
	return builders.MakeProfile("shop").UID("0a1b").
		Tier(builders.MakeTier("web").Names("web").Obj()).
		Tier(builders.MakeTier("api").Names("api").InternalTraffic(v1alpha1.InternalTrafficDeny).Obj())
}

// rules are the rules of the policies of the tier api in the namespace api, each as one line of YAML, after its policy.
func rules(t *testing.T, objects mesh.Objects) []string {
	t.Helper()
	out := []string{}
	for _, p := range objects.Policies {
		for _, r := range p.Spec.Rules {
			raw, err := yaml.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, p.Name+": "+strings.Join(strings.Fields(string(raw)), " "))
		}
	}
	return out
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	from := func(d *builders.DependencyBuilder) *builders.DependencyBuilder { return d.ToTier("api").Port(80) }
	cases := map[string]struct {
		profile *builders.ProfileBuilder
		facts   mesh.Facts
		want    []string
	}{
		"a tier of which no namespace is known": {
			profile: meshed().Dependency(from(builders.MakeDependency("d").FromTier("web")).Obj()),
			want:    []string{},
		},
		"a peer that chooses no namespace": {
			profile: meshed().Peer(builders.MakePeer("p").Selector(map[string]string{"a": "b"}).Obj()).
				Dependency(from(builders.MakeDependency("d").FromPeer("p")).Obj()),
			want: []string{},
		},
		"service accounts of a peer that chooses no namespace": {
			profile: meshed().Peer(builders.MakePeer("p").Selector(map[string]string{"a": "b"}).Obj()).
				Dependency(from(builders.MakeDependency("d").FromPeer("p").FromAccounts("robot")).Obj()),
			want: []string{},
		},
		"the own tier, whose namespaces are not known yet": {
			profile: meshed().Dependency(from(builders.MakeDependency("d").FromTier("api")).Obj()),
			want:    []string{`segmentation: from: - source: namespaces: - api to: - operation: ports: - "80"`},
		},
		"all tiers": {
			profile: meshed().Dependency(from(builders.MakeDependency("d").FromAllTiers()).Obj()),
			facts:   mesh.Facts{Members: members(map[string][]string{"shop/web": {"a", "w"}, "shop/api": {"z"}})},
			want:    []string{`segmentation: from: - source: namespaces: - a - api - w - z to: - operation: ports: - "80"`},
		},
		"dependencies on the same callers are one rule": {
			profile: meshed().Dependency(
				from(builders.MakeDependency("b").FromTier("web")).Port(443).Port(9).Obj(),
				from(builders.MakeDependency("a").FromTier("web")).Obj(),
			),
			facts: mesh.Facts{Members: members(map[string][]string{"shop/web": {"w"}})},
			want:  []string{`segmentation: from: - source: namespaces: - w to: - operation: ports: - "9" - "80" - "443"`},
		},
		"a protocol that Istio does not see is nothing": {
			profile: meshed().Dependency(builders.MakeDependency("d").FromTier("web").ToTier("api").UDPPort(53).Obj()),
			facts:   mesh.Facts{Members: members(map[string][]string{"shop/web": {"w"}})},
			want:    []string{},
		},
		"every TCP port": {
			profile: meshed().Dependency(builders.MakeDependency("d").FromTier("web").ToTier("api").PortRange(1, 65535).NamedPort("http").Obj()),
			facts:   mesh.Facts{Members: members(map[string][]string{"shop/web": {"w"}})},
			want:    []string{`segmentation: from: - source: namespaces: - w`},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.facts.Members == nil {
				tc.facts.Members = members(nil)
			}
			p := mustCompile(t, tc.profile.Obj())
			if diff := cmp.Diff(tc.want, rules(t, mesh.Render(p, p.Tier("api"), "api", &tc.facts).Objects)); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
		})
	}
}

func members(of map[string][]string) func(plan.TierOf) []string {
	return func(tier plan.TierOf) []string { return of[tier.Profile+"/"+tier.Tier] }
}

func TestTheTierOfAnotherProfileCalls(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, meshed().Dependency(builders.MakeDependency("d").FromProfile("wiki", "pages").ToTier("api").Port(80).Obj()).Obj())
	wiki := mustCompile(t, builders.MakeProfile("wiki").Tier(builders.MakeTier("pages").Names("pages").Obj()).
		Dependency(builders.MakeDependency("d").FromTier("pages").ToProfile("shop", "api").Port(80).Obj()).Obj())
	facts := mesh.Facts{Members: members(map[string][]string{"wiki/pages": {"pages"}})}
	for known, want := range map[bool][]string{
		false: {}, true: {`segmentation: from: - source: namespaces: - pages to: - operation: ports: - "80"`},
	} {
		resolved := p.Resolve(&plan.Facts{Others: map[string]*plan.Plan{}}).Plan
		if known {
			resolved = p.Resolve(&plan.Facts{Others: map[string]*plan.Plan{"wiki": wiki}}).Plan
		}
		if diff := cmp.Diff(want, rules(t, mesh.Render(resolved, resolved.Tier("api"), "api", &facts).Objects)); diff != "" {
			t.Errorf("both declare it: %v (-want +got):\n%s", known, diff)
		}
	}
}

func TestTheServiceOfTheNamespaceIsCalled(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, meshed().Dependency(builders.MakeDependency("d").FromTier("web").ToService("api", "front").Obj()).Obj())
	front := plan.ServiceOf(&corev1.Service{Spec: corev1.ServiceSpec{
		Selector: map[string]string{"app": "front"}, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}},
	}})
	facts := mesh.Facts{Members: members(map[string][]string{"shop/web": {"w"}})}
	resolved := p.Resolve(&plan.Facts{Called: map[plan.Called][]plan.Variant{
		{Profile: "shop", Tier: "api", Service: "front"}: {{Service: front, Namespaces: []string{"api"}}},
	}}).Plan
	got := mesh.Render(resolved, resolved.Tier("api").With(map[string]plan.Service{"front": front}), "api", &facts)
	want := []string{`segmentation-d: from: - source: namespaces: - w to: - operation: ports: - "8080"`}
	if diff := cmp.Diff(want, rules(t, got.Objects)); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&mesh.WorkloadSelector{MatchLabels: map[string]string{"app": "front"}}, got.Policies[1].Spec.Selector); diff != "" {
		t.Errorf("workloads (-want +got):\n%s", diff)
	}
	without := mesh.Render(resolved, resolved.Tier("api").With(nil), "api", &facts)
	if diff := cmp.Diff([]string{}, rules(t, without.Objects)); diff != "" {
		t.Errorf("rules without the Service (-want +got):\n%s", diff)
	}
}

func TestFindingsAreAboutEachFormOfAService(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, meshed().Dependency(builders.MakeDependency("d").FromTier("web").ToService("api", "front").Obj()).Obj())
	form := func(target intstr.IntOrString) plan.Variant {
		return plan.Variant{Namespaces: []string{"api"}, Service: plan.ServiceOf(&corev1.Service{Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "front"}, Ports: []corev1.ServicePort{{Port: 80, TargetPort: target}},
		}})}
	}
	want := []plan.Finding{{
		Reason: v1alpha1.ReasonMeshAdmitsLess,
		Message: "dependency d: Istio knows ports by their numbers only, and http is a name; it is not opened in the mesh: give the number, " +
			"in a Service as its targetPort",
	}}
	got := mesh.Findings(p, map[plan.Called][]plan.Variant{
		{Profile: "shop", Tier: "api", Service: "front"}: {form(intstr.FromInt32(8080)), form(intstr.FromString("http"))},
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestAProfileWithoutAMeshHasNothing(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, unmeshed().Obj())
	if diff := cmp.Diff(mesh.Rendered{}, mesh.Render(p, p.Tier("api"), "api", &mesh.Facts{})); diff != "" {
		t.Errorf("rendered (-want +got):\n%s", diff)
	}
	if got := mesh.Findings(p, nil); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}

func TestWhatIsTooLargeIsLeftOut(t *testing.T) {
	t.Parallel()
	b := meshed()
	many := make([]string, 9_000)
	for i := range many {
		many[i] = fmt.Sprintf("a-namespace-with-a-name-that-is-as-long-as-names-are-%05d", i)
	}
	for i := range 8 {
		// Each calls in another namespace's company, so that no two are one rule.
		peer := fmt.Sprint("p", i)
		b.Peer(builders.MakePeer(peer).Selector(map[string]string{"p": peer}).Obj()).
			Dependency(builders.MakeDependency(fmt.Sprint("d", i)).FromPeer(peer).ToTier("api").Port(80).Obj())
	}
	facts := mesh.Facts{Members: members(nil), Chosen: map[string][]string{}}
	for i := range 8 {
		facts.Chosen[fmt.Sprint("p", i)] = many[i:]
	}
	p := mustCompile(t, b.Obj())
	got := mesh.Render(p, p.Tier("api"), "api", &facts)
	if n := len(got.Policies[0].Spec.Rules); n != 2 {
		t.Errorf("%d rules are kept, want the 2 that fit", n)
	}
	want := []plan.Finding{{
		Reason: v1alpha1.ReasonMeshAdmitsLess, Namespace: "api",
		Message: "the AuthorizationPolicy segmentation would be too large, and 6 of its 8 rules are left out; declare fewer peers or " +
			"service accounts, or split tiers with many namespaces",
	}}
	if diff := cmp.Diff(want, got.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestPoliciesHaveTheOwnersOfNetworkPolicies(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, meshed().Obj())
	p.Keeper = &metav1.OwnerReference{APIVersion: "v1", Kind: "Namespace", Name: "system", UID: "2c3d"}
	got := mesh.Render(p, p.Tier("api"), "api", &mesh.Facts{Members: members(nil)}).Policies[0]
	if n := len(got.OwnerReferences); n != 2 || got.OwnerReferences[1] != *p.Keeper {
		t.Errorf("owners are %v, want the profile and what keeps policies when it is gone", got.OwnerReferences)
	}
	want := map[string]string{
		v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue, v1alpha1.ProfileLabel: "shop", v1alpha1.TierLabel: "api",
	}
	if diff := cmp.Diff(want, got.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}
