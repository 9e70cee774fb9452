package admission

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// bare tells whether nothing of the operator's is left in a namespace that is still there.
func (w *world) bare(namespace string) error {
	labels := w.labels(w.ns(namespace))
	if labels[v1alpha1.ProfileLabel] != "" || labels[v1alpha1.TierLabel] != "" {
		return fmt.Errorf("namespace %s is labelled %v", namespace, labels)
	}
	n, err := w.managed(namespace)
	if err == nil && n > 0 {
		err = fmt.Errorf("%d managed objects are left in %s", n, namespace)
	}
	return err
}

// managed counts the operator's objects in a namespace.
func (w *world) managed(namespace string) (int, error) {
	count := 0
	for _, kind := range []string{"NetworkPolicy", "Role", "RoleBinding"} {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(rbacv1.SchemeGroupVersion.WithKind(kind + "List"))
		if kind == "NetworkPolicy" {
			list.SetGroupVersionKind(networkingv1.SchemeGroupVersion.WithKind("NetworkPolicyList"))
		}
		err := env.admin.List(w.ctx(), list, client.InNamespace(w.ns(namespace)),
			client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue})
		if err != nil {
			return 0, err
		}
		count += len(list.Items)
	}
	return count, nil
}

func (w *world) eventuallyBare(namespaces ...string) {
	w.t.Helper()
	for _, namespace := range namespaces {
		w.Eventually(func() error { return w.bare(namespace) }, soon, tick).Should(Succeed())
	}
}

// relabel changes a label by which tiers select, as the admin.
func (w *world) relabel(namespace, layer string) {
	w.t.Helper()
	n := builders.MakeNamespace(w.ns(namespace)).Obj()
	patch := client.MergeFrom(n.DeepCopy())
	n.Labels["layer"] = layer
	w.Expect(env.admin.Patch(w.ctx(), n, patch)).To(Succeed())
}

// busy is a profile that has the operator write objects of all kinds.
func (w *world) busy() *v1alpha1.SegmentationProfile {
	p := w.twoTiers("shop").Strict().
		Role(builders.MakeRole("viewer").Read("pods").Obj()).
		Dependency(builders.MakeDependency("orders-api").FromTier("web").FromPods(map[string]string{"app": "orders"}).
			ToTier("api").Port(5432).Obj()).Obj()
	p.Spec.Tiers[0].Access = []v1alpha1.TierAccess{
		{Role: "viewer", Subjects: []v1alpha1.Subject{builders.User("ann")}},
		{ClusterRole: "view", Subjects: []v1alpha1.Subject{builders.Group("auditors")}},
	}
	return p
}

// The policies are about everybody but the operator, and it has to get all its work past them.
func TestTheOperatorDoesAllItsWork(t *testing.T) {
	w := newWorld(t)
	for namespace, layer := range map[string]string{"web1": "web", "web2": "web", "api1": "api"} {
		w.namespace(namespace, layer)
	}
	p := w.profile(w.busy())
	w.run("a profile is written", func(w *world) { w.settled(p, 3) })
	w.run("what somebody deleted in an emergency is mended", func(w *world) {
		for _, obj := range []client.Object{
			&networkingv1.NetworkPolicy{}, &rbacv1.RoleBinding{}, &rbacv1.Role{},
		} {
			w.Expect(env.breakGlass.DeleteAllOf(w.ctx(), obj, client.InNamespace(w.ns("web1")))).To(Succeed())
		}
		w.Eventually(func() (int, error) { return w.managed("web1") }, soon, tick).Should(Equal(2 + 1 + 2))
		w.settled(p, 3)
	})
	w.run("what somebody changed in an emergency is mended", func(w *world) {
		n := builders.MakeNamespace(w.ns("web1")).Member(p.Name, "api").Obj()
		w.Expect(env.breakGlass.Patch(w.ctx(), n, client.Merge)).To(Succeed())
		w.Eventually(func() string { return w.labels(w.ns("web1"))[v1alpha1.TierLabel] }, soon, tick).Should(Equal("web"))
	})
	w.run("the profile changes", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Roles[0] = builders.MakeRole("viewer").Read("services").Obj()
			s.Dependencies = s.Dependencies[:1]
			s.Tiers[0].Access[1].Subjects[0].Name = "others"
		})
		w.settled(p, 3)
	})
	w.run("a namespace moves", func(w *world) {
		w.relabel("web2", "api")
		w.Eventually(func() string { return w.labels(w.ns("web2"))[v1alpha1.TierLabel] }, soon, tick).Should(Equal("api"))
		w.settled(p, 3)
	})
	w.run("a namespace leaves", func(w *world) {
		w.relabel("web2", "none")
		w.eventuallyBare("web2")
		w.settled(p, 2)
	})
	w.run("the profile is deleted", func(w *world) {
		w.Expect(env.admin.Delete(w.ctx(), p)).To(Succeed())
		w.eventuallyBare("web1", "api1")
	})
}

// Roles and RoleBindings are removed by Kubernetes' garbage collector, which also takes references
// to a profile off what stays.
func TestTheGarbageCollectorDoesItsWork(t *testing.T) {
	for propagation, orphans := range map[metav1.DeletionPropagation]bool{
		metav1.DeletePropagationForeground: false, metav1.DeletePropagationBackground: false, metav1.DeletePropagationOrphan: true,
	} {
		t.Run(string(propagation), func(t *testing.T) {
			w := newWorld(t)
			w.namespace("one", "web")
			p := w.profile(w.busy())
			w.settled(p, 1)
			w.Expect(env.admin.Delete(w.ctx(), p, client.PropagationPolicy(propagation))).To(Succeed())
			w.gone(p)
			if !orphans {
				w.eventuallyBare("one")
				return
			}
			w.Eventually(w.orphaned, soon, tick).Should(Succeed())
			// The bookmark is what keeps them: who may delete it, an admin, lets them go.
			w.Expect(env.admin.Delete(w.ctx(), render.Bookmark(p.Name, "", deploy.Namespace))).To(Succeed())
			w.eventuallyBare("one")
		})
	}
}

// orphaned tells whether all that was written is there and has no profile as an owner.
func (w *world) orphaned() error {
	policies, roles, bindings := w.objects()
	if len(policies) != 2 || len(roles) != 1 || len(bindings) != 2 {
		return fmt.Errorf("%d policies, %d roles, %d bindings are left", len(policies), len(roles), len(bindings))
	}
	for _, obj := range slices.Concat(policies, roles, bindings) {
		for _, owner := range obj.GetOwnerReferences() {
			if owner.Kind == "SegmentationProfile" {
				return errors.New(obj.GetName() + " still has the profile as an owner")
			}
		}
	}
	return nil
}
