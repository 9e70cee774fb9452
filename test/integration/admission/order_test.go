package admission

import (
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// alone starts a cluster without operator and controllers, with the policy on pods.
func (w *world) alone(options ...cluster.Option) (*cluster.Cluster, client.Client) {
	w.t.Helper()
	c, err := cluster.Start(w.ctx(), append(options, cluster.WithoutControllerManager())...)
	w.Expect(err).NotTo(HaveOccurred())
	w.t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			w.t.Error(err)
		}
	})
	admin, err := client.New(c.AdminConfig(), client.Options{Scheme: env.scheme})
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(deploy.ApplyManifests(w.ctx(), admin, "config/admission/pod_admission.yaml")).To(Succeed())
	return c, admin
}

// The policy reads profiles. Without their CRD, as after "make uninstall", there are none, and it must not
// hold anybody, also not when the API server starts anew.
func TestWithoutTheCRDNoPodIsHeld(t *testing.T) {
	w := newWorld(t)
	c, admin := w.alone()
	admits := func() error { return admin.Create(w.ctx(), pod("default", "probe"), client.DryRunAll) }
	w.Eventually(admits, soon, tick).Should(Succeed())
	w.Consistently(admits, 3*time.Second, tick).Should(Succeed())
	w.Expect(c.RestartAPIServer(w.ctx())).To(Succeed())
	w.Eventually(admits, soon, tick).Should(Succeed())
	w.Consistently(admits, 3*time.Second, tick).Should(Succeed())
}

// An API server that starts anew has to find the CRD before it can hold pods by profiles. It does so at once,
// or when it looks the next time. Until then nobody is held.
func TestARestartedAPIServerHoldsPodsAgain(t *testing.T) {
	w := newWorld(t)
	root, err := deploy.Root()
	w.Expect(err).NotTo(HaveOccurred())
	c, admin := w.alone(cluster.WithCRDs(filepath.Join(root, "config", "crd", "bases")))
	strict := builders.MakeProfile("strict").Strict().Tier(builders.MakeTier("t").Names("later").Obj()).Obj()
	w.Expect(admin.Create(w.ctx(), strict)).To(Succeed())
	w.Expect(admin.Create(w.ctx(), builders.MakeNamespace("later").Obj())).To(Succeed())
	held := func() string { return deniedBy(admin.Create(w.ctx(), pod("later", "probe"), client.DryRunAll)) }
	w.Eventually(held, time.Minute, tick).Should(Equal(podAdmission))

	w.Expect(c.RestartAPIServer(w.ctx())).To(Succeed())
	begin := time.Now()
	w.Expect(admin.Create(w.ctx(), pod("default", "probe"), client.DryRunAll)).To(Succeed(), "nobody else is held meanwhile")
	w.Eventually(held, 2*time.Minute, tick).Should(Equal(podAdmission))
	t.Logf("pods are held again %s after the API server was ready", time.Since(begin).Round(100*time.Millisecond))
}
