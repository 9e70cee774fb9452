package operator

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/internal/cli"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

// TestTheCommandLineReadsClusterNetworkPolicies asks where there is one, where it may not be read, and where there is no such
// kind.
func TestTheCommandLineReadsClusterNetworkPolicies(t *testing.T) {
	w := newWorld(t)
	file := w.watched()
	definition := w.installGuardrails()
	guard := &policyv1alpha2.ClusterNetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: w.ns("guard")}}
	callers := metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: w.ns("w1")}}
	called := metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: w.ns("a1")}}
	from := []policyv1alpha2.ClusterNetworkPolicyIngressPeer{{Namespaces: &callers}}
	guard.Spec = policyv1alpha2.ClusterNetworkPolicySpec{
		Tier: policyv1alpha2.AdminTier, Priority: 900, Subject: policyv1alpha2.ClusterNetworkPolicySubject{Namespaces: &called},
		Ingress: []policyv1alpha2.ClusterNetworkPolicyIngressRule{
			{Action: "Deny", From: from, Protocols: onTCP(9090)}, {Action: "Accept", From: from, Protocols: onTCP(2346)},
		},
	}
	w.Eventually(func() error { return env.admin.Create(w.ctx(), guard) }, soon, tick).Should(Succeed())
	can := "can ns/" + w.ns("w1") + " ns/" + w.ns("a1") + ":9090"
	w.run("it decides", func(w *world) {
		reader := w.reader("all", "")
		got := w.ask(reader, can)
		w.Expect(got.code).To(Equal(cli.ExitFound), got.err)
		w.Expect(got.out).To(ContainSubstring("denied by ingress[0] of ClusterNetworkPolicy " + guard.Name))
		w.Expect(w.audited(reader)).To(ContainElement(And(
			HaveField("Rule", offline.UndeclaredClusterPath), HaveField("Name", guard.Name), HaveField("Namespace", w.ns("a1")))))
	})
	w.run("it may not be read", func(w *world) {
		reader := w.reader("blind", offline.ClusterPolicies)
		for _, command := range []string{can, "plan -f " + file, "map", "audit"} {
			got := w.ask(reader, command)
			w.Expect(got.code).NotTo(Equal(cli.ExitFailed), got.err)
			w.Expect(got.err).To(HavePrefix("not read, and left out: ClusterNetworkPolicies: "))
		}
		w.Expect(w.ask(reader, can).code).To(Equal(cli.ExitDone))
	})
	w.run("there is no such kind", func(w *world) {
		w.removeGuardrails(w.ctx(), definition)
		reader := w.reader("later", "")
		w.Eventually(func() string {
			got := w.ask(reader, can)
			return fmt.Sprint(got.code, got.err)
		}, soon, tick).Should(Equal(fmt.Sprint(cli.ExitDone, "")))
	})
}

func onTCP(port int32) []policyv1alpha2.ClusterNetworkPolicyProtocol {
	return []policyv1alpha2.ClusterNetworkPolicyProtocol{
		{TCP: &policyv1alpha2.ClusterNetworkPolicyProtocolTCP{DestinationPort: &policyv1alpha2.Port{Number: port}}},
	}
}
