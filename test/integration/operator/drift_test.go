package operator

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// TestDrift changes every kind of generated object behind the operator's back.
func TestDrift(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "web")
	shop := w.twoTiers("shop").
		Role(builders.MakeRole("viewer").Read("pods").Obj()).
		Dependency(builders.MakeDependency("web-pods").FromTier("web").FromPods(map[string]string{"app": "x"}).ToTier("api").Port(1).Obj()).
		Obj()
	shop.Spec.Tiers[0].Access = []v1alpha1.TierAccess{{Role: "viewer", Subjects: []v1alpha1.Subject{builders.Group("developers")}}}
	p := w.create(shop)
	w.settled(p, 1)
	objects, err := w.objects("one")
	w.Expect(err).NotTo(HaveOccurred())
	binding := objects.Bindings[0].Name

	for _, generated := range []client.Object{
		&networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "segmentation"}},
		&networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "segmentation-web-pods-egress"}},
		&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "segmentation-viewer"}},
		&rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: binding}},
	} {
		generated.SetNamespace(w.ns("one"))
		drifts := map[string]func() error{
			"deleted": func() error { return env.admin.Delete(w.ctx(), generated) },
			"spec edited": func() error {
				return env.admin.Patch(w.ctx(), generated, client.RawPatch(types.MergePatchType, edit(generated)))
			},
			"managed-by label removed": func() error {
				return env.admin.Patch(w.ctx(), generated, client.RawPatch(types.MergePatchType,
					[]byte(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":null}}}`)))
			},
			"owner reference removed": func() error {
				return env.admin.Patch(w.ctx(), generated, client.RawPatch(types.MergePatchType,
					[]byte(`{"metadata":{"ownerReferences":null}}`)))
			},
			"annotation changed": func() error {
				return env.admin.Patch(w.ctx(), generated, client.RawPatch(types.MergePatchType,
					[]byte(`{"metadata":{"annotations":{"segmentation.dev/declared-by":"nobody"}}}`)))
			},
		}
		for name, drift := range drifts {
			w.run(generated.GetName()+" "+name, func(w *world) {
				w.Expect(drift()).To(Succeed())
				w.eventuallyHas(p, "one", "web")
				w.settled(p, 1)
			})
		}
	}

	w.run("labels and annotations that others add are left alone", func(w *world) {
		policy, err := w.policy("one", "segmentation")
		w.Expect(err).NotTo(HaveOccurred())
		policy.Labels["team"] = "shop"
		w.Expect(env.admin.Update(w.ctx(), policy)).To(Succeed())
		w.Consistently(func() string {
			kept, err := w.policy("one", "segmentation")
			w.Expect(err).NotTo(HaveOccurred())
			return kept.Labels["team"]
		}, "1s", tick).Should(Equal("shop"))
		delete(policy.Labels, "team")
		w.Expect(env.admin.Update(w.ctx(), policy)).To(Succeed())
	})
	w.run("a binding that somebody wrote anew with another role under the same name is replaced", func(w *world) {
		forged := builders.MakeRoleBinding(w.ns("one"), binding).Managed().ClusterRole("admin").User("mallory").Obj()
		w.Expect(env.admin.Delete(w.ctx(), &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns("one"), Name: binding}})).To(Succeed())
		w.Expect(client.IgnoreAlreadyExists(env.admin.Create(w.ctx(), forged))).To(Succeed())
		w.eventuallyHas(p, "one", "web")
	})
}

// edit is a patch that changes what the object does.
func edit(obj client.Object) []byte {
	switch obj.(type) {
	case *networkingv1.NetworkPolicy:
		return []byte(`{"spec":{"egress":[{}],"ingress":[{}]}}`)
	case *rbacv1.Role:
		return []byte(`{"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]}`)
	default:
		return []byte(`{"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"mallory"}]}`)
	}
}

// TestForeignObjects shows whose an object is.
func TestForeignObjects(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "web")
	foreign := builders.MakeNetworkPolicy(w.ns("one"), "allow-dns").DenyAll().Obj()
	w.Expect(env.admin.Create(w.ctx(), foreign)).To(Succeed())
	shop := w.twoTiers("shop").Role(builders.MakeRole("viewer").Read("pods").Obj()).Obj()
	shop.Spec.Tiers[0].Access = []v1alpha1.TierAccess{{Role: "viewer", Subjects: []v1alpha1.Subject{builders.Group("developers")}}}
	p := w.create(shop)
	w.settled(p, 1)

	w.run("what carries no managed-by label is not touched", func(w *world) {
		left, err := w.policy("one", "allow-dns")
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(left.ResourceVersion).To(Equal(foreign.ResourceVersion))
	})
	w.run("what carries a forged managed-by label is removed", func(w *world) {
		forged := builders.MakeNetworkPolicy(w.ns("one"), "open-all").Managed().Ingress(networkingv1.NetworkPolicyIngressRule{}).Obj()
		w.Expect(env.admin.Create(w.ctx(), forged)).To(Succeed())
		w.Eventually(func() bool {
			_, err := w.policy("one", "open-all")
			return apierrors.IsNotFound(err)
		}, soon, tick).Should(BeTrue())
	})
	w.run("what lost its label and is no longer declared is removed, since it belongs to the profile", func(w *world) {
		stray := builders.MakeNetworkPolicy(w.ns("one"), "segmentation-gone-egress").OwnedBy(p).Egress(networkingv1.NetworkPolicyEgressRule{}).Obj()
		w.Expect(env.admin.Create(w.ctx(), stray)).To(Succeed())
		w.Eventually(func() bool {
			_, err := w.policy("one", stray.Name)
			return apierrors.IsNotFound(err)
		}, soon, tick).Should(BeTrue())
	})
	w.run("what should be gone and waits for a finalizer is told of", func(w *world) {
		stuck := builders.MakeNetworkPolicy(w.ns("one"), "segmentation-stuck").Managed().Egress(networkingv1.NetworkPolicyEgressRule{}).Obj()
		stuck.Finalizers = []string{"example.com/hold"}
		w.Expect(env.admin.Create(w.ctx(), stuck)).To(Succeed())
		ready := w.condition(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonRetrying)
		w.Expect(ready.Message).To(ContainSubstring("the NetworkPolicy named segmentation-stuck is being deleted and waits for its finalizers"))
		w.Expect(env.admin.Patch(w.ctx(), stuck, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`)))).To(Succeed())
		w.settled(p, 1)
	})
	w.run("a restored backup heals", func(w *world) {
		restored := builders.MakeNetworkPolicy(w.ns("one"), "segmentation-old-egress").Managed().Egress(networkingv1.NetworkPolicyEgressRule{}).Obj()
		gone := builders.MakeProfile("long-gone").UID("7d0b0ee2-8d5c-4d32-9a07-2b8c4b9c6f3e").Obj()
		restored.OwnerReferences = []metav1.OwnerReference{{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: "SegmentationProfile", Name: gone.Name, UID: gone.UID, Controller: new(true),
		}}
		w.Expect(env.admin.Create(w.ctx(), restored)).To(Succeed())
		w.eventuallyHas(p, "one", "web")
	})
	w.run("a foreign object with a name that is needed keeps a newcomer outside, and is reported", func(w *world) {
		n := builders.MakeNamespace(w.ns("two")).Labels(map[string]string{"world": w.name}).Obj()
		w.Expect(env.admin.Create(w.ctx(), n)).To(Succeed())
		w.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), n) })
		squatter := builders.MakeNetworkPolicy(w.ns("two"), "segmentation").DenyAll().Obj()
		w.Expect(env.admin.Create(w.ctx(), squatter)).To(Succeed())
		w.relabel("two", w.layer("web"))

		ready := w.condition(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNameTaken)
		w.Expect(ready.Message).To(ContainSubstring("namespace " + w.ns("two") + ": a NetworkPolicy named segmentation exists that the operator did not write"))
		w.condition(p, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonNameTaken)
		w.Expect(p.Status.Namespaces.Summary).To(Equal("1/2"))
		got, err := w.policy("two", "segmentation")
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(got.ResourceVersion).To(Equal(squatter.ResourceVersion), "the foreign object was touched")
		w.Expect(env.admin.Get(w.ctx(), client.ObjectKeyFromObject(n), n)).To(Succeed())
		w.Expect(n.Labels).NotTo(HaveKey(v1alpha1.TierLabel))

		w.Expect(env.admin.Delete(w.ctx(), squatter)).To(Succeed())
		w.settled(p, 2)
	})
	w.run("a foreign role under the name of a profile's role is never bound", func(w *world) {
		role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns("one"), Name: "segmentation-viewer"}}
		squatter := builders.MakeRBACRole(w.ns("one"), "segmentation-viewer").Rule("", []string{"secrets"}, []string{"get"}).Obj()
		// The operator writes its own role anew at once; one of the tries is quicker.
		w.Eventually(func() error {
			if err := client.IgnoreNotFound(env.admin.Delete(w.ctx(), role.DeepCopy())); err != nil {
				return err
			}
			return env.admin.Create(w.ctx(), squatter.DeepCopy())
		}, soon, tick).Should(Succeed())
		w.condition(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNameTaken)
		w.Eventually(func() int {
			got, err := w.objects("one")
			w.Expect(err).NotTo(HaveOccurred())
			return len(got.Bindings)
		}, soon, tick).Should(BeZero())
		w.Expect(env.admin.Delete(w.ctx(), role)).To(Succeed())
		w.settled(p, 1)
	})
}
