package controllers

import (
	"maps"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
)

// profileMetrics serve what was last summed up of each profile. They are made when they are asked for, so
// that summing up costs one assignment, and nothing is served of a profile that is gone, or of a finding
// that is.
type profileMetrics struct {
	mu       sync.Mutex
	profiles map[string]profileMeasures

	conditions, claimed, pending, conflicted, objects, findings, roles, bindings *prometheus.Desc
}

// profileMeasures are a profile's status, and what is counted beside it.
type profileMeasures struct {
	status v1alpha1.SegmentationProfileStatus
	counts status.Counts
}

func newProfileMetrics() *profileMetrics {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{"profile"}, labels...), nil)
	}
	m := &profileMetrics{
		profiles: map[string]profileMeasures{},
		conditions: describe("segmentation_profile_condition",
			"Whether a condition of the profile is true: 1 if it is, 0 if it is not, or not known.", "condition"),
		claimed: describe("segmentation_claimed_namespaces",
			"Namespaces that belong to the profile; in Preview, those that would."),
		pending: describe("segmentation_pending_namespaces",
			"Namespaces that belong to the profile and were not seen to hold all that it declares; none in Preview."),
		conflicted: describe("segmentation_conflicted_namespaces",
			"Namespaces that the profile selects and does not get, by what keeps it from them.", "reason"),
		objects: describe("segmentation_managed_objects",
			"Objects in the profile's namespaces that were seen to exist as declared, by their kind.", "kind"),
		findings: describe("segmentation_findings",
			"Findings of the profile, by their reason, those included that its status has no room for.", "reason"),
		roles: describe("segmentation_undeclared_roles",
			"Roles in the profile's namespaces through which others grant what the profile does not declare."),
		bindings: describe("segmentation_undeclared_role_bindings",
			"RoleBindings in the profile's namespaces by which others grant what the profile does not declare."),
	}
	metrics.Registry.MustRegister(m)
	return m
}

// set takes note of what was summed up of a profile.
func (m *profileMetrics) set(profile string, of v1alpha1.SegmentationProfileStatus, counts status.Counts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.profiles[profile] = profileMeasures{of, counts}
}

// forget drops what is measured of a profile that is gone.
func (m *profileMetrics) forget(profile string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.profiles, profile)
}

// Describe tells what there is to collect.
func (m *profileMetrics) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.conditions, m.claimed, m.pending, m.conflicted, m.objects, m.findings, m.roles, m.bindings} {
		descriptions <- d
	}
}

// Collect makes the metrics of all profiles.
func (m *profileMetrics) Collect(out chan<- prometheus.Metric) {
	m.mu.Lock()
	profiles := maps.Clone(m.profiles)
	m.mu.Unlock()
	for name, measures := range profiles {
		m.collect(out, name, &measures)
	}
}

func (m *profileMetrics) collect(out chan<- prometheus.Metric, profile string, of *profileMeasures) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, append([]string{profile}, labels...)...)
	}
	s := &of.status
	for _, condition := range conditionTypes() {
		value := 0.0
		if meta.IsStatusConditionTrue(s.Conditions, condition) {
			value = 1
		}
		gauge(m.conditions, value, condition)
	}
	gauge(m.claimed, float64(s.Namespaces.Claimed))
	gauge(m.pending, float64(of.counts.Pending))
	for reason, n := range of.counts.Conflicted {
		gauge(m.conflicted, float64(n), reason)
	}
	gauge(m.objects, float64(s.Objects.NetworkPolicies), "NetworkPolicy")
	gauge(m.objects, float64(s.Objects.Roles), "Role")
	gauge(m.objects, float64(s.Objects.RoleBindings), "RoleBinding")
	for reason, n := range of.counts.Findings {
		gauge(m.findings, float64(n), reason)
	}
	gauge(m.roles, float64(s.UndeclaredAccess.Roles))
	gauge(m.bindings, float64(s.UndeclaredAccess.RoleBindings))
}

// conditionTypes are the conditions that are measured. Reconciling and Stalled are left out of a status
// while they are not true, and are measured as 0 then.
func conditionTypes() []string {
	return []string{
		v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled,
		v1alpha1.ConditionAccepted, v1alpha1.ConditionConflicted, v1alpha1.ConditionIsolated,
	}
}
