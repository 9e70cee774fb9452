package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// measured are the values of a profile as they are served.
func measured(t *testing.T, profile string) map[string]float64 {
	t.Helper()
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				if label.GetName() == "profile" && label.GetValue() == profile {
					out[family.GetName()] = m.GetGauge().GetValue()
				}
			}
		}
	}
	return out
}

func TestUndeclaredAccessIsMeasured(t *testing.T) {
	measureAccess("shop", v1alpha1.UndeclaredAccess{Roles: 3, RoleBindings: 4})
	measureAccess("shop", v1alpha1.UndeclaredAccess{Roles: 1, RoleBindings: 2})
	measureAccess("other", v1alpha1.UndeclaredAccess{})
	want := map[string]float64{"segmentation_undeclared_roles": 1, "segmentation_undeclared_role_bindings": 2}
	if diff := cmp.Diff(want, measured(t, "shop")); diff != "" {
		t.Errorf("shop (-want +got):\n%s", diff)
	}
	want = map[string]float64{"segmentation_undeclared_roles": 0, "segmentation_undeclared_role_bindings": 0}
	if diff := cmp.Diff(want, measured(t, "other")); diff != "" {
		t.Errorf("other (-want +got):\n%s", diff)
	}
}

func TestAProfileThatIsGoneIsNotMeasured(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	measureAccess("gone", v1alpha1.UndeclaredAccess{RoleBindings: 2})
	r := &ProfileReconciler{Reader: fake.NewClientBuilder().WithScheme(scheme).Build()}
	if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Name: "gone"}}); err != nil {
		t.Fatal(err)
	}
	if got := measured(t, "gone"); len(got) > 0 {
		t.Errorf("measured: %v", got)
	}
}
