package admission

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// siege is a profile, shop, with its namespaces, and those who try to gain something.
type siege struct {
	*world
	shop *v1alpha1.SegmentationProfile
	// by are clients of those who try.
	by map[string]client.Client
}

// Those who try. The documentation says who they are.
const (
	author    = "author"
	binder    = "binder"
	granter   = "granter"
	tenant    = "tenant"
	labeller  = "labeller"
	roleMaker = "role maker"
	robot     = "robot"
	operator  = "operator"
	admin     = "cluster admin"
)

// Namespaces of the profile, and one of nobody.
const (
	shopWeb   = "shop-web"
	shopAPI   = "shop-api"
	shopNew   = "shop-new"
	elsewhere = "elsewhere"
)

func besiege(w *world) *siege {
	w.t.Helper()
	s := &siege{world: w, by: map[string]client.Client{}}
	s.shop = w.profile(builders.MakeProfile("shop").Strict().
		Role(builders.MakeRole("viewer").Read("pods").Obj()).
		Tier(
			builders.MakeTier("web").Selector(w.layer("web")).Access("viewer", builders.Group("developers")).Obj(),
			builders.MakeTier("api").Selector(w.layer("api")).ClusterRoleAccess("view", builders.Group("developers")).Obj(),
			builders.MakeTier("data").Names("shop-data").Obj()).
		Dependency(
			builders.MakeDependency("web-api").FromTier("web").ToTier("api").Port(9090).Obj(),
			builders.MakeDependency("web-reads-api").FromTier("web").ToTier("api").Access("viewer").Obj()).
		Obj())
	w.knownToAdmission(s.shop)
	for name, layer := range map[string]string{shopWeb: "web", shopAPI: "api", elsewhere: "none"} {
		w.create(builders.MakeNamespace(name).Labels(w.layer(layer)).Obj())
	}
	w.settled(s.shop, 2)
	s.stands()
	s.muster()
	return s
}

// in is the siege in a test of its own.
func (s *siege) in(w *world) *siege {
	out := *s
	out.world = w
	return &out
}

// muster makes those who try.
func (s *siege) muster() {
	s.t.Helper()
	namespaces := allow("", "namespaces", []string{"get", "create", "update", "patch"})
	s.by[author] = s.author(author)
	s.by[binder] = s.author(binder, bind("edit", "nowhere-to-be-found", "view"))
	s.by[granter] = s.author(granter, grant())
	s.by[labeller] = s.user(labeller, namespaces,
		allow("", "namespaces/status", []string{"update", "patch"}), allow("", "pods", []string{"create"}))
	s.by[roleMaker] = s.user("role-maker", allow(rbacGroup, "clusterroles", []string{"create", "update", "patch", "get"}))
	s.by[admin] = env.admin
	s.tenants()
	s.by[robot] = s.serviceAccount(shopWeb, "default")
	s.by[operator] = s.serviceAccount(deploy.Namespace, deploy.ServiceAccount)
}

// tenants makes the administrator of two namespaces, by the built-in ClusterRole admin.
func (s *siege) tenants() {
	s.t.Helper()
	name := s.ns(tenant)
	for _, namespace := range []string{shopWeb, elsewhere} {
		s.create(builders.MakeRoleBinding(namespace, "tenant").ClusterRole("admin").User(name).Obj())
	}
	s.by[tenant] = s.as(name)
	s.Eventually(func() error {
		return s.by[tenant].List(s.ctx(), &networkingv1.NetworkPolicyList{}, client.InNamespace(elsewhere))
	}, soon, tick).Should(Succeed())
}

func (s *siege) serviceAccount(namespace, name string) client.Client {
	s.t.Helper()
	var c client.Client
	s.Eventually(func() error { // A new namespace gets its default account a little later.
		config, err := env.cluster.ServiceAccountConfig(s.ctx(), namespace, name)
		if err != nil {
			return err
		}
		c, err = client.New(config, client.Options{Scheme: env.scheme})
		return err
	}, soon, tick).Should(Succeed())
	return c
}

// stands expects that the profile's namespaces hold what it declares, and nothing else of the operator's.
func (s *siege) stands() {
	s.t.Helper()
	s.Eventually(func() error {
		var p v1alpha1.SegmentationProfile
		if err := env.admin.Get(s.ctx(), client.ObjectKeyFromObject(s.shop), &p); err != nil {
			return err
		}
		compiled, err := deploy.Compile(s.ctx(), env.admin, &p)
		if err != nil {
			return err
		}
		for namespace, tier := range map[string]string{shopWeb: "web", shopAPI: "api"} {
			want := render.Tier(compiled, compiled.Tier(tier)).In(namespace).
				WithCallers(func(string) []string { return []string{shopWeb} })
			if err := s.holds(namespace, want); err != nil {
				return err
			}
		}
		return nil
	}, soon, tick).Should(Succeed())
}

// holds tells why a namespace does not hold just what is wanted, by names, rules and subjects.
func (s *siege) holds(namespace string, want render.Objects) error {
	var policies networkingv1.NetworkPolicyList
	var roles rbacv1.RoleList
	var bindings rbacv1.RoleBindingList
	for _, list := range []client.ObjectList{&policies, &roles, &bindings} {
		managed := client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
		if err := env.admin.List(s.ctx(), list, client.InNamespace(namespace), managed); err != nil {
			return err
		}
	}
	have, due := map[string]string{}, contents(want)
	for i := range policies.Items {
		maps.Copy(have, contents(render.Objects{Policies: []*networkingv1.NetworkPolicy{&policies.Items[i]}}))
	}
	for i := range roles.Items {
		maps.Copy(have, contents(render.Objects{Roles: []*rbacv1.Role{&roles.Items[i]}}))
	}
	for i := range bindings.Items {
		maps.Copy(have, contents(render.Objects{Bindings: []*rbacv1.RoleBinding{&bindings.Items[i]}}))
	}
	if render.Key(have) != render.Key(due) {
		return fmt.Errorf("%s holds %v, want %v", namespace, have, due)
	}
	return nil
}

// contents are what objects say, by kind and name.
func contents(objects render.Objects) map[string]string {
	out := map[string]string{}
	for _, p := range objects.Policies {
		out["NetworkPolicy "+p.Name] = render.Key(p.Spec)
	}
	for _, r := range objects.Roles {
		out["Role "+r.Name] = render.Key(r.Rules)
	}
	for _, b := range objects.Bindings {
		out["RoleBinding "+b.Name] = render.Key(b.Subjects)
	}
	return out
}

// changes has somebody change the profile. It changes nothing.
func (s *siege) changes(who string, change func(*v1alpha1.SegmentationProfileSpec)) error {
	return s.wouldUpdate(s.by[who], s.shop, change)
}

// policy returns the base policy of a namespace.
func (s *siege) policy(namespace string) *networkingv1.NetworkPolicy {
	s.t.Helper()
	return fetch(s, namespace, render.Prefix, &networkingv1.NetworkPolicy{})
}

// role returns the Role made of the profile's role.
func (s *siege) role(namespace string) *rbacv1.Role {
	s.t.Helper()
	return fetch(s, namespace, render.RoleName("viewer"), &rbacv1.Role{})
}

// binding returns the RoleBinding of the profile's role.
func (s *siege) binding(namespace string) *rbacv1.RoleBinding {
	s.t.Helper()
	return fetch(s, namespace, "segmentation-viewer-b7989610f0", &rbacv1.RoleBinding{})
}

func fetch[T client.Object](s *siege, namespace, name string, obj T) T {
	s.t.Helper()
	s.Expect(env.admin.Get(s.ctx(), client.ObjectKey{Namespace: namespace, Name: name}, obj)).To(Succeed())
	return obj
}

// enter creates a profile for one attempt.
func (s *siege) enter(who string, p *v1alpha1.SegmentationProfile) error {
	if err := s.by[who].Create(s.ctx(), p); err != nil {
		return err
	}
	s.t.Cleanup(func() { leave(s.t, p) })
	return nil
}

// leave deletes a profile, and waits until nothing of it is left in the namespace of nobody.
func leave(t *testing.T, p *v1alpha1.SegmentationProfile) {
	t.Helper()
	ctx := context.Background()
	_ = env.admin.Delete(ctx, p)
	for range 500 {
		var policies networkingv1.NetworkPolicyList
		err := env.admin.List(ctx, &policies, client.InNamespace(elsewhere),
			client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue})
		if err == nil && len(policies.Items) == 0 {
			return
		}
		time.Sleep(tick) //nolint:forbidigo // Waiting for the operator to release a namespace.
	}
	t.Errorf("something of profile %s is left", p.Name)
}

// finds waits until a profile has a finding.
func (s *siege) finds(profile, reason, message string) {
	s.t.Helper()
	s.Eventually(func() ([]v1alpha1.Finding, error) {
		var p v1alpha1.SegmentationProfile
		err := env.admin.Get(s.ctx(), client.ObjectKey{Name: profile}, &p)
		return p.Status.Findings, err
	}, soon, tick).Should(ContainElement(And(HaveField("Reason", reason), HaveField("Message", ContainSubstring(message)))))
}

// without expects that a namespace has no managed object of a kind and name.
func (s *siege) without(obj client.Object) {
	s.t.Helper()
	err := env.admin.Get(s.ctx(), client.ObjectKeyFromObject(obj), obj)
	s.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%v", err)
}

// named is the metadata of an object in a namespace.
func named(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}
