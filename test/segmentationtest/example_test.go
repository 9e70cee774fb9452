package segmentationtest_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	apply "github.com/segmentation-dev/segmentation-operator/api/applyconfiguration/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/segmentationtest"
)

// appLabel names the application that a namespace belongs to, and layerLabel says whether it is its front or its back.
const (
	appLabel   = "platform.example.com/app"
	layerLabel = "platform.example.com/layer"
)

// appReconciler is what a platform team may have: for each application it writes a profile, by which the application's
// front may call its back, and nobody else may.
type appReconciler struct {
	client.Client
}

// Reconcile writes the profile of the application that a namespace belongs to.
func (r *appReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var namespace corev1.Namespace
	if err := r.Get(ctx, request.NamespacedName, &namespace); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	app := namespace.Labels[appLabel]
	if app == "" {
		return ctrl.Result{}, nil
	}
	layer := func(name v1alpha1.Name) *apply.TierApplyConfiguration {
		selector := apply.LabelSelector().WithMatchLabels(map[string]v1alpha1.LabelValue{
			appLabel: v1alpha1.LabelValue(app), layerLabel: v1alpha1.LabelValue(name),
		})
		return apply.Tier().WithName(name).WithNamespaces(apply.NamespaceSet().WithSelector(selector))
	}
	profile := apply.SegmentationProfile(app).WithSpec(apply.SegmentationProfileSpec().
		WithTiers(layer("front"), layer("back")).
		WithDependencies(apply.Dependency().WithName("front-back").
			WithFrom(apply.Endpoint().WithTier("front")).WithTo(apply.Endpoint().WithTier("back")).
			WithPorts(apply.Port().WithPort(intstr.FromInt32(8080)))))
	return ctrl.Result{}, r.Apply(ctx, profile, client.FieldOwner("platform"), client.ForceOwnership)
}

// TestAPlatformTeamsController is how a team tests its own controller: the API server refuses a profile that is wrong, and
// the operator shows what becomes of one that is right.
func TestAPlatformTeamsController(t *testing.T) {
	mgr, err := ctrl.NewManager(env.Config, ctrl.Options{
		Scheme: env.Client.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := ctrl.NewControllerManagedBy(mgr).Named("app").For(&corev1.Namespace{}).Complete(&appReconciler{mgr.GetClient()}); err != nil {
		t.Fatal(err)
	}
	go func() {
		if err := mgr.Start(t.Context()); err != nil {
			t.Errorf("the platform's controller: %v", err)
		}
	}()

	for name, layer := range map[string]string{"cart-front": "front", "cart-back": "back"} {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{appLabel: "cart", layerLabel: layer}}}
		if err := env.Client.Create(t.Context(), namespace); err != nil {
			t.Fatal(err)
		}
	}

	env.EventuallyReady(t, "cart")
	front, back := segmentationtest.Pod("cart-front", nil), segmentationtest.Pod("cart-back", nil)
	env.AllowsFlow(t, segmentationtest.Flow{From: front, To: back, Port: 8080})
	env.DeniesFlow(t, segmentationtest.Flow{From: back, To: front, Port: 8080})
	env.DeniesFlow(t, segmentationtest.Flow{From: segmentationtest.Pod("default", nil), To: back, Port: 8080})
}
