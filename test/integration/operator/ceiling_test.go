package operator

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// TestCeiling asks for more than the operator may grant. The operator runs under its own
// service account, so it is the API server that refuses.
func TestCeiling(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "web")
	shop := w.twoTiers("shop").
		Role(builders.MakeRole("viewer").Read("pods").Obj(),
			builders.MakeRole("deployer").Rule("apps", []string{"deployments"}, []string{"delete"}).Obj()).Obj()
	developers := []v1alpha1.Subject{builders.Group("developers")}
	shop.Spec.Tiers[0].Access = []v1alpha1.TierAccess{
		{Role: "viewer", Subjects: developers},
		{Role: "deployer", Subjects: developers},
		{ClusterRole: "cluster-admin", Subjects: developers, BoundaryEdits: v1alpha1.BoundaryEditsAllowed},
		{ClusterRole: "view", Subjects: developers},
		{ClusterRole: "no-such-role", Subjects: developers},
	}
	p := w.create(shop)

	w.run("the profile says which role is above the ceiling, and how to raise it", func(w *world) {
		ready := w.condition(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonAboveCeiling)
		w.Expect(ready.Message).To(ContainSubstring("is above what the operator may grant"))
		w.Expect(ready.Message).To(ContainSubstring("segmentation.dev/grantable"))
		w.condition(p, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonAboveCeiling)
		var told []string
		for _, f := range p.Status.Findings {
			told = append(told, f.Message)
		}
		w.Expect(told).To(ContainElement(And(ContainSubstring("role deployer"), ContainSubstring(`Resources:["deployments"]`))))
		w.Expect(told).To(ContainElement(And(
			ContainSubstring("ClusterRole cluster-admin is above what the operator may grant"), ContainSubstring("add bind on it by its name"))))
		w.Expect(told).To(ContainElement(ContainSubstring("ClusterRole no-such-role does not exist")))
		w.Expect(told).NotTo(ContainElement(ContainSubstring("role view")))
	})
	w.run("the network side and what is below the ceiling are there all the same", func(w *world) {
		_, err := w.policy("one", "segmentation")
		w.Expect(err).NotTo(HaveOccurred())
		got, err := w.objects("one")
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(got.Roles).To(HaveLen(1))
		w.Expect(got.Roles[0].Name).To(Equal("segmentation-viewer"))
		w.Expect(got.Bindings).To(HaveLen(2))
		n := builders.MakeNamespace(w.ns("one")).Obj()
		w.Expect(env.admin.Get(w.ctx(), client.ObjectKeyFromObject(n), n)).To(Succeed())
		w.Expect(n.Labels).To(HaveKeyWithValue(v1alpha1.TierLabel, "web"))
	})
	w.run("an administrator raises the ceiling", func(w *world) {
		raised := &rbacv1.ClusterRole{
			ObjectMeta: metav1.ObjectMeta{Name: w.ns("deployers"), Labels: map[string]string{"segmentation.dev/grantable": "true"}},
			Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"delete"}}},
		}
		w.Expect(env.admin.Create(w.ctx(), raised)).To(Succeed())
		w.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), raised) })
		w.Eventually(func() []rbacv1.PolicyRule {
			var role rbacv1.ClusterRole
			w.Expect(env.admin.Get(w.ctx(), client.ObjectKey{Name: "segmentation-operator-grantable"}, &role)).To(Succeed())
			return role.Rules
		}, soon, tick).Should(ContainElement(HaveField("Resources", []string{"deployments"})))
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Tiers[0].Access = append(s.Tiers[0].Access[:2:2], s.Tiers[0].Access[3])
		})
		w.settled(p, 1)
		w.eventuallyHas(p, "one", "web")
	})
	w.run("what the operator holds for its own work cannot be granted", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Roles = append(s.Roles,
				builders.MakeRole("boundary").Rule("networking.k8s.io", []string{"networkpolicies"}, []string{"patch"}).BoundaryEdits().Obj(),
				builders.MakeRole("labels").Rule("", []string{"namespaces"}, []string{"patch"}).BoundaryEdits().Obj())
			s.Tiers[0].Access = append(s.Tiers[0].Access,
				v1alpha1.TierAccess{Role: "boundary", Subjects: developers},
				v1alpha1.TierAccess{Role: "labels", Subjects: developers},
				v1alpha1.TierAccess{
					ClusterRole: "segmentation-operator-manager", Subjects: developers, BoundaryEdits: v1alpha1.BoundaryEditsAllowed,
				})
		})
		w.condition(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonAboveCeiling)
		w.Expect(p.Status.FindingsTotal).To(Equal(int32(3)), "%v", p.Status.Findings)
		got, err := w.objects("one")
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(got.Roles).To(HaveLen(2))
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) { s.Tiers[0].Access = s.Tiers[0].Access[:3] })
		w.settled(p, 1)
	})
	w.run("the operator may not do what it is not for", func(w *world) {
		config, err := env.cluster.ServiceAccountConfig(w.ctx(), deploy.Namespace, deploy.ServiceAccount)
		w.Expect(err).NotTo(HaveOccurred())
		operator, err := client.New(config, client.Options{Scheme: env.scheme})
		w.Expect(err).NotTo(HaveOccurred())
		attempts := map[string]error{
			"create a namespace": operator.Create(w.ctx(), builders.MakeNamespace(w.ns("evil")).Obj()),
			"delete a namespace": operator.Delete(w.ctx(), builders.MakeNamespace(w.ns("one")).Obj()),
			"change a profile":   operator.Update(w.ctx(), p.DeepCopy()),
			"write a role above the ceiling": operator.Create(w.ctx(),
				builders.MakeRBACRole(w.ns("one"), "evil").Rule("", []string{"secrets"}, []string{"get"}).Obj()),
			"write a role as itself": operator.Create(w.ctx(),
				builders.MakeRBACRole(w.ns("one"), "evil").Rule("", []string{"pods"}, []string{"get"}).Obj()),
			"bind cluster-admin": operator.Create(w.ctx(),
				builders.MakeRoleBinding(w.ns("one"), "evil").ClusterRole("cluster-admin").User("mallory").Obj()),
		}
		for what, err := range attempts {
			w.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%s: %v", what, err)
		}
	})
}
