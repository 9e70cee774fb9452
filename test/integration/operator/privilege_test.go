package operator

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// TestLeastPrivilege lets the operator do once all that it does, and walks every verb and
// resource that it holds: what the audit log shows no request for is to be taken away.
func TestLeastPrivilege(t *testing.T) {
	w := newWorld(t)
	t.Cleanup(func() {
		if t.Failed() { // The story may have come to its end early for want of a right.
			t.Logf("denied since the cluster's start:\n%s", strings.Join(w.usage(context.Background()).denied, "\n"))
		}
	})
	w.doEverything()
	// A watch is in the log once it has ended.
	w.Expect(env.operator.Stop()).To(Succeed())
	t.Cleanup(func() {
		if err := env.operator.Start(); err != nil {
			t.Error(err)
		}
	})
	seen, held := w.usage(w.ctx()), w.held()
	t.Logf("each right, and the first request that shows it:\n%s", strings.Join(seen.evidence(held), "\n"))

	w.run("everything that is granted was used", func(w *world) {
		w.Expect(held.unused(seen.used)).To(BeEmpty())
	})
	w.run("no request was made for which a right is missing", func(w *world) {
		w.Expect(seen.denied).To(BeEmpty())
	})
	w.run("no request was made with a right of the ceiling", func(w *world) {
		w.Expect(held.unexplained(seen.used)).To(BeEmpty())
	})
	w.run("a right too many is found", func(w *world) {
		name := w.ns("secrets")
		w.give(name, rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: deploy.Namespace, Name: deploy.ServiceAccount})
		w.Expect(w.held().unused(seen.used)).To(ConsistOf(fmt.Sprintf(
			"%s may get secrets everywhere (ClusterRole %s): no request has used it", deploy.User, name)))
	})
	w.run("so is one that comes from a group, for both accounts", func(w *world) {
		w.give(w.ns("group"), rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "system:serviceaccounts"})
		w.Expect(w.held().unused(seen.used)).To(HaveLen(2))
	})
}

// usage returns what the operator has used and missed since the cluster's start.
func (w *world) usage(ctx context.Context) usage {
	w.t.Helper()
	events, err := env.cluster.Audit().Since(ctx, cluster.AuditPosition{})
	w.Expect(err).NotTo(HaveOccurred())
	return usageOf(events)
}

func (w *world) held() granted {
	w.t.Helper()
	held, err := holdings(w.ctx(), env.admin)
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(held).NotTo(BeEmpty())
	return held
}

// give grants a subject to read secrets, until the test ends.
func (w *world) give(name string, to rbacv1.Subject) {
	w.t.Helper()
	meta := metav1.ObjectMeta{Name: name}
	for _, obj := range []client.Object{
		&rbacv1.ClusterRole{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}},
		}},
		&rbacv1.ClusterRoleBinding{ObjectMeta: meta, Subjects: []rbacv1.Subject{to}, RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name,
		}},
	} {
		w.Expect(env.admin.Create(w.ctx(), obj)).To(Succeed())
		w.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), obj) })
	}
}

// doEverything is a story in which the operator makes every request that it ever makes, on
// more than one object and in more than one namespace where it is to work everywhere.
func (w *world) doEverything() {
	w.t.Helper()
	w.restartWithLists()
	config, err := env.cluster.ServiceAccountConfig(w.ctx(), deploy.Namespace, "default")
	w.Expect(err).NotTo(HaveOccurred())
	// The answer does not matter: to find it, the operator asks who that is and what he may do.
	w.Eventually(func() int { return scrape(w, config.BearerToken) }, soon, tick).Should(Equal(http.StatusForbidden))

	w.namespace("one", "web")
	w.namespace("two", "web")
	shop := w.twoTiers("shop").
		Role(builders.MakeRole("viewer").Read("pods").Obj(), builders.MakeRole("reader").Read("services").Obj()).
		Dependency(builders.MakeDependency("web-pods").FromTier("web").FromPods(map[string]string{"app": "x"}).ToTier("api").Port(1).Obj()).
		Dependency(builders.MakeDependency("web-web").FromTier("web").ToTier("web").ToPods(map[string]string{"app": "x"}).Port(2).Obj()).
		Obj()
	developers := []v1alpha1.Subject{builders.Group("developers")}
	shop.Spec.Tiers[0].Access = []v1alpha1.TierAccess{{Role: "viewer", Subjects: developers}, {Role: "reader", Subjects: developers}}
	w.installGuardrails()
	shop.Spec.Guardrails = &v1alpha1.Guardrails{}
	w.installMesh()
	shop.Spec.Mesh.Istio = &v1alpha1.Istio{MutualTLS: v1alpha1.MutualTLSStrict}
	p := w.create(shop)
	w.settled(p, 2)
	w.isGuarded(p)
	// The older profile keeps the namespaces, of which an event tells. Of two from one second it is the first by name.
	rival := w.create(w.twoTiers("younger").Obj())
	w.condition(rival, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonHeldByOlderProfile)

	w.driftEverywhere(p)
	w.driftOfGuardrails(p)
	w.driftOfMesh(p, "one", "two")
	w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
		s.Tiers[0].Access, s.Roles = nil, nil
		s.Dependencies = s.Dependencies[:1]
	})
	w.everywhere(p, map[string]string{"one": "web", "two": "web"})
	w.relabel("one", map[string]string{"layer": "none"})
	w.eventuallyBare("one")
	w.Expect(env.admin.Delete(w.ctx(), rival)).To(Succeed())
	w.Expect(env.admin.Delete(w.ctx(), p)).To(Succeed())
	w.eventuallyBare("two")
	w.Eventually(func() []string { return w.guardrails(p) }, soon, tick).Should(BeEmpty())
}

// driftOfGuardrails changes each of the guardrails, and waits until it is mended.
func (w *world) driftOfGuardrails(p *v1alpha1.SegmentationProfile) {
	w.t.Helper()
	for _, name := range w.guardrails(p) {
		o := &policyv1alpha2.ClusterNetworkPolicy{}
		o.Name = "segmentation." + p.Name + "." + name
		w.Expect(env.admin.Get(w.ctx(), client.ObjectKeyFromObject(o), o)).To(Succeed())
		want := o.Labels[v1alpha1.ProfileLabel]
		w.Expect(env.admin.Patch(w.ctx(), o, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"priority":7}}`)))).To(Succeed())
		w.Eventually(func() int32 {
			w.Expect(env.admin.Get(w.ctx(), client.ObjectKeyFromObject(o), o)).To(Succeed())
			return o.Spec.Priority
		}, soon, tick).ShouldNot(Equal(int32(7)))
		w.Expect(o.Labels).To(HaveKeyWithValue(v1alpha1.ProfileLabel, want))
	}
}

// restartWithLists starts the operator so that it fills its cache by lists, as it does where
// the API server has the feature WatchList switched off or cannot serve such a watch.
func (w *world) restartWithLists() {
	w.t.Helper()
	w.Expect(env.operator.Stop()).To(Succeed())
	w.t.Setenv("KUBE_FEATURE_WatchListClient", "false")
	w.Expect(env.operator.Start()).To(Succeed())
}

// driftEverywhere changes one object of every kind in both namespaces, and waits until it
// is mended.
func (w *world) driftEverywhere(p *v1alpha1.SegmentationProfile) {
	w.t.Helper()
	for _, namespace := range []string{"one", "two"} {
		got, err := w.objects(namespace)
		w.Expect(err).NotTo(HaveOccurred())
		drifting := []client.Object{got.Policies[0], got.Roles[0], got.Bindings[0]}
		for i := range got.Roles[1:] { // To change what is there is another right than to create it.
			drifting = append(drifting, got.Roles[i+1], got.Bindings[i+1])
		}
		for _, obj := range drifting {
			w.Expect(env.admin.Patch(w.ctx(), obj, client.RawPatch(types.MergePatchType, edit(obj)))).To(Succeed())
			w.eventuallyHas(p, namespace, "web")
			w.Expect(env.admin.Delete(w.ctx(), obj)).To(Succeed())
			w.eventuallyHas(p, namespace, "web")
		}
		forged := builders.MakeNetworkPolicy(w.ns(namespace), "open-all").Managed().Ingress(networkingv1.NetworkPolicyIngressRule{}).Obj()
		w.Expect(env.admin.Create(w.ctx(), forged)).To(Succeed())
		w.eventuallyHas(p, namespace, "web")
		w.relabel(namespace, map[string]string{v1alpha1.ProfileLabel: "", v1alpha1.TierLabel: ""})
		w.eventuallyHas(p, namespace, "web")
	}
}
