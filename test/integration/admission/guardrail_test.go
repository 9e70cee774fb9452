package admission

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// TestOnlyTheOperatorChangesGuardrails has a cluster admin try.
func TestOnlyTheOperatorChangesGuardrails(t *testing.T) {
	w := newWorld(t)
	definition, err := deploy.Guardrails()
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(env.admin.Create(w.ctx(), definition)).To(Succeed())
	t.Cleanup(func() { _ = env.admin.Delete(context.Background(), definition) })
	p := w.twoTiers("shop").Obj()
	p.Spec.Guardrails = &v1alpha1.Guardrails{}
	w.profile(p)
	deny := &policyv1alpha2.ClusterNetworkPolicy{}
	read := func() error {
		return env.admin.Get(w.ctx(), client.ObjectKey{Name: guardrail.DenyName(p.Name)}, deny)
	}
	w.Eventually(read, soon, tick).Should(Succeed())

	w.Expect(env.admin.Delete(w.ctx(), deny.DeepCopy())).To(MatchError(ContainSubstring(notDeleted("ClusterNetworkPolicy", p.Name))))
	changed := deny.DeepCopy()
	changed.Spec.Ingress = nil
	w.Expect(env.admin.Update(w.ctx(), changed)).To(MatchError(ContainSubstring(notChanged("ClusterNetworkPolicy", p.Name))))
	forged := &policyv1alpha2.ClusterNetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: w.ns("mine"), Labels: deny.Labels}, Spec: deny.Spec}
	w.Expect(env.admin.Create(w.ctx(), forged)).To(MatchError(ContainSubstring(labelIsTheOperators)))

	deny.Status.Conditions = []metav1.Condition{{
		Type: "Accepted", Status: "True", Reason: "Programmed", LastTransitionTime: metav1.Now(),
	}}
	w.Expect(env.admin.Status().Update(w.ctx(), deny)).To(Succeed(), "the network plugin says there what it made of it")
	w.Expect(env.admin.Delete(w.ctx(), p)).To(Succeed())
	w.Eventually(func() bool { return apierrors.IsNotFound(read()) }, soon, tick).Should(BeTrue())
}
