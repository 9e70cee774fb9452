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
