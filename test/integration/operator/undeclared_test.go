package operator

import (
	"context"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// TestUndeclaredAccess has others grant what a profile does not declare.
func TestUndeclaredAccess(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "web")
	w.namespace("outside", "none")
	shop := w.twoTiers("shop").Role(builders.MakeRole("viewer").Read("pods").Obj()).Obj()
	shop.Spec.Tiers[0].Access = []v1alpha1.TierAccess{{Role: "viewer", Subjects: []v1alpha1.Subject{builders.Group("developers")}}}
	p := w.create(shop)
	w.settled(p, 1)

	counted := func(want v1alpha1.UndeclaredAccess) {
		w.t.Helper()
		w.Eventually(func() (v1alpha1.UndeclaredAccess, error) {
			err := env.admin.Get(w.ctx(), client.ObjectKeyFromObject(p), p)
			return p.Status.UndeclaredAccess, err
		}, soon, tick).Should(Equal(want))
	}
	create := func(obj client.Object) {
		w.t.Helper()
		w.Expect(env.admin.Create(w.ctx(), obj)).To(Succeed())
		w.root.Cleanup(func() { _ = env.admin.Delete(context.Background(), obj) })
	}
	w.run("what is declared, or is elsewhere, or gives nothing, does not count", func(w *world) {
		create(builders.MakeRBACRole(w.ns("one"), "idle").Rule("", []string{"secrets"}, []string{"get"}).Obj())
		create(builders.MakeRoleBinding(w.ns("one"), "dangling").Role("nowhere").User("mallory").Obj())
		create(builders.MakeRoleBinding(w.ns("outside"), "any").ClusterRole("edit").User("mallory").Obj())
		create(builders.MakeRBACRole(w.ns("one"), "known").Rule("", []string{"pods"}, []string{"get"}).Obj())
		create(builders.MakeRoleBinding(w.ns("one"), "declared").Role("known").Group("developers").Obj())
		w.settled(p, 1)
		w.Expect(p.Status.UndeclaredAccess).To(BeZero())
	})
	w.run("a RoleBinding that gives more is counted and named, and the profile stays ready", func(w *world) {
		create(builders.MakeRoleBinding(w.ns("one"), "debug").Role("idle").User("mallory").Obj())
		counted(v1alpha1.UndeclaredAccess{Roles: 1, RoleBindings: 1, First: w.ns("one") + "/debug"})
		ready := w.condition(p, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSegmented)
		w.Expect(ready.Message).To(Equal("1 of 1 namespace segmented; 1 RoleBinding grants more than is declared"))
		w.Expect(p.Status.Findings).To(ContainElement(And(
			HaveField("Reason", v1alpha1.ReasonUndeclaredAccess),
			HaveField("Message", ContainSubstring("RoleBinding debug gives User mallory get on secrets")))))
	})
	w.run("an event tells of it", func(w *world) {
		w.Eventually(func() ([]eventsv1.Event, error) {
			var list eventsv1.EventList
			err := env.admin.List(w.ctx(), &list)
			return list.Items, err
		}, soon, tick).Should(ContainElement(And(
			HaveField("Reason", v1alpha1.ReasonUndeclaredAccess), HaveField("Regarding.Name", p.Name), HaveField("Type", "Warning"))))
	})
	w.run("so does a metric", func(w *world) {
		token := scraper(w)
		w.Eventually(func() string {
			_, text := readMetrics(w, token)
			return text
		}, soon, tick).Should(And(
			ContainSubstring(fmt.Sprintf("segmentation_undeclared_role_bindings{profile=%q} 1", p.Name)),
			ContainSubstring(fmt.Sprintf("segmentation_undeclared_roles{profile=%q} 1", p.Name))))
	})
	w.run("a ClusterRole that comes to hold more is noticed", func(w *world) {
		role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: w.ns("harmless")}}
		create(role)
		create(builders.MakeRoleBinding(w.ns("one"), "growing").ClusterRole(role.Name).User("mallory").Obj())
		role.Rules = []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods/exec"}, Verbs: []string{"create"}}}
		w.Expect(env.admin.Update(w.ctx(), role)).To(Succeed())
		counted(v1alpha1.UndeclaredAccess{Roles: 1, RoleBindings: 2, First: w.ns("one") + "/debug"})
	})
	w.run("what is removed counts no longer", func(w *world) {
		for _, name := range []string{"debug", "growing"} {
			w.Expect(env.admin.Delete(w.ctx(), builders.MakeRoleBinding(w.ns("one"), name).Obj())).To(Succeed())
		}
		counted(v1alpha1.UndeclaredAccess{})
	})
}
