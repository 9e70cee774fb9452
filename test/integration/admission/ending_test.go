package admission

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// At a namespace's end there is no open window either: Kubernetes removes its pods before its
// policies, and the operator removes none while it is a member.
func TestPoliciesOutliveThePodsOfANamespace(t *testing.T) {
	w := newWorld(t)
	n := w.namespace("one", "web")
	p := w.profile(w.busy())
	w.settled(p, 1)
	last := pod(n.Name, "last")
	last.Finalizers = []string{"example.com/stay"}
	w.Expect(env.admin.Create(w.ctx(), last)).To(Succeed())
	letGo := func() error {
		return env.admin.Patch(context.Background(), last, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`)))
	}
	t.Cleanup(func() { _ = letGo() })

	w.Expect(env.admin.Delete(w.ctx(), n)).To(Succeed())
	w.Eventually(func() bool {
		w.Expect(env.admin.Get(w.ctx(), client.ObjectKeyFromObject(last), last)).To(Succeed())
		return last.DeletionTimestamp != nil
	}, soon, tick).Should(BeTrue(), "the pod is told to go")
	w.Consistently(func(g Gomega) {
		var policies networkingv1.NetworkPolicyList
		g.Expect(env.admin.List(w.ctx(), &policies, client.InNamespace(n.Name))).To(Succeed())
		g.Expect(policies.Items).To(HaveLen(2))
		for _, policy := range policies.Items {
			g.Expect(policy.DeletionTimestamp).To(BeNil())
		}
	}, 3*time.Second, tick).Should(Succeed(), "while the pod is there, the policies are")

	w.Expect(letGo()).To(Succeed())
	w.gone(n)
	w.settled(p, 0)
}
