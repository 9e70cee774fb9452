package operator

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// mayList asks the API server whether a service account of one namespace may list pods in another.
func (w *world) mayList(from, in string) bool {
	w.t.Helper()
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:               "system:serviceaccount:" + w.ns(from) + ":default",
		Groups:             []string{"system:serviceaccounts", "system:serviceaccounts:" + w.ns(from)},
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: w.ns(in), Verb: "list", Resource: "pods"},
	}}
	w.Expect(env.admin.Create(w.ctx(), review)).To(Succeed())
	return review.Status.Allowed
}

// discovering is a profile in which web's service accounts may read in api's namespaces.
func (w *world) discovering() *builders.ProfileBuilder {
	return w.twoTiers("shop").
		Role(builders.MakeRole("viewer").Read("pods").Obj()).
		Dependency(builders.MakeDependency("web-discovers-api").FromTier("web").ToTier("api").Access("viewer").Obj())
}

// TestAccessFollowsMembership has service accounts of one tier read in another.
func TestAccessFollowsMembership(t *testing.T) {
	w := newWorld(t)
	w.namespace("w1", "web")
	w.namespace("a1", "api")
	w.namespace("a2", "api")
	p := w.create(w.discovering().Obj())

	w.run("service accounts of the tier that calls may do what the role says where they call, and nowhere else", func(w *world) {
		w.settled(p, 3)
		w.Eventually(func() bool { return w.mayList("w1", "a1") && w.mayList("w1", "a2") }, soon, tick).Should(BeTrue())
		w.Expect(w.mayList("a1", "a1") || w.mayList("a1", "w1") || w.mayList("w1", "w1")).To(BeFalse())
		w.eventuallyHas(p, "a1", "api")
		w.eventuallyHas(p, "w1", "web")
	})
	w.run("the dependency opens no path, as it has no ports", func(w *world) {
		policy, err := w.policy("a1", "segmentation")
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(policy.Annotations[v1alpha1.DeclaredByAnnotation]).NotTo(ContainSubstring("web-discovers-api"))
	})
	w.run("a namespace that joins gets it", func(w *world) {
		w.namespace("w2", "web")
		w.Eventually(func() bool { return w.mayList("w2", "a1") && w.mayList("w2", "a2") }, soon, tick).Should(BeTrue())
		w.settled(p, 4)
	})
	w.run("where a namespace is called that joins, it is given there", func(w *world) {
		w.namespace("a3", "api")
		w.Eventually(func() bool { return w.mayList("w1", "a3") && w.mayList("w2", "a3") }, soon, tick).Should(BeTrue())
	})
	w.run("from a namespace that leaves it is taken before its labels are", func(w *world) {
		start := now(w)
		w.relabel("w2", map[string]string{"layer": "none"})
		w.eventuallyBare("w2")
		w.Expect(w.mayList("w2", "a1") || w.mayList("w2", "a2") || w.mayList("w2", "a3")).To(BeFalse())
		events, err := env.cluster.Audit().Since(w.ctx(), start)
		w.Expect(err).NotTo(HaveOccurred())
		taken, unlabelled := time.Time{}, time.Time{}
		for _, e := range events {
			switch {
			case e.User == deploy.User && e.Resource == "rolebindings" && e.IsWrite() && strings.HasPrefix(e.Namespace, w.name):
				taken = later(taken, e.Completed)
			case e.Resource == "namespaces" && e.Verb == "patch" && e.Name == w.ns("w2"):
				unlabelled = e.Received
			}
		}
		w.Expect(taken).NotTo(BeZero())
		w.Expect(unlabelled).To(BeTemporally(">=", taken))
	})
	w.run("a deleted namespace has it no longer, so that another one of its name does not", func(w *world) {
		w.Expect(env.admin.Delete(w.ctx(), builders.MakeNamespace(w.ns("w1")).Obj())).To(Succeed())
		w.Eventually(func() bool { return w.mayList("w1", "a1") }, soon, tick).Should(BeFalse())
		w.Eventually(func() (int, error) {
			got, err := w.objects("a1")
			return len(got.Bindings) + len(got.Roles), err
		}, soon, tick).Should(BeZero())
	})
}

// TestWhoLeavesLosesAccessWhereItIsHeld has callers leave while the namespaces that they call are held.
func TestWhoLeavesLosesAccessWhereItIsHeld(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"w1", "w2", "w3"} {
		w.namespace(name, "web")
	}
	w.namespace("a1", "api")
	shop := w.discovering().Obj()
	shop.Spec.Tiers = append(shop.Spec.Tiers,
		builders.MakeTier("x").Selector(w.layer("both")).Obj(), builders.MakeTier("y").Selector(w.layer("both")).Obj())
	p := w.create(shop)
	w.settled(p, 4)
	all := func() bool { return w.mayList("w1", "a1") && w.mayList("w2", "a1") && w.mayList("w3", "a1") }
	w.Eventually(all, soon, tick).Should(BeTrue())

	w.run("since two tiers select it", func(w *world) {
		w.relabel("a1", map[string]string{"layer": "both"})
		w.condition(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonTiersOverlap)
		w.Expect(all()).To(BeTrue(), "nothing else is taken away")
		w.relabel("w1", map[string]string{"layer": "none"})
		w.eventuallyBare("w1")
		w.Expect(w.mayList("w1", "a1")).To(BeFalse())
		w.Expect(w.mayList("w2", "a1")).To(BeTrue())
	})
	w.run("since the profile is in preview", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) { s.Mode = v1alpha1.ModePreview })
		w.Expect(env.admin.Delete(w.ctx(), builders.MakeNamespace(w.ns("w2")).Obj())).To(Succeed())
		w.Eventually(func() bool { return w.mayList("w2", "a1") }, soon, tick).Should(BeFalse())
		w.Expect(w.mayList("w3", "a1")).To(BeTrue())
	})
	w.run("also after a restart", func(w *world) {
		w.Expect(env.operator.Stop()).To(Succeed())
		w.Expect(env.operator.Start()).To(Succeed())
		w.Expect(env.admin.Delete(w.ctx(), builders.MakeNamespace(w.ns("w3")).Obj())).To(Succeed())
		w.Eventually(func() bool { return w.mayList("w3", "a1") }, soon, tick).Should(BeFalse())
	})
}

// TestAnOrphanKeepsAccess deletes a profile as an orphan, and restarts the operator: who has not left keeps what he has.
func TestAnOrphanKeepsAccess(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"w1", "w2"} {
		w.namespace(name, "web")
	}
	w.namespace("a1", "api")
	p := w.create(w.discovering().Obj())
	w.settled(p, 3)
	w.Eventually(func() bool { return w.mayList("w1", "a1") && w.mayList("w2", "a1") }, soon, tick).Should(BeTrue())
	w.Expect(env.admin.Delete(w.ctx(), p, client.PropagationPolicy(metav1.DeletePropagationOrphan))).To(Succeed())
	w.Eventually(func() error { return env.admin.Get(w.ctx(), client.ObjectKeyFromObject(p), p.DeepCopy()) }, soon, tick).ShouldNot(Succeed())
	mark := builders.MakeNetworkPolicy(deploy.Namespace, "segmentation-profile-"+p.Name).Obj()
	w.root.Cleanup(func() { _ = env.admin.Delete(context.Background(), mark) })

	w.Expect(env.operator.Stop()).To(Succeed())
	w.Expect(env.operator.Start()).To(Succeed())
	w.run("of two, one is deleted", func(w *world) {
		w.Expect(env.admin.Delete(w.ctx(), builders.MakeNamespace(w.ns("w2")).Obj())).To(Succeed())
		w.Eventually(func() bool { return w.mayList("w2", "a1") }, soon, tick).Should(BeFalse())
		w.Expect(w.mayList("w1", "a1")).To(BeTrue())
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// TestAccessIsQuiet restarts the operator where service accounts have access: that they are members is seen
// anew, and nothing is written.
func TestAccessIsQuiet(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"w1", "w2", "w3"} {
		w.namespace(name, "web")
	}
	w.namespace("a1", "api")
	w.namespace("a2", "api")
	p := w.create(w.discovering().Obj())
	w.settled(p, 5)
	w.eventuallyHas(p, "a1", "api")
	w.eventuallyHas(p, "a2", "api")

	w.Expect(env.operator.Stop()).To(Succeed())
	start := now(w)
	w.Expect(env.operator.Start()).To(Succeed())
	// That the operator is at work again shows when it mends something.
	w.Expect(env.admin.Delete(w.ctx(), must(w.policy("a1", "segmentation")))).To(Succeed())
	w.eventuallyHas(p, "a1", "api")
	w.settled(p, 5)
	events, err := env.cluster.Audit().Since(w.ctx(), start)
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(slices.DeleteFunc(events, func(e cluster.AuditEvent) bool {
		return e.User != deploy.User || e.Resource != "rolebindings" && e.Resource != "roles" || !e.IsWrite() ||
			!strings.HasPrefix(e.Namespace, w.name)
	})).To(BeEmpty())
}

// TestClusterRolesAreLookedAt binds ClusterRoles that are not there, or let a tier edit its own boundary.
func TestClusterRolesAreLookedAt(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "web")
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: w.ns("later")}}
	role.Rules = []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}}}
	// The account that grants may bind it by its name before it is there, so the API server would not say that it is missing.
	raised := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: w.ns("raised"), Labels: map[string]string{"segmentation.dev/grantable": "true"}},
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{rbacv1.GroupName}, Resources: []string{"clusterroles"}, Verbs: []string{"bind"}, ResourceNames: []string{role.Name},
		}},
	}
	w.Expect(env.admin.Create(w.ctx(), raised)).To(Succeed())
	t.Cleanup(func() {
		_ = env.admin.Delete(context.Background(), raised)
		_ = env.admin.Delete(context.Background(), role)
	})
	shop := w.twoTiers("shop").Obj()
	shop.Spec.Tiers[0].Access = []v1alpha1.TierAccess{{
		ClusterRole: v1alpha1.ClusterRoleName(role.Name), Subjects: []v1alpha1.Subject{builders.Group("developers")},
	}}
	p := w.create(shop)
	bindings := func() (int, error) {
		got, err := w.objects("one")
		return len(got.Bindings), err
	}

	w.run("one that is missing is reported, and not bound", func(w *world) {
		ready := w.condition(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonRoleMissing)
		w.Expect(ready.Message).To(ContainSubstring("ClusterRole " + role.Name + " does not exist; create it, or correct access.clusterRole"))
		w.Expect(bindings()).To(BeZero())
		_, err := w.policy("one", "segmentation")
		w.Expect(err).NotTo(HaveOccurred())
	})
	w.run("it is bound as soon as it is there", func(w *world) {
		w.Expect(env.admin.Create(w.ctx(), role)).To(Succeed())
		w.settled(p, 1)
		w.eventuallyHas(p, "one", "web")
		w.Expect(bindings()).To(Equal(1))
	})
	w.run("it is bound no longer when it comes to edit the boundary", func(w *world) {
		role.Rules = append(role.Rules, rbacv1.PolicyRule{
			APIGroups: []string{"networking.k8s.io"}, Resources: []string{"networkpolicies"}, Verbs: []string{"create"},
		})
		w.Expect(env.admin.Update(w.ctx(), role)).To(Succeed())
		ready := w.condition(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonEditsBoundary)
		w.Expect(ready.Message).To(ContainSubstring("ClusterRole " + role.Name + " lets a tier edit its own boundary"))
		w.Eventually(bindings, soon, tick).Should(BeZero())
	})
	w.run("unless the profile says that it may", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Tiers[0].Access[0].BoundaryEdits = v1alpha1.BoundaryEditsAllowed
		})
		w.settled(p, 1)
		w.Expect(bindings()).To(Equal(1))
	})
	w.run("nor does it stay bound when it is gone", func(w *world) {
		w.Expect(env.admin.Delete(w.ctx(), role)).To(Succeed())
		w.condition(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonRoleMissing)
		w.Eventually(bindings, soon, tick).Should(BeZero())
		var n corev1.Namespace
		w.Expect(env.admin.Get(w.ctx(), client.ObjectKey{Name: w.ns("one")}, &n)).To(Succeed())
		w.Expect(n.Labels).To(HaveKeyWithValue(v1alpha1.TierLabel, "web"))
	})
}
