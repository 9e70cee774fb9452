package render_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// shop is a profile of two tiers, web and api, to which tests add what they are about.
func shop() *builders.ProfileBuilder {
	return builders.MakeProfile("shop").
		Tier(builders.MakeTier("web").Selector(map[string]string{"layer": "web"}).InternalTraffic(v1alpha1.InternalTrafficDeny).Obj()).
		Tier(builders.MakeTier("api").Names("shop-api").InternalTraffic(v1alpha1.InternalTrafficDeny).Obj())
}

func TestANamespaceOfATierWithNothingDeclaredIsClosed(t *testing.T) {
	t.Parallel()
	got := mustRender(t, shop().UID("0a1b").NoDNS().
		// What a GitOps tool tracks by, which must not spread.
		Label("app.kubernetes.io/instance", "shop").Annotation("argocd.argoproj.io/tracking-id", "shop").Obj())["web"]
	want := render.Objects{Policies: []*networkingv1.NetworkPolicy{{
		TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: metav1.ObjectMeta{
			Name: "segmentation",
			Labels: map[string]string{
				"app.kubernetes.io/managed-by": "segmentation-operator",
				"segmentation.dev/profile":     "shop",
				"segmentation.dev/tier":        "web",
			},
			Annotations: map[string]string{"segmentation.dev/declared-by": "tier/web"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "segmentation.dev/v1alpha1", Kind: "SegmentationProfile", Name: "shop", UID: "0a1b",
			}},
		},
		Spec: networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{"Ingress", "Egress"}},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func TestAProfileThatIsNotFromAClusterOwnsNothing(t *testing.T) {
	t.Parallel()
	objects := mustRender(t, shop().Obj())["web"]
	if got := objects.Policies[0].OwnerReferences; got != nil {
		t.Errorf("owner references %v, want none: an empty UID would be refused", got)
	}
}

// No profile compiles to such a plan. If one did, a rule without peers would be for everybody.
func TestARemoteThatIsNobodyOpensNothing(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{Profile: "shop", Tiers: []plan.Tier{{
		Name: "web", InternalTraffic: v1alpha1.InternalTrafficDeny,
		Rules: []plan.Rule{
			{Dependency: "a", Direction: networkingv1.PolicyTypeIngress},
			{Dependency: "b", Direction: networkingv1.PolicyTypeEgress, Pods: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "b"}}},
		},
	}}}
	for _, policy := range render.Tier(p, &p.Tiers[0]).Policies {
		if peers := peersOf(policy); len(peers) > 0 {
			t.Errorf("policy %s has %d rules, want none", policy.Name, len(peers))
		}
	}
}

func TestInPutsCopiesIntoANamespace(t *testing.T) {
	t.Parallel()
	tier := mustRender(t, shop().
		Role(builders.MakeRole("viewer").Read("pods").Obj()).
		Tier(builders.MakeTier("data").Names("db").Access("viewer", builders.User("jane")).Obj()).Obj())["data"]
	placed := map[string]render.Objects{"one": tier.In("one"), "two": tier.In("two"), "": tier}
	for namespace, objects := range placed {
		got := []string{objects.Policies[0].Namespace, objects.Roles[0].Namespace, objects.Bindings[0].Namespace}
		if diff := cmp.Diff([]string{namespace, namespace, namespace}, got); diff != "" {
			t.Errorf("namespaces (-want +got):\n%s", diff)
		}
	}
	// Save for the namespace they are the same.
	one := placed["one"]
	one.Policies[0].Namespace, one.Roles[0].Namespace, one.Bindings[0].Namespace = "", "", ""
	if diff := cmp.Diff(tier, one); diff != "" {
		t.Errorf("objects (-of the tier +in a namespace):\n%s", diff)
	}
}

func TestMembershipLabels(t *testing.T) {
	t.Parallel()
	want := map[string]string{"segmentation.dev/profile": "shop", "segmentation.dev/tier": "web"}
	if diff := cmp.Diff(want, render.MembershipLabels("shop", "web")); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func TestPolicyNamesComeFromDependenciesAndSides(t *testing.T) {
	t.Parallel()
	pods := map[string]string{"app": "a"}
	objects := mustRender(t, shop().
		Dependency(builders.MakeDependency("a").FromTier("web").FromPods(pods).ToTier("web").ToPods(pods).Obj()).
		Dependency(builders.MakeDependency("a-egress").FromTier("web").FromPods(pods).ToTier("api").Obj()).
		Dependency(builders.MakeDependency("egress").FromTier("web").ToTier("web").ToPods(pods).Obj()).Obj())
	got := make([]string, 0, len(objects["web"].Policies))
	for _, p := range objects["web"].Policies {
		got = append(got, p.Name)
	}
	want := []string{
		"segmentation", "segmentation-a-egress", "segmentation-a-egress-egress", "segmentation-a-ingress", "segmentation-egress-ingress",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("segmentation-a-egress", render.PodPolicyName("a", networkingv1.PolicyTypeEgress)); diff != "" {
		t.Errorf("PodPolicyName (-want +got):\n%s", diff)
	}
}

func TestBindingNamesComeFromTheirRoleRefs(t *testing.T) {
	long := strings.Repeat("é", 200)
	tests := map[string]struct {
		access v1alpha1.TierAccess
		ref    rbacv1.RoleRef
		// begins is what the binding's name begins with, before the hash.
		begins string
	}{
		"a role of the profile": {
			v1alpha1.TierAccess{Role: "view"}, rbacv1.RoleRef{Kind: "Role", Name: "segmentation-view"}, "segmentation-view-",
		},
		"a ClusterRole of the same name": {
			v1alpha1.TierAccess{ClusterRole: "view"}, rbacv1.RoleRef{Kind: "ClusterRole", Name: "view"}, "segmentation-view-",
		},
		"a ClusterRole with the name of a generated Role": {
			v1alpha1.TierAccess{ClusterRole: "segmentation-view"},
			rbacv1.RoleRef{Kind: "ClusterRole", Name: "segmentation-view"},
			"segmentation-segmentation-view-",
		},
		"a ClusterRole of the system": {
			v1alpha1.TierAccess{ClusterRole: "system:node"}, rbacv1.RoleRef{Kind: "ClusterRole", Name: "system:node"}, "segmentation-system:node-",
		},
		"a ClusterRole whose name is too long to be a part of another, cut inside a character": {
			v1alpha1.TierAccess{ClusterRole: v1alpha1.ClusterRoleName(long)},
			rbacv1.RoleRef{Kind: "ClusterRole", Name: long},
			"segmentation-" + strings.Repeat("é", 114) + "-",
		},
		"another one that differs only after the cut": {
			v1alpha1.TierAccess{ClusterRole: v1alpha1.ClusterRoleName(long + "x")},
			rbacv1.RoleRef{Kind: "ClusterRole", Name: long + "x"},
			"segmentation-" + strings.Repeat("é", 114) + "-",
		},
	}
	tier := builders.MakeTier("data").Names("db").Obj()
	for _, tc := range tests {
		tc.access.Subjects = []v1alpha1.Subject{builders.User("jane")}
		tier.Access = append(tier.Access, tc.access)
	}
	bindings := mustRender(t, shop().Role(builders.MakeRole("view").Read("pods").Obj()).Tier(tier).Obj())["data"].Bindings
	names := map[string]bool{}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			tc.ref.APIGroup = "rbac.authorization.k8s.io"
			for _, b := range bindings {
				if b.RoleRef != tc.ref {
					continue
				}
				hash, found := strings.CutPrefix(b.Name, tc.begins)
				if !found || len(hash) != 10 || len(b.Name) > 253 || !utf8.ValidString(b.Name) || names[b.Name] {
					t.Errorf("the binding is called %q, want %q and a hash, and no other so", b.Name, tc.begins)
				}
				names[b.Name] = true
				return
			}
			t.Errorf("no binding to %v", tc.ref)
		})
	}
	if len(names) != len(bindings) {
		t.Errorf("%d bindings have %d names", len(bindings), len(names))
	}
}

func TestARoleHasWhatTheProfileSays(t *testing.T) {
	t.Parallel()
	objects := mustRender(t, shop().
		Role(builders.MakeRole("viewer").Read("services", "pods").Obj(), builders.MakeRole("unused").Read("secrets").Obj()).
		Tier(builders.MakeTier("data").Names("db").
			Access("viewer", builders.Group("dba"), builders.ServiceAccount("ops", "robot")).
			Access("viewer", builders.User("jane")).Obj()).Obj())["data"]
	meta := metav1.ObjectMeta{
		Labels: map[string]string{
			"app.kubernetes.io/managed-by": "segmentation-operator", "segmentation.dev/profile": "shop", "segmentation.dev/tier": "data",
		},
		Annotations: map[string]string{"segmentation.dev/declared-by": "tier/data, role/viewer"},
	}
	role, binding := *meta.DeepCopy(), *meta.DeepCopy()
	role.Name = render.RoleName("viewer")
	binding.Name = "segmentation-viewer-b7989610f0"
	want := render.Objects{
		Policies: objects.Policies,
		Roles: []*rbacv1.Role{{
			TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "Role"},
			ObjectMeta: role,
			Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods", "services"}, Verbs: []string{"get", "list", "watch"}}},
		}},
		Bindings: []*rbacv1.RoleBinding{{
			TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding"},
			ObjectMeta: binding,
			RoleRef:    rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "Role", Name: "segmentation-viewer"},
			Subjects: []rbacv1.Subject{
				{APIGroup: "rbac.authorization.k8s.io", Kind: "Group", Name: "dba"},
				{Kind: "ServiceAccount", Name: "robot", Namespace: "ops"},
				{APIGroup: "rbac.authorization.k8s.io", Kind: "User", Name: "jane"},
			},
		}},
	}
	if diff := cmp.Diff(want, objects); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}
