package controllers

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/audit"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// measured are the values of a profile as they are served, by metric, and by the label that it has beside the
// profile.
func measured(t *testing.T, profile string) map[string]float64 {
	t.Helper()
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name, isOfProfile := []string{family.GetName()}, false
			for _, label := range m.GetLabel() {
				if label.GetName() != "profile" {
					name = append(name, label.GetValue())
				}
				isOfProfile = isOfProfile || label.GetName() == "profile" && label.GetValue() == profile
			}
			if isOfProfile {
				out[strings.Join(name, " ")] = m.GetGauge().GetValue()
			}
		}
	}
	return out
}

// without0 leaves out what is 0.
func without0(values map[string]float64) map[string]float64 {
	maps.DeleteFunc(values, func(_ string, v float64) bool { return v == 0 })
	return values
}

func TestProfilesAreMeasured(t *testing.T) {
	profileGauges.set("shop", v1alpha1.SegmentationProfileStatus{FindingsTotal: 7}, status.Counts{Findings: map[string]int{"NameTaken": 7}})
	profileGauges.set("shop", v1alpha1.SegmentationProfileStatus{
		Conditions: []metav1.Condition{
			{Type: v1alpha1.ConditionReady, Status: metav1.ConditionUnknown}, {Type: v1alpha1.ConditionAccepted, Status: metav1.ConditionTrue},
		},
		Namespaces:       v1alpha1.NamespaceCounts{Claimed: 5, Ready: 3},
		Objects:          v1alpha1.ObjectCounts{NetworkPolicies: 9, Roles: 4, RoleBindings: 6},
		UndeclaredAccess: v1alpha1.UndeclaredAccess{Roles: 1, RoleBindings: 2},
	}, status.Counts{Pending: 2, Conflicted: map[string]int{"TiersOverlap": 8}, Findings: map[string]int{"TiersOverlap": 8, "NameTaken": 0}})
	profileGauges.set("other", v1alpha1.SegmentationProfileStatus{}, status.Counts{})
	want := map[string]float64{
		"segmentation_profile_condition Accepted":         1,
		"segmentation_profile_condition Conflicted":       0,
		"segmentation_profile_condition Isolated":         0,
		"segmentation_profile_condition Ready":            0,
		"segmentation_profile_condition Reconciling":      0,
		"segmentation_profile_condition Stalled":          0,
		"segmentation_claimed_namespaces":                 5,
		"segmentation_pending_namespaces":                 2,
		"segmentation_conflicted_namespaces TiersOverlap": 8,
		"segmentation_managed_objects NetworkPolicy":      9,
		"segmentation_managed_objects Role":               4,
		"segmentation_managed_objects RoleBinding":        6,
		"segmentation_findings TiersOverlap":              8,
		"segmentation_findings NameTaken":                 0,
		"segmentation_undeclared_roles":                   1,
		"segmentation_undeclared_role_bindings":           2,
	}
	if diff := cmp.Diff(want, measured(t, "shop")); diff != "" {
		t.Errorf("shop (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{}, without0(measured(t, "other"))); diff != "" {
		t.Errorf("other (-want +got):\n%s", diff)
	}
}

// TestMetricsAreNamedByConvention asks Prometheus' own linter about what the operator adds to the registry.
func TestMetricsAreNamedByConvention(t *testing.T) {
	for name, collector := range map[string]prometheus.Collector{
		"isolation": isolation, "joining": joining, "compilation": compilation, "of profiles": profileGauges, "writes": writes,
	} {
		problems, err := testutil.CollectAndLint(collector)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s: %s", name, p.Metric, p.Text)
		}
	}
}

func TestACompilationIsTimed(t *testing.T) {
	before := observed(t, compilation)
	compile(builders.MakeProfile("timed").Tier(builders.MakeTier("web").Names("web").Obj()).Obj(), nil, plan.Usual())
	if got := observed(t, compilation); got.GetSampleCount() != before.GetSampleCount()+1 || got.GetSampleSum() <= before.GetSampleSum() {
		t.Errorf("from %v to %v", before, got)
	}
}

// observed is what a histogram has observed.
func observed(t *testing.T, h prometheus.Histogram) *dto.Histogram {
	t.Helper()
	var m dto.Metric
	if err := h.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetHistogram()
}

// TestAStatusThatDoesNotChangeIsMeasured: the gauges of a process that has just begun are empty.
func TestAStatusThatDoesNotChangeIsMeasured(t *testing.T) {
	profile := builders.MakeProfile("steady").UID("steady-uid").Generation(1).Tier(builders.MakeTier("web").Names("web").Obj()).Obj()
	cache := &oneProfile{namespace: builders.MakeNamespace("web").Metadata()}
	ledger := NewLedger()
	profiles := &snapshot{
		byName: map[string]*compiled{"steady": compile(profile, nil, plan.Usual())}, engine: engine.Found{Name: engine.Calico},
	}
	profiles.claimants = []claim.Claimant{profiles.byName["steady"].claimant}
	decision := profiles.decide(cache.namespace, nil)
	ledger.record(entry{Namespace: status.Namespace{
		Name: "web", Decision: decision, State: status.Settled, Undeclared: []audit.Undeclared{{Binding: "debug", Role: "debug", Message: "m"}},
	}})
	profile.Status = status.Summarize(status.Input{
		Profile: profile, Namespaces: []status.Namespace{ledger.entries["web"].Namespace}, Engine: profiles.engine,
	})

	r := &ProfileReconciler{Reader: cache, Ledger: ledger}
	if _, err := r.report(t.Context(), profile, profiles); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"segmentation_profile_condition Ready":    1,
		"segmentation_profile_condition Accepted": 1,
		"segmentation_profile_condition Isolated": 1,
		"segmentation_claimed_namespaces":         1,
		"segmentation_findings UndeclaredAccess":  1,
		"segmentation_undeclared_roles":           1,
		"segmentation_undeclared_role_bindings":   1,
	}
	if diff := cmp.Diff(want, without0(measured(t, "steady"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAProfileThatIsGoneIsNotMeasured(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	profileGauges.set("gone", v1alpha1.SegmentationProfileStatus{}, status.Counts{Pending: 2})
	r := &ProfileReconciler{Reader: fake.NewClientBuilder().WithScheme(scheme).Build()}
	if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Name: "gone"}}); err != nil {
		t.Fatal(err)
	}
	if got := measured(t, "gone"); len(got) > 0 {
		t.Errorf("measured: %v", got)
	}
}
