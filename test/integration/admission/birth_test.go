package admission

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// version is a resource version, for comparing. Those of all objects of a cluster are in one order.
func (w *world) version(obj client.Object) int {
	w.t.Helper()
	n, err := strconv.Atoi(obj.GetResourceVersion())
	w.Expect(err).NotTo(HaveOccurred())
	return n
}

// insist creates a pod, again and again until it is admitted, and counts how often it was refused.
func (w *world) insist(p *corev1.Pod, message string, refused *atomic.Int64) error {
	for deadline := time.Now().Add(soon); ; {
		err := env.admin.Create(w.ctx(), p)
		policy, said := denial(err)
		if err == nil || policy != podAdmission || said != message || time.Now().After(deadline) {
			return err
		}
		refused.Add(1)
		time.Sleep(time.Millisecond) //nolint:forbidigo // The time between two tries of a hasty client.
	}
}

// There is no moment in which a pod gets into a namespace that is not isolated: every pod is
// younger than the labels of its namespace.
func TestNoPodIsAdmittedBeforeItsNamespaceIsAMember(t *testing.T) {
	w := newWorld(t)
	p := w.profile(w.twoTiers("shop").Strict().Obj())
	w.knownToAdmission(p)
	w.run("the operator is there", func(w *world) {
		for i := range 5 {
			w.rush(fmt.Sprintf("quick%d", i), p, func(func() int) {})
		}
	})
	w.run("the operator is late", func(w *world) {
		for i := range 3 {
			w.Expect(env.operator.Stop()).To(Succeed())
			w.rush(fmt.Sprintf("late%d", i), p, func(refused func() int) {
				w.Eventually(refused, soon, tick).Should(BeNumerically(">", 100))
				w.Expect(env.operator.Start()).To(Succeed())
			})
		}
	})
}

// rush has several clients insist on pods in a new namespace, from its first millisecond on, and
// judges when they were admitted.
func (w *world) rush(name string, p *v1alpha1.SegmentationProfile, meanwhile func(refused func() int)) {
	w.t.Helper()
	n := w.namespace(name, "web")
	pods, errs := make([]*corev1.Pod, 8), make([]error, 8)
	var total atomic.Int64
	var clients sync.WaitGroup
	for k := range pods {
		pods[k] = pod(n.Name, fmt.Sprintf("p%d", k))
		clients.Go(func() {
			time.Sleep(time.Duration(k) * time.Millisecond) //nolint:forbidigo // One after the other.
			errs[k] = w.insist(pods[k], notIsolated(n.Name, "web", p.Name), &total)
		})
	}
	meanwhile(func() int { return int(total.Load()) })
	clients.Wait()
	w.Expect(env.admin.Get(w.ctx(), client.ObjectKeyFromObject(n), n)).To(Succeed())
	w.Expect(n.Labels).To(HaveKeyWithValue(v1alpha1.ProfileLabel, p.Name))
	for k, pod := range pods {
		w.Expect(errs[k]).NotTo(HaveOccurred())
		w.Expect(w.version(pod)).To(BeNumerically(">", w.version(n)), "the namespace was labelled after the pod was there")
	}
}

// knownToAdmission waits until the API server's admission goes by a profile: the operator may know
// of it before.
func (w *world) knownToAdmission(p *v1alpha1.SegmentationProfile) {
	w.t.Helper()
	w.Eventually(func() string {
		n := builders.MakeNamespace("").Labels(w.layer("web")).Obj()
		n.GenerateName, n.Labels[corev1.LabelMetadataName] = w.ns("known-"), ""
		delete(n.Labels, corev1.LabelMetadataName)
		w.Expect(env.admin.Create(w.ctx(), n)).To(Succeed())
		defer func() { _ = env.admin.Delete(w.ctx(), n); w.gone(n) }()
		return deniedBy(w.admits(n.Name))
	}, soon, tick).Should(Equal(podAdmission), "%s", p.Name)
	w.settled(p, 0)
}

// deployment makes a Deployment of one pod.
func deployment(namespace string) *appsv1.Deployment {
	labels := map[string]string{"app": "main"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "main"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod("", "").Spec},
		},
	}
}

// firstPod returns the first pod of a namespace; nil if there is none.
func (w *world) firstPod(namespace string) *corev1.Pod {
	var pods corev1.PodList
	w.Expect(env.admin.List(w.ctx(), &pods, client.InNamespace(namespace))).To(Succeed())
	if len(pods.Items) == 0 {
		return nil
	}
	return &pods.Items[0]
}

func TestADeploymentInANewNamespaceGetsItsPodByItself(t *testing.T) {
	w := newWorld(t)
	p := w.profile(w.twoTiers("shop").Strict().Obj())
	w.settled(p, 0)
	w.knownToAdmission(p)
	w.Expect(env.operator.Stop()).To(Succeed())
	n := w.namespace("one", "web")
	w.Expect(env.admin.Create(w.ctx(), deployment(n.Name))).To(Succeed())
	w.Eventually(func() string {
		var sets appsv1.ReplicaSetList
		w.Expect(env.admin.List(w.ctx(), &sets, client.InNamespace(n.Name))).To(Succeed())
		if len(sets.Items) == 0 || len(sets.Items[0].Status.Conditions) == 0 {
			return ""
		}
		return sets.Items[0].Status.Conditions[0].Message
	}, soon, tick).Should(ContainSubstring(notIsolated(n.Name, "web", p.Name)), "the ReplicaSet says why it has no pod")
	w.Expect(w.firstPod(n.Name)).To(BeNil())
	w.Expect(env.operator.Start()).To(Succeed())
	w.Eventually(func() *corev1.Pod { return w.firstPod(n.Name) }, soon, tick).ShouldNot(BeNil())
}

// births are how long the first pods of new namespaces were on their way.
type births []time.Duration

func (b births) String() string {
	slices.Sort(b)
	at := func(percent int) time.Duration {
		return b[min(len(b)-1, len(b)*percent/100)].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("median %s, p99 %s, most %s of %d", at(50), at(99), b[len(b)-1].Round(100*time.Microsecond), len(b))
}

// born waits for the first pod of a namespace, by a watch.
func (w *world) born(namespace string, create func()) time.Duration {
	w.t.Helper()
	watch, err := env.admin.Watch(w.ctx(), &corev1.PodList{}, client.InNamespace(namespace))
	w.Expect(err).NotTo(HaveOccurred())
	defer watch.Stop()
	begin := time.Now()
	create()
	select {
	case <-watch.ResultChan():
		return time.Since(begin)
	case <-time.After(5 * time.Minute):
		w.t.Fatalf("no pod in %s", namespace)
		return 0
	}
}

// newborns is how many namespaces of each kind are timed. 50 give figures worth quoting.
var newborns = flag.Int("admission.namespaces", 5, "how many new namespaces of each kind are timed")

// How long is the first pod of a new namespace held? Printed, and not judged: it depends on the
// machine.
func TestHowLongANewNamespaceWaitsForItsFirstPod(t *testing.T) {
	for _, admission := range []v1alpha1.Admission{v1alpha1.AdmissionStandard, v1alpha1.AdmissionStrict} {
		t.Run(string(admission), func(t *testing.T) {
			w := newWorld(t)
			shop := w.twoTiers("shop").Obj()
			shop.Spec.Admission = admission
			p := w.profile(shop)
			w.settled(p, 0)
			if admission == v1alpha1.AdmissionStrict {
				w.knownToAdmission(p)
			}
			var hasty, deployed births
			var refused atomic.Int64
			for i := range *newborns {
				// Those of the other kind may still be about to go.
				name := fmt.Sprintf("hasty-%s-%d", strings.ToLower(string(admission)), i)
				begin := time.Now()
				w.namespace(name, "web")
				w.Expect(w.insist(pod(w.ns(name), "first"), notIsolated(w.ns(name), "web", p.Name), &refused)).To(Succeed())
				hasty = append(hasty, time.Since(begin))

				name = fmt.Sprintf("deployed-%s-%d", strings.ToLower(string(admission)), i)
				deployed = append(deployed, w.born(w.ns(name), func() {
					w.namespace(name, "web")
					w.Expect(env.admin.Create(w.ctx(), deployment(w.ns(name)))).To(Succeed())
				}))
			}
			t.Logf("a client that tries every millisecond: %s; told %d times to try again", hasty, refused.Load())
			t.Logf("a Deployment: %s", deployed)
		})
	}
}
