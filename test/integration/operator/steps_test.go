package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
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

// ns returns the full name of one of the test's namespaces.
func (w *world) ns(name string) string { return w.name + "-" + name }

// layer are the labels by which the test's tiers select.
func (w *world) layer(layer string) map[string]string {
	return map[string]string{"world": w.name, "layer": layer}
}

// namespace creates a namespace of a layer, and deletes it when the test ends.
func (w *world) namespace(name, layer string) *corev1.Namespace {
	w.t.Helper()
	n := builders.MakeNamespace(w.ns(name)).Labels(w.layer(layer)).Obj()
	w.Expect(env.admin.Create(w.ctx(), n)).To(Succeed())
	w.root.Cleanup(func() { _ = env.admin.Delete(context.Background(), n) })
	return n
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

// create creates a profile, and deletes it when the test ends.
func (w *world) create(p *v1alpha1.SegmentationProfile) *v1alpha1.SegmentationProfile {
	w.t.Helper()
	w.Expect(env.admin.Create(w.ctx(), p)).To(Succeed())
	w.root.Cleanup(func() {
		_ = env.admin.Delete(context.Background(), p)
		if w.root.Failed() {
			return
		}
		for range 500 {
			if err := env.admin.Get(context.Background(), client.ObjectKeyFromObject(p), p.DeepCopy()); err != nil {
				return
			}
			time.Sleep(tick) //nolint:forbidigo // Waiting for the garbage collector.
		}
	})
	return p
}

// change changes a profile.
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

// relabel sets labels of a namespace; an empty value removes the label.
func (w *world) relabel(name string, labels map[string]string) {
	w.t.Helper()
	w.Eventually(func() error {
		var n corev1.Namespace
		if err := env.admin.Get(w.ctx(), client.ObjectKey{Name: w.ns(name)}, &n); err != nil {
			return err
		}
		for key, value := range labels {
			if value == "" {
				delete(n.Labels, key)
				continue
			}
			n.Labels[key] = value
		}
		return env.admin.Update(w.ctx(), &n)
	}, soon, tick).Should(Succeed())
}

// settled waits until the profile is ready at its present generation.
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

// condition waits until a condition has a status and a reason, and returns it.
func (w *world) condition(p *v1alpha1.SegmentationProfile, kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	w.t.Helper()
	var found metav1.Condition
	w.Eventually(func() error {
		if err := env.admin.Get(w.ctx(), client.ObjectKeyFromObject(p), p); err != nil {
			return err
		}
		c := meta.FindStatusCondition(p.Status.Conditions, kind)
		if c == nil || c.Status != status || c.Reason != reason || c.ObservedGeneration != p.Generation {
			return fmt.Errorf("%s is %+v, want %s/%s", kind, c, status, reason)
		}
		found = *c
		return nil
	}, soon, tick).Should(Succeed())
	return found
}

// has tells why the namespace does not hold exactly what the compiler makes of the profile,
// nil if it does. It compares with what the API server returns, field by field: so it also
// shows that what is rendered carries all of the API server's defaults.
func (w *world) has(p *v1alpha1.SegmentationProfile, namespace, tier string) error {
	compiled, err := deploy.Compile(w.ctx(), env.admin, p)
	if err != nil {
		return err
	}
	want := render.Tier(compiled, compiled.Tier(tier)).In(w.ns(namespace)).WithCallers(func(tier string) []string {
		return w.members(p, tier)
	})
	got, err := w.objects(namespace)
	if err != nil {
		return err
	}
	ignore := cmp.Options{
		cmpopts.IgnoreFields(metav1.ObjectMeta{}, "UID", "ResourceVersion", "Generation", "CreationTimestamp", "ManagedFields"),
		cmpopts.IgnoreTypes(metav1.TypeMeta{}),
		cmpopts.IgnoreFields(render.Objects{}, "Terms"),
		cmpopts.EquateEmpty(),
	}
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		return fmt.Errorf("namespace %s (-want +got):\n%s", namespace, diff)
	}
	var n corev1.Namespace
	if err := env.admin.Get(w.ctx(), client.ObjectKey{Name: w.ns(namespace)}, &n); err != nil {
		return err
	}
	if n.Labels[v1alpha1.ProfileLabel] != p.Name || n.Labels[v1alpha1.TierLabel] != tier {
		return fmt.Errorf("namespace %s is labelled %v", namespace, n.Labels)
	}
	return nil
}

// members are the namespaces that have the labels of a tier, by their names.
func (w *world) members(p *v1alpha1.SegmentationProfile, tier string) []string {
	w.t.Helper()
	var list corev1.NamespaceList
	w.Expect(env.admin.List(w.ctx(), &list, client.MatchingLabels(render.MembershipLabels(p.Name, tier)))).To(Succeed())
	var names []string
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	slices.Sort(names)
	return names
}

// objects returns the managed objects of a namespace.
func (w *world) objects(namespace string) (render.Objects, error) {
	managed := client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
	in := client.InNamespace(w.ns(namespace))
	var policies networkingv1.NetworkPolicyList
	var roles rbacv1.RoleList
	var bindings rbacv1.RoleBindingList
	for _, list := range []client.ObjectList{&policies, &roles, &bindings} {
		if err := env.admin.List(w.ctx(), list, in, managed); err != nil {
			return render.Objects{}, err
		}
	}
	return render.Objects{
		Policies: pointers(policies.Items),
		Roles:    pointers(roles.Items),
		Bindings: pointers(bindings.Items),
	}, nil
}

func pointers[T any](items []T) []*T {
	out := make([]*T, 0, len(items))
	for i := range items {
		out = append(out, &items[i])
	}
	return slices.Clip(out)
}

// everywhere waits until the profile is ready, and then insists that each of the namespaces
// holds exactly what the compiler makes of the profile for its tier.
func (w *world) everywhere(p *v1alpha1.SegmentationProfile, tiers map[string]string) {
	w.t.Helper()
	w.settled(p, len(tiers))
	for namespace, tier := range tiers {
		w.Expect(w.has(p, namespace, tier)).To(Succeed())
	}
}

// eventuallyHas waits until the namespace holds exactly what the compiler makes of the profile.
func (w *world) eventuallyHas(p *v1alpha1.SegmentationProfile, namespace, tier string) {
	w.t.Helper()
	w.Eventually(func() error { return w.has(p, namespace, tier) }, soon, tick).Should(Succeed())
}

// eventuallyBare waits until nothing of the operator's is left in the namespace.
func (w *world) eventuallyBare(namespace string) {
	w.t.Helper()
	w.Eventually(func() error { return w.bare(namespace) }, soon, tick).Should(Succeed())
}

func (w *world) bare(namespace string) error {
	got, err := w.objects(namespace)
	if err != nil {
		return err
	}
	if n := len(got.Policies) + len(got.Roles) + len(got.Bindings); n > 0 {
		return fmt.Errorf("%d managed objects are left in %s", n, namespace)
	}
	var n corev1.Namespace
	if err := env.admin.Get(w.ctx(), client.ObjectKey{Name: w.ns(namespace)}, &n); err != nil {
		return err
	}
	if n.Labels[v1alpha1.ProfileLabel] != "" || n.Labels[v1alpha1.TierLabel] != "" {
		return fmt.Errorf("namespace %s is labelled %v", namespace, n.Labels)
	}
	return nil
}

// notMember waits until the namespace carries no membership labels.
func (w *world) notMember(namespace string) {
	w.t.Helper()
	w.Eventually(func() map[string]string {
		var n corev1.Namespace
		w.Expect(env.admin.Get(w.ctx(), client.ObjectKey{Name: w.ns(namespace)}, &n)).To(Succeed())
		return n.Labels
	}, soon, tick).ShouldNot(Or(HaveKey(v1alpha1.ProfileLabel), HaveKey(v1alpha1.TierLabel)))
}

// policy returns a NetworkPolicy.
func (w *world) policy(namespace, name string) (*networkingv1.NetworkPolicy, error) {
	var p networkingv1.NetworkPolicy
	return &p, env.admin.Get(w.ctx(), client.ObjectKey{Namespace: w.ns(namespace), Name: name}, &p)
}
