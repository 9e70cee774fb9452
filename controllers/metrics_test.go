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
	"github.com/segmentation-dev/segmentation-operator/internal/audit"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
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

// TestAStatusThatDoesNotChangeIsMeasured: the gauges of a process that has just begun are empty.
func TestAStatusThatDoesNotChangeIsMeasured(t *testing.T) {
	profile := builders.MakeProfile("steady").UID("steady-uid").Generation(1).Tier(builders.MakeTier("web").Names("web").Obj()).Obj()
	cache := &oneProfile{namespace: builders.MakeNamespace("web").Metadata()}
	ledger := NewLedger()
	profiles := &snapshot{byName: map[string]*compiled{"steady": compile(profile, nil)}}
	profiles.claimants = []claim.Claimant{profiles.byName["steady"].claimant}
	decision := profiles.decide(cache.namespace, nil)
	ledger.record(entry{Namespace: status.Namespace{
		Name: "web", Decision: decision, State: status.Settled, Undeclared: []audit.Undeclared{{Binding: "debug", Role: "debug", Message: "m"}},
	}})
	profile.Status = status.Summarize(status.Input{Profile: profile, Namespaces: []status.Namespace{ledger.entries["web"].Namespace}})

	r := &ProfileReconciler{Reader: cache, Ledger: ledger}
	if _, err := r.report(t.Context(), profile, profiles); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"segmentation_undeclared_roles": 1, "segmentation_undeclared_role_bindings": 1}
	if diff := cmp.Diff(want, measured(t, "steady")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
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
