package operator

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
)

// TestIsolated has others write NetworkPolicies in a member namespace.
func TestIsolated(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "web")
	w.namespace("two", "web")
	w.namespace("outside", "none")
	p := w.create(w.twoTiers("shop").Obj())
	w.settled(p, 2)
	isolated := func() {
		w.t.Helper()
		w.condition(p, v1alpha1.ConditionIsolated, metav1.ConditionTrue, v1alpha1.ReasonNoUndeclaredPath)
		w.Expect(p.Status.UndeclaredPaths).To(BeZero())
	}
	isolated()
	start := now(w)
	everything := networkingv1.NetworkPolicyIngressRule{}
	open := builders.MakeNetworkPolicy(w.ns("one"), "debug").Ingress(everything).Obj()
	told := func() (n int) {
		for _, reason := range reasons(w, p) {
			if reason == v1alpha1.ReasonUndeclaredPath {
				n++
			}
		}
		return n
	}
	w.run("what opens nothing that is not declared does not count, and what is elsewhere", func(w *world) {
		w.Expect(env.admin.Create(w.ctx(), builders.MakeNetworkPolicy(w.ns("one"), "deny").DenyAll().Obj())).To(Succeed())
		w.Expect(env.admin.Create(w.ctx(), builders.MakeNetworkPolicy(w.ns("outside"), "open").Ingress(everything).Obj())).To(Succeed())
		w.Expect(env.admin.Create(w.ctx(), builders.MakeNetworkPolicy(w.ns("one"), "inside").Ingress(
			networkingv1.NetworkPolicyIngressRule{From: []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{}}}}).Obj())).To(Succeed())
		w.Consistently(func() (v1alpha1.UndeclaredPaths, error) {
			err := env.admin.Get(w.ctx(), client.ObjectKeyFromObject(p), p)
			return p.Status.UndeclaredPaths, err
		}, "2s", tick).Should(BeZero())
		isolated()
	})
	w.run("a policy that opens paths is named, and the profile stays ready", func(w *world) {
		w.Expect(env.admin.Create(w.ctx(), open)).To(Succeed())
		c := w.condition(p, v1alpha1.ConditionIsolated, metav1.ConditionFalse, v1alpha1.ReasonUndeclaredPath)
		w.Expect(c.Message).To(HavePrefix("namespace " + w.ns("one") + ": NetworkPolicy debug lets "))
		w.Expect(w.finds(p, v1alpha1.ReasonUndeclaredPath)).To(ContainSubstring("reach every pod of this namespace on every port"))
		w.Expect(p.Status.UndeclaredPaths).To(Equal(v1alpha1.UndeclaredPaths{NetworkPolicies: 1, First: w.ns("one") + "/debug"}))
		w.condition(p, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSegmented)
		w.Eventually(told, soon, tick).Should(Equal(1))
	})
	w.run("a change of it is noticed, and is not told again", func(w *world) {
		open.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{
			From: []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "tools"}}}},
		}}
		w.Expect(env.admin.Update(w.ctx(), open)).To(Succeed())
		w.Eventually(func() string { return w.finds(p, v1alpha1.ReasonUndeclaredPath) }, soon, tick).Should(ContainSubstring("lets namespace tools reach"))
	})
	w.run("a change of the profile does not have it told again", func(w *world) {
		w.change(p, func(spec *v1alpha1.SegmentationProfileSpec) {
			spec.Tiers[0].InternalTraffic = v1alpha1.InternalTrafficDeny
		})
		w.settled(p, 2)
		w.condition(p, v1alpha1.ConditionIsolated, metav1.ConditionFalse, v1alpha1.ReasonUndeclaredPath)
		w.Expect(told()).To(Equal(1))
	})
	w.run("once it is deleted the profile is isolated", func(w *world) {
		w.Expect(env.admin.Delete(w.ctx(), open)).To(Succeed())
		isolated()
		w.findsNone(p, v1alpha1.ReasonUndeclaredPath)
		w.Expect(told()).To(Equal(1))
	})
	w.run("nothing was written for it but status, events, and what the profile's change asked for", func(w *world) {
		for _, request := range requests(w, start, cluster.AuditEvent.IsWrite) {
			if !strings.Contains(request, "/status") && !strings.Contains(request, "/events") {
				w.Expect(request).To(And(ContainSubstring("networkpolicies/segmentation?"), Not(ContainSubstring("debug"))))
			}
		}
	})
}

// TestAForeignPolicyIsLookedAtInItsNamespaceOnly counts what the operator looks at, among many namespaces.
func TestAForeignPolicyIsLookedAtInItsNamespaceOnly(t *testing.T) {
	w := newWorld(t)
	const many = 20
	for i := range many {
		w.namespace(fmt.Sprintf("n%d", i), "web")
	}
	p := w.create(w.twoTiers("shop").Obj())
	w.settled(p, many)
	token := scraper(w)
	metric := func(name string, labels ...string) (sum float64) {
		code, text := readMetrics(w, token)
		w.Expect(code).To(Equal(http.StatusOK))
		for line := range strings.Lines(text) {
			has := func(label string) bool { return strings.Contains(line, label) }
			if !strings.HasPrefix(line, name+"{") || slices.ContainsFunc(labels, func(label string) bool { return !has(label) }) {
				continue
			}
			value, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndex(line, " "):]), 64)
			w.Expect(err).NotTo(HaveOccurred())
			sum += value
		}
		return sum
	}
	looks := func() float64 { return metric("controller_runtime_reconcile_total", `controller="namespace"`) }
	w.Eventually(looks, soon, tick).Should(BeNumerically(">=", many))
	var before float64
	w.Eventually(func() bool { // What comes of the writes themselves has been looked at.
		last := before
		before = looks()
		return before == last
	}, soon, "1s").Should(BeTrue())
	open := builders.MakeNetworkPolicy(w.ns("n7"), "debug").Ingress(networkingv1.NetworkPolicyIngressRule{}).Obj()
	w.Expect(env.admin.Create(w.ctx(), open)).To(Succeed())
	w.condition(p, v1alpha1.ConditionIsolated, metav1.ConditionFalse, v1alpha1.ReasonUndeclaredPath)
	w.Expect(looks() - before).To(BeNumerically("<=", 2))
	w.Eventually(func() float64 {
		return metric("segmentation_findings", `profile="`+p.Name+`"`, `reason="`+v1alpha1.ReasonUndeclaredPath+`"`)
	}, soon, tick).Should(BeEquivalentTo(1))
}

// TestIsolatedIsNotKnownInPreview has nothing isolated.
func TestIsolatedIsNotKnownInPreview(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "web")
	w.Expect(env.admin.Create(w.ctx(), builders.MakeNetworkPolicy(w.ns("one"), "open").Ingress(networkingv1.NetworkPolicyIngressRule{}).Obj())).To(Succeed())
	p := w.create(w.twoTiers("shop").Preview().Obj())
	w.condition(p, v1alpha1.ConditionIsolated, metav1.ConditionUnknown, v1alpha1.ReasonPreview)
	w.run("enforced, it is told what was there before", func(w *world) {
		w.change(p, func(spec *v1alpha1.SegmentationProfileSpec) { spec.Mode = v1alpha1.ModeEnforce })
		w.condition(p, v1alpha1.ConditionIsolated, metav1.ConditionFalse, v1alpha1.ReasonUndeclaredPath)
	})
}
