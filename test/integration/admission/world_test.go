package admission

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

const (
	soon = 20 * time.Second
	tick = 20 * time.Millisecond
)

// world is one test's part of the cluster: everything in it has the test's name in its name.
type world struct {
	*WithT
	t    *testing.T
	name string
	// root is the test that what is created lives for.
	root *testing.T
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if err := deploy.DependOnSources(); err != nil {
		t.Fatal(err)
	}
	name := strings.ToLower(strings.TrimPrefix(t.Name(), "Test"))
	name = strings.NewReplacer("/", "-", "_", "-").Replace(name)
	return &world{WithT: NewWithT(t), t: t, name: strings.Trim(name[:min(len(name), 40)], "-"), root: t}
}

func (w *world) ctx() context.Context { return w.t.Context() }

// run runs a subtest in the same part of the cluster.
func (w *world) run(name string, test func(*world)) {
	w.t.Helper()
	w.t.Run(name, func(t *testing.T) {
		t.Helper()
		test(&world{WithT: NewWithT(t), t: t, name: w.name, root: w.root})
	})
}

// ns returns the full name of one of the test's objects.
func (w *world) ns(name string) string { return w.name + "-" + name }

// layer are the labels by which the test's tiers select.
func (w *world) layer(layer string) map[string]string {
	return map[string]string{"world": w.name, "layer": layer}
}

// namespace creates a namespace of a layer, and deletes it when the test ends.
func (w *world) namespace(name, layer string) *corev1.Namespace {
	w.t.Helper()
	n := builders.MakeNamespace(w.ns(name)).Labels(w.layer(layer)).Obj()
	w.create(n)
	return n
}

// create creates an object as the admin, and deletes it when the test ends.
func (w *world) create(obj client.Object) {
	w.t.Helper()
	w.Expect(env.admin.Create(w.ctx(), obj)).To(Succeed())
	w.root.Cleanup(func() { _ = env.admin.Delete(context.Background(), obj) })
}

// twoTiers begins a profile with the tiers web and api, and a dependency between them.
func (w *world) twoTiers(name string) *builders.ProfileBuilder {
	return builders.MakeProfile(w.ns(name)).
		Tier(
			builders.MakeTier("web").Selector(w.layer("web")).Obj(),
			builders.MakeTier("api").Selector(w.layer("api")).Obj(),
		).
		Dependency(builders.MakeDependency("web-api").FromTier("web").ToTier("api").Port(9090).Obj())
}

// profile creates a profile, and deletes it when the test ends.
func (w *world) profile(p *v1alpha1.SegmentationProfile) *v1alpha1.SegmentationProfile {
	w.t.Helper()
	w.create(p)
	return p
}

// change changes a profile as the admin.
func (w *world) change(p *v1alpha1.SegmentationProfile, mutate func(*v1alpha1.SegmentationProfileSpec)) {
	w.t.Helper()
	w.Eventually(func() error {
		if err := env.admin.Get(w.ctx(), client.ObjectKeyFromObject(p), p); err != nil {
			return err
		}
		mutate(&p.Spec)
		return env.admin.Update(w.ctx(), p)
	}, soon, tick).Should(Succeed())
}

// settled waits until the profile is ready at its present generation, with so many namespaces.
func (w *world) settled(p *v1alpha1.SegmentationProfile, claimed int) {
	w.t.Helper()
	w.Eventually(func() error {
		if err := env.admin.Get(w.ctx(), client.ObjectKeyFromObject(p), p); err != nil {
			return err
		}
		ready := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionReady)
		switch {
		case ready == nil:
			return errors.New("no condition Ready yet")
		case ready.Status != metav1.ConditionTrue || ready.ObservedGeneration != p.Generation:
			return fmt.Errorf("not ready: %s: %s (of generation %d, now %d)", ready.Reason, ready.Message, ready.ObservedGeneration, p.Generation)
		case int(p.Status.Namespaces.Claimed) != claimed || int(p.Status.Namespaces.Ready) != claimed:
			return fmt.Errorf("namespaces are %s, want %d", p.Status.Namespaces.Summary, claimed)
		}
		return nil
	}, soon, tick).Should(Succeed())
}

// labels returns the labels of a namespace.
func (w *world) labels(namespace string) map[string]string {
	w.t.Helper()
	var n corev1.Namespace
	w.Expect(env.admin.Get(w.ctx(), client.ObjectKey{Name: namespace}, &n)).To(Succeed())
	return n.Labels
}

// refused expects that a policy refused a request, with exactly these words.
func (w *world) refused(err error, policy, message string) {
	w.t.Helper()
	by, said := denial(err)
	w.Expect(by).To(Equal(policy), "the answer was: %v", err)
	w.Expect(said).To(Equal(message))
}

// wouldUpdate has an author change a profile, and returns what the API server says to it. It
// changes nothing.
func (w *world) wouldUpdate(
	author client.Client, p *v1alpha1.SegmentationProfile, change func(*v1alpha1.SegmentationProfileSpec),
) error {
	w.t.Helper()
	for {
		changed := &v1alpha1.SegmentationProfile{}
		w.Expect(env.admin.Get(w.ctx(), client.ObjectKeyFromObject(p), changed)).To(Succeed())
		change(&changed.Spec)
		// The operator writes the status meanwhile.
		if err := author.Update(w.ctx(), changed, client.DryRunAll); !apierrors.IsConflict(err) {
			return err
		}
	}
}

// gone waits until an object is gone.
func (w *world) gone(obj client.Object) {
	w.t.Helper()
	w.Eventually(func() bool {
		return apierrors.IsNotFound(env.admin.Get(w.ctx(), client.ObjectKeyFromObject(obj), obj))
	}, soon, tick).Should(BeTrue())
}
