package operator

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// TestProfileLifecycle takes one profile through all that can be done to one.
func TestProfileLifecycle(t *testing.T) {
	w := newWorld(t)
	w.namespace("web1", "web")
	w.namespace("api1", "api")
	w.namespace("api2", "api")
	w.namespace("cache", "cache")
	p := w.create(w.twoTiers("shop").
		Role(builders.MakeRole("viewer").Read("pods", "services").Obj()).
		Peer(builders.MakePeer("ingress").Names("ingress-nginx").Pods(map[string]string{"app": "nginx"}).Obj(),
			builders.MakePeer("bank").CIDR("198.51.100.0/24", "198.51.100.7/32").CIDR("2001:db8::/64").Obj()).
		Dependency(
			builders.MakeDependency("ingress-web").FromPeer("ingress").ToTier("web").NamedPort("http").Obj(),
			builders.MakeDependency("api-bank").FromTier("api").FromPods(map[string]string{"app": "pay"}).ToPeer("bank").PortRange(443, 450).Obj(),
			builders.MakeDependency("api-api").FromTier("api").FromPods(map[string]string{"app": "a"}).ToTier("api").ToPods(map[string]string{"app": "b"}).UDPPort(7000).Obj(),
		).Obj())

	members := map[string]string{"web1": "web", "api1": "api", "api2": "api"}

	w.run("a new profile is written to all of its namespaces", func(w *world) {
		w.everywhere(p, members)
		w.Expect(p.Status.Objects).To(Equal(v1alpha1.ObjectCounts{NetworkPolicies: 1 + 2*4}))
	})
	w.run("a dependency is added", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Dependencies = append(s.Dependencies, builders.MakeDependency("api-web").FromTier("api").ToTier("web").ToPods(map[string]string{"app": "hooks"}).Port(8081).Obj())
		})
		w.everywhere(p, members)
		_, err := w.policy("web1", "segmentation-api-web-ingress")
		w.Expect(err).NotTo(HaveOccurred())
	})
	w.run("a dependency is changed", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Dependencies[0] = builders.MakeDependency("web-api").FromTier("web").ToTier("api").ToPods(map[string]string{"app": "orders"}).Port(9091).Obj()
		})
		w.everywhere(p, members)
	})
	w.run("dependencies are removed and put into another order", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Dependencies = []v1alpha1.Dependency{s.Dependencies[2], s.Dependencies[0]}
		})
		w.everywhere(p, members)
		_, err := w.policy("web1", "segmentation-api-web-ingress")
		w.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "the policy of a removed dependency is there: %v", err)
	})
	w.run("access is granted", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Tiers[0].Access = []v1alpha1.TierAccess{
				{Role: "viewer", Subjects: []v1alpha1.Subject{builders.Group("developers"), builders.User("ann")}},
				{ClusterRole: "view", Subjects: []v1alpha1.Subject{builders.ServiceAccount("default", "bot")}},
			}
		})
		w.everywhere(p, members)
		w.Expect(p.Status.Objects).To(HaveField("Roles", int32(1)))
		w.Expect(p.Status.Objects).To(HaveField("RoleBindings", int32(2)))
	})
	w.run("a role is changed", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Roles[0] = builders.MakeRole("viewer").Read("configmaps").Obj()
		})
		w.everywhere(p, members)
	})
	w.run("a binding gets another role, and so another name", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Roles = append(s.Roles, builders.MakeRole("reader").Read("pods").Obj())
			s.Tiers[0].Access[0].Role = "reader"
		})
		w.everywhere(p, members)
		var role rbacv1.Role
		err := env.admin.Get(w.ctx(), client.ObjectKey{Namespace: w.ns("web1"), Name: "segmentation-viewer"}, &role)
		w.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "the role that nobody has is there: %v", err)
	})
	w.run("internal traffic and name resolution are changed", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Tiers[0].InternalTraffic = v1alpha1.InternalTrafficSameTier
			s.Tiers[1].InternalTraffic = v1alpha1.InternalTrafficDeny
			s.DNS = v1alpha1.DNS{Mode: v1alpha1.DNSModeNone}
		})
		w.everywhere(p, members)
	})
	w.run("a tier is added", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Tiers = append(s.Tiers, builders.MakeTier("cache").Names(w.ns("cache")).Obj())
		})
		members["cache"] = "cache"
		w.everywhere(p, members)
	})
	w.run("a tier is removed, and its namespaces are left as they were found", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) { s.Tiers = s.Tiers[:2] })
		delete(members, "cache")
		w.everywhere(p, members)
		w.eventuallyBare("cache")
	})
	w.run("the profile is deleted", func(w *world) {
		w.Expect(env.admin.Delete(w.ctx(), p)).To(Succeed())
		for namespace := range members {
			w.eventuallyBare(namespace)
		}
	})
}

// TestNamespaceLifecycle takes namespaces through all that can happen to them.
func TestNamespaceLifecycle(t *testing.T) {
	w := newWorld(t)
	p := w.create(w.twoTiers("shop").Obj())
	w.settled(p, 0)

	w.namespace("one", "web")
	w.settled(p, 1)
	w.eventuallyHas(p, "one", "web")

	w.run("a namespace that is there with its labels removed becomes a member again", func(w *world) {
		w.relabel("one", map[string]string{v1alpha1.ProfileLabel: "", v1alpha1.TierLabel: ""})
		w.eventuallyHas(p, "one", "web")
	})
	w.run("a namespace moves to another tier", func(w *world) {
		w.relabel("one", w.layer("api"))
		w.eventuallyHas(p, "one", "api")
		w.settled(p, 1)
	})
	w.run("a namespace leaves", func(w *world) {
		w.relabel("one", map[string]string{"layer": "none"})
		w.eventuallyBare("one")
		w.settled(p, 0)
	})
	w.run("a namespace with forged membership labels loses them", func(w *world) {
		w.relabel("one", map[string]string{v1alpha1.ProfileLabel: p.Name, v1alpha1.TierLabel: "api"})
		w.eventuallyBare("one")
	})
	w.run("a member is relabelled to a tier that it does not belong to, and put right", func(w *world) {
		w.relabel("one", w.layer("web"))
		w.eventuallyHas(p, "one", "web")
		w.relabel("one", map[string]string{v1alpha1.TierLabel: "api"})
		w.eventuallyHas(p, "one", "web")
	})
	w.run("a namespace is deleted, and nothing keeps it", func(w *world) {
		n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.ns("one")}}
		w.Expect(env.admin.Delete(w.ctx(), n)).To(Succeed())
		w.Eventually(func() bool {
			return apierrors.IsNotFound(env.admin.Get(w.ctx(), client.ObjectKeyFromObject(n), n))
		}, soon, tick).Should(BeTrue())
		w.settled(p, 0)
	})
}

// TestDeletionOfProfiles shows what each way to delete a profile leaves behind.
func TestDeletionOfProfiles(t *testing.T) {
	t.Run("orphan keeps the objects and the membership, and a new profile takes them over", func(t *testing.T) {
		w := newWorld(t)
		w.namespace("one", "web")
		p := w.create(w.twoTiers("shop").Obj())
		w.settled(p, 1)
		before, err := w.objects("one")
		w.Expect(err).NotTo(HaveOccurred())

		w.Expect(env.admin.Delete(t.Context(), p, client.PropagationPolicy(metav1.DeletePropagationOrphan))).To(Succeed())
		w.Eventually(func() bool {
			return apierrors.IsNotFound(env.admin.Get(t.Context(), client.ObjectKeyFromObject(p), p))
		}, soon, tick).Should(BeTrue())
		w.Consistently(func() error {
			after, err := w.objects("one")
			if err != nil {
				return err
			}
			w.Expect(after.Policies).To(HaveLen(len(before.Policies)))
			var n corev1.Namespace
			w.Expect(env.admin.Get(t.Context(), client.ObjectKey{Name: w.ns("one")}, &n)).To(Succeed())
			w.Expect(n.Labels).To(HaveKeyWithValue(v1alpha1.ProfileLabel, p.Name))
			return nil
		}, 2*time.Second, tick).Should(Succeed())

		// A tenant may change the policy, and so its labels, but gains no other tier by it.
		forged := must(w.policy("one", "segmentation")).DeepCopy()
		forged.Labels[v1alpha1.TierLabel] = "api"
		w.Expect(env.admin.Update(t.Context(), forged)).To(Succeed())
		w.notMember("one")

		again := w.create(w.twoTiers("shop").Obj())
		w.settled(again, 1)
		w.eventuallyHas(again, "one", "web")
	})
	t.Run("foreground waits for nothing that does not end", func(t *testing.T) {
		w := newWorld(t)
		w.namespace("one", "web")
		p := w.create(w.twoTiers("shop").Obj())
		w.settled(p, 1)
		w.Expect(env.admin.Delete(t.Context(), p, client.PropagationPolicy(metav1.DeletePropagationForeground))).To(Succeed())
		w.Eventually(func() bool {
			return apierrors.IsNotFound(env.admin.Get(t.Context(), client.ObjectKeyFromObject(p), p))
		}, soon, tick).Should(BeTrue())
		w.eventuallyBare("one")
	})
	t.Run("with the operator down nothing hangs or opens, and all goes when it is back", func(t *testing.T) {
		w := newWorld(t)
		w.namespace("one", "web")
		p := w.create(w.twoTiers("shop").Obj())
		w.settled(p, 1)
		w.Expect(env.operator.Stop()).To(Succeed())
		w.Expect(env.admin.Delete(t.Context(), p)).To(Succeed())
		w.Eventually(func() bool {
			return apierrors.IsNotFound(env.admin.Get(t.Context(), client.ObjectKeyFromObject(p), p))
		}, soon, tick).Should(BeTrue())
		w.Consistently(func() error {
			_, err := w.policy("one", "segmentation")
			return err
		}, 2*time.Second, tick).Should(Succeed())
		w.Expect(env.operator.Start()).To(Succeed())
		w.eventuallyBare("one")
	})
	t.Run("an orphan of a time in which the operator was down is kept too", func(t *testing.T) {
		w := newWorld(t)
		w.namespace("one", "web")
		p := w.create(w.twoTiers("shop").Obj())
		w.settled(p, 1)
		w.Expect(env.operator.Stop()).To(Succeed())
		w.Expect(env.admin.Delete(t.Context(), p, client.PropagationPolicy(metav1.DeletePropagationOrphan))).To(Succeed())
		w.Eventually(func() bool {
			return apierrors.IsNotFound(env.admin.Get(t.Context(), client.ObjectKeyFromObject(p), p))
		}, soon, tick).Should(BeTrue())
		w.Expect(env.operator.Start()).To(Succeed())
		w.Consistently(func() map[string]string {
			var n corev1.Namespace
			w.Expect(env.admin.Get(t.Context(), client.ObjectKey{Name: w.ns("one")}, &n)).To(Succeed())
			_, err := w.policy("one", "segmentation")
			w.Expect(err).NotTo(HaveOccurred())
			return n.Labels
		}, 2*time.Second, tick).Should(HaveKeyWithValue(v1alpha1.ProfileLabel, p.Name))

		// Without its bookmark it counts as deleted.
		bookmark := render.Bookmark(p.Name, "", deploy.Namespace)
		w.Expect(env.admin.Delete(t.Context(), bookmark)).To(Succeed())
		w.eventuallyBare("one")
	})
}
