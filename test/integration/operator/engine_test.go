package operator

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
)

// restarted starts the operator with flags, until the test ends.
func (w *world) restarted(flags ...string) {
	w.t.Helper()
	env.operator.Kill()
	w.Expect(env.operator.Start(flags...)).To(Succeed())
	w.root.Cleanup(func() {
		env.operator.Kill()
		NewWithT(w.root).Expect(env.operator.Start()).To(Succeed())
	})
}

// daemon creates a DaemonSet in kube-system and a pod of it, as there are no nodes on which there would be one.
func (w *world) daemon(name, image string) {
	w.t.Helper()
	labels := map[string]string{"k8s-app": name}
	spec := corev1.PodSpec{
		Containers: []corev1.Container{{Name: name, Image: image}}, AutomountServiceAccountToken: new(false),
	}
	set := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: name}, Spec: appsv1.DaemonSetSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec},
	}}
	w.Expect(env.admin.Create(w.ctx(), set)).To(Succeed())
	pod := &corev1.Pod{Spec: spec, ObjectMeta: metav1.ObjectMeta{
		Namespace: "kube-system", Name: name + "-x", Labels: labels,
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "DaemonSet", Name: name, UID: set.UID}},
	}}
	w.Eventually(func() error { return env.admin.Create(w.ctx(), pod) }, soon, tick).Should(Succeed())
	w.root.Cleanup(func() {
		_ = env.admin.Delete(context.Background(), pod, client.GracePeriodSeconds(0))
		_ = env.admin.Delete(context.Background(), set)
	})
}

// listening creates a pod that has a port by a name, and deletes it when the test ends.
func (w *world) listening(namespace, name, app, port string, number int32) *corev1.Pod {
	w.t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.ns(namespace), Name: name, Labels: map[string]string{"app": app}},
		Spec: corev1.PodSpec{AutomountServiceAccountToken: new(false), Containers: []corev1.Container{{
			Name: "a", Image: "example.com/a", Ports: []corev1.ContainerPort{{Name: port, ContainerPort: number}},
		}}},
	}
	w.Eventually(func() error { return env.admin.Create(w.ctx(), pod) }, soon, tick).Should(Succeed())
	return pod
}

// TestTheEngineIsFound has the DaemonSet of an engine come and go.
func TestTheEngineIsFound(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "web")
	w.restarted("--network-engine=auto")
	p := w.create(w.twoTiers("shop").Obj())
	w.settled(p, 1)
	c := w.condition(p, v1alpha1.ConditionIsolated, metav1.ConditionUnknown, v1alpha1.ReasonNoEngine)
	w.Expect(c.Message).To(And(ContainSubstring("it is not known what enforces NetworkPolicies"), ContainSubstring("--network-engine")))
	w.run("once one runs it is named, and nothing but status is written", func(w *world) {
		start := now(w)
		w.daemon("calico-node", "docker.io/calico/node:v3.30.1")
		c := w.condition(p, v1alpha1.ConditionIsolated, metav1.ConditionTrue, v1alpha1.ReasonNoUndeclaredPath)
		w.Expect(c.Message).To(HaveSuffix("enforced by calico 3.30.1 (pods of DaemonSet kube-system/calico-node)"))
		for _, request := range requests(w, start, cluster.AuditEvent.IsWrite) {
			w.Expect(request).To(Or(ContainSubstring("/status"), ContainSubstring("/events")))
		}
	})
	w.run("a second one makes it unknown", func(w *world) {
		w.daemon("kube-router", "docker.io/cloudnativelabs/kube-router:v2.9.0")
		c := w.condition(p, v1alpha1.ConditionIsolated, metav1.ConditionUnknown, v1alpha1.ReasonNoEngine)
		w.Expect(c.Message).To(ContainSubstring("there are several"))
	})
	w.Expect(env.operator.Logged("NetworkPolicies are taken to be enforced by an engine", `"engine":"calico"`)).To(BeNumerically(">", 0))
}

// portsOf are the ports of a policy of a namespace that one rule opens, in words.
func (w *world) portsOf(namespace string) (out []string) {
	w.t.Helper()
	policies, err := w.objects(namespace)
	w.Expect(err).NotTo(HaveOccurred())
	for _, p := range policies.Policies {
		for i := range p.Spec.Ingress {
			for _, port := range p.Spec.Ingress[i].Ports {
				out = append(out, port.Port.String())
			}
		}
	}
	return out
}

// TestNamesAreWrittenAsNumbers for an engine that refuses policies with names: in both namespaces, and only as long as
// all pods that are called agree.
func TestNamesAreWrittenAsNumbers(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"web", "api", "data"} {
		w.namespace(name, name)
	}
	w.restarted("--network-engine=weave-net")
	w.service("data", "db", "pg", servicePort("sql", 5432, intstr.FromString("sql")))
	metrics := builders.MakeDependency("metrics").FromTier("web").ToTier("api").NamedPort("metrics").Obj()
	metrics.Ports = append(metrics.Ports, v1alpha1.Port{Port: new(intstr.FromInt32(7000)), EndPort: 7002})
	p := w.create(w.withDatabase().Dependency(metrics).Obj())
	w.settled(p, 3)
	web, api, pg := w.pod("web", "front"), w.pod("api", "orders"), w.pod("data", "pg")
	flows := map[string]reach.Flow{
		"metrics": tcp(web, api, 9100), "other metrics": tcp(web, api, 9200), "listed": tcp(web, api, 7002), "sql": tcp(api, pg, 15432),
	}
	allowed := func() []string { return w.allows(flows) }
	w.run("no pod has them yet, and so they open nothing", func(w *world) {
		w.Expect(allowed()).To(Equal([]string{"listed"}))
		w.Expect(w.finds(p, v1alpha1.ReasonEngineNarrower)).To(ContainSubstring("which opens nothing: weave-net refuses a policy"))
		w.condition(p, v1alpha1.ConditionIsolated, metav1.ConditionTrue, v1alpha1.ReasonNoUndeclaredPath)
	})
	w.run("the numbers of the pods are written", func(w *world) {
		w.listening("api", "a", "orders", "metrics", 9100)
		w.listening("data", "pg-0", "pg", "sql", 15432)
		w.Eventually(allowed, soon, tick).Should(Equal([]string{"listed", "metrics", "sql"}))
		w.findsNone(p, v1alpha1.ReasonEngineNarrower)
		w.Expect(w.portsOf("api")).To(ConsistOf("7000", "7001", "7002", "9100"))
	})
	w.run("the command line renders the same", func(w *world) {
		kubeconfig := filepath.Join(w.t.TempDir(), "kubeconfig")
		w.Expect(cluster.WriteKubeconfig(kubeconfig, env.cluster.AdminConfig())).To(Succeed())
		w.Expect(w.written(p)).To(Equal(w.rendered(p, kubeconfig, "--network-engine=weave-net")))
	})
	w.run("one more pod that agrees has nothing written", func(w *world) {
		start := now(w)
		w.listening("api", "b", "orders", "metrics", 9100)
		w.Consistently(func() []string {
			return requests(w, start, func(e cluster.AuditEvent) bool { return e.IsWrite() && e.Resource == "networkpolicies" })
		}, "3s", "200ms").Should(BeEmpty())
	})
	w.run("one that does not has the name left out, on both sides", func(w *world) {
		other := w.listening("api", "c", "orders", "metrics", 9200)
		w.Eventually(allowed, soon, tick).Should(Equal([]string{"listed", "sql"}))
		w.Expect(w.finds(p, v1alpha1.ReasonEngineNarrower)).To(HavePrefix("dependency metrics becomes narrower by the port name metrics/TCP"))
		w.Expect(env.admin.Delete(w.ctx(), other, client.GracePeriodSeconds(0))).To(Succeed())
		w.Eventually(allowed, soon, tick).Should(Equal([]string{"listed", "metrics", "sql"}))
	})
	w.Expect(strings.Join(w.portsOf("data"), " ")).To(Equal("15432"))
}
