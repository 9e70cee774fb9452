package operator

import (
	"context"
	"fmt"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// annotating changes an object again and again, as fast as the API server lets it, until it is stopped.
func (w *world) annotating(obj client.Object) (stop func()) {
	ctx, cancel := context.WithCancel(w.ctx())
	var ended sync.WaitGroup
	ended.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"note":"%d"}}}`, i)
			target, ok := obj.DeepCopyObject().(client.Object)
			if !ok {
				return
			}
			_ = env.admin.Patch(ctx, target, client.RawPatch(types.MergePatchType, patch)) // It may be gone by now.
		}
	})
	return func() {
		cancel()
		ended.Wait()
	}
}

// TestWhoEditsAgainAndAgain shows that nobody keeps an object from being changed or removed by editing it all the time.
func TestWhoEditsAgainAndAgain(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "web")
	shop := w.twoTiers("shop").Role(builders.MakeRole("viewer").Read("pods").Obj()).Obj()
	shop.Spec.Tiers[0].Access = []v1alpha1.TierAccess{{Role: "viewer", Subjects: []v1alpha1.Subject{
		builders.Group("developers"), builders.Group("mallory"),
	}}}
	p := w.create(shop)
	w.settled(p, 1)
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns("one"), Name: viewerBinding}}
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns("one"), Name: "segmentation"}}

	w.run("somebody is taken out of a RoleBinding", func(w *world) {
		defer w.annotating(binding)()
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Tiers[0].Access[0].Subjects = s.Tiers[0].Access[0].Subjects[:1]
		})
		w.eventuallyHasBut(p, "one", "web")
	})
	w.run("a policy is changed", func(w *world) {
		defer w.annotating(policy)()
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) { s.Dependencies[0].Ports[0].Port = port(9191) })
		w.eventuallyHasBut(p, "one", "web")
	})
	w.run("a RoleBinding is removed", func(w *world) {
		defer w.annotating(binding)()
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) { s.Tiers[0].Access = nil })
		w.eventuallyHasBut(p, "one", "web")
	})
}

// eventuallyHasBut waits until the namespace has what the compiler makes of the profile, but for the annotation
// that somebody goes on writing.
func (w *world) eventuallyHasBut(p *v1alpha1.SegmentationProfile, namespace, tier string) {
	w.t.Helper()
	w.Eventually(func() error {
		got, err := w.objects(namespace)
		if err != nil {
			return err
		}
		compiled, err := deploy.Compile(w.ctx(), env.admin, p)
		if err != nil {
			return err
		}
		want := render.Tier(compiled, compiled.Tier(tier)).In(w.ns(namespace))
		switch {
		case len(got.Policies) != len(want.Policies) || len(got.Bindings) != len(want.Bindings):
			return fmt.Errorf("there are %d policies and %d bindings", len(got.Policies), len(got.Bindings))
		case !equality.Semantic.DeepEqual(want.Policies[0].Spec, got.Policies[0].Spec):
			return fmt.Errorf("the policy is %+v", got.Policies[0].Spec)
		case len(want.Bindings) > 0 && len(got.Bindings[0].Subjects) != len(want.Bindings[0].Subjects):
			return fmt.Errorf("bound are %+v", got.Bindings[0].Subjects)
		}
		return nil
	}, soon, tick).Should(Succeed())
}

// TestObjectsOfAnEarlierVersion shows that what was written by server-side apply is taken over, and rid of what is declared
// no longer.
func TestObjectsOfAnEarlierVersion(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "web")
	p := w.create(w.twoTiers("shop").Obj())
	w.everywhere(p, map[string]string{"one": "web"})
	policy, err := w.policy("one", "segmentation")
	w.Expect(err).NotTo(HaveOccurred())
	applied := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
		"metadata": map[string]any{
			"name": policy.Name, "namespace": policy.Namespace,
			"labels":      map[string]any{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue, "segmentation.dev/former": "x"},
			"annotations": map[string]any{v1alpha1.CallersAnnotation: "api"},
		},
		"spec": map[string]any{"podSelector": map[string]any{"matchLabels": map[string]any{"app": "x"}}, "egress": []any{map[string]any{}}},
	}}
	err = env.admin.Apply(w.ctx(), client.ApplyConfigurationFromUnstructured(applied),
		client.FieldOwner(v1alpha1.ManagedByValue), client.ForceOwnership)
	w.Expect(err).NotTo(HaveOccurred())
	w.eventuallyHas(p, "one", "web")
	w.settled(p, 1)
}

// TestABookmarkThatLostItsLabel shows that a bookmark is written anew, whatever was done to it: without one nothing new
// would be claimed.
func TestABookmarkThatLostItsLabel(t *testing.T) {
	w := newWorld(t)
	p := w.create(w.twoTiers("shop").Obj())
	w.namespace("one", "web")
	w.settled(p, 1)
	key := client.ObjectKey{Namespace: deploy.Namespace, Name: "segmentation-profile-" + p.Name}
	mark := &networkingv1.NetworkPolicy{}
	w.Expect(env.admin.Get(w.ctx(), key, mark)).To(Succeed())
	mark.Labels = nil
	w.Expect(env.admin.Update(w.ctx(), mark)).To(Succeed())
	// Without the label it is a stray of the profile's, which may be removed first.
	w.Eventually(func() (map[string]string, error) {
		err := env.admin.Get(w.ctx(), key, mark)
		return mark.Labels, err
	}, soon, tick).Should(HaveKeyWithValue(v1alpha1.BookmarkLabel, p.Name))
	w.namespace("two", "web")
	w.settled(p, 2)
}
