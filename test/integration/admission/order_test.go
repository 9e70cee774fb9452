package admission

import (
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// kubectl apply of the whole installation writes the CRD and the policies right after each other.
// Whatever is their order, pods are admitted again by themselves.
func TestPoliciesThatAreThereBeforeTheirCRDLetPodsInOnceItIs(t *testing.T) {
	w := newWorld(t)
	c, err := cluster.Start(t.Context(), cluster.WithoutControllerManager())
	w.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	admin, err := client.New(c.AdminConfig(), client.Options{Scheme: env.scheme})
	w.Expect(err).NotTo(HaveOccurred())
	admits := func(namespace string) func() error {
		return func() error { return admin.Create(w.ctx(), pod(namespace, "probe"), client.DryRunAll) }
	}
	w.Eventually(admits("default"), soon, tick).Should(Succeed())

	w.Expect(deploy.ApplyManifests(w.ctx(), admin, "config/admission/pod_admission.yaml")).To(Succeed())
	w.Eventually(admits("default"), soon, tick).Should(MatchError(ContainSubstring("failed to find resource referenced by paramKind")))
	w.Expect(admits("kube-system")()).To(Succeed(), "system namespaces are never affected")

	root, err := deploy.Root()
	w.Expect(err).NotTo(HaveOccurred())
	begin := time.Now()
	_, err = envtest.InstallCRDs(c.AdminConfig(), envtest.CRDInstallOptions{Paths: []string{filepath.Join(root, "config", "crd", "bases")}})
	w.Expect(err).NotTo(HaveOccurred())
	w.Eventually(admits("default"), 2*time.Minute, tick).Should(Succeed())
	t.Logf("pods are admitted %s after the CRD was applied", time.Since(begin).Round(100*time.Millisecond))
}

// An API server that starts anew has to find the CRD before it can admit pods by profiles. It does
// so at once, or when it looks the next time.
func TestARestartedAPIServerAdmitsPods(t *testing.T) {
	w := newWorld(t)
	root, err := deploy.Root()
	w.Expect(err).NotTo(HaveOccurred())
	c, err := cluster.Start(t.Context(), cluster.WithoutControllerManager(), cluster.WithCRDs(filepath.Join(root, "config", "crd", "bases")))
	w.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	admin, err := client.New(c.AdminConfig(), client.Options{Scheme: env.scheme})
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(deploy.ApplyManifests(w.ctx(), admin, "config/admission/pod_admission.yaml")).To(Succeed())
	w.Expect(c.RestartAPIServer(w.ctx())).To(Succeed())
	begin := time.Now()
	var last error
	w.Eventually(func() error {
		err := admin.Create(w.ctx(), pod("default", "probe"), client.DryRunAll)
		if err != nil {
			last = err
		}
		return err
	}, 2*time.Minute, tick).Should(Succeed())
	t.Logf("pods are admitted %s after the API server was ready; the last refusal was: %v", time.Since(begin).Round(100*time.Millisecond), last)
}
