package controllers

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// The gauges are of the process, as the registry is that serves them.
var (
	undeclaredRoles = profileGauge("segmentation_undeclared_roles",
		"Roles in the profile's namespaces through which others grant what the profile does not declare.")
	undeclaredRoleBindings = profileGauge("segmentation_undeclared_role_bindings",
		"RoleBindings in the profile's namespaces by which others grant what the profile does not declare.")
)

// profileGauge is a registered gauge that has a value for each profile.
func profileGauge(name, help string) *prometheus.GaugeVec {
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"profile"})
	metrics.Registry.MustRegister(gauge)
	return gauge
}

// measureAccess sets what is measured of a profile.
func measureAccess(profile string, access v1alpha1.UndeclaredAccess) {
	undeclaredRoles.WithLabelValues(profile).Set(float64(access.Roles))
	undeclaredRoleBindings.WithLabelValues(profile).Set(float64(access.RoleBindings))
}

// forgetAccess removes what is measured of a profile that is gone.
func forgetAccess(profile string) {
	undeclaredRoles.DeleteLabelValues(profile)
	undeclaredRoleBindings.DeleteLabelValues(profile)
}
