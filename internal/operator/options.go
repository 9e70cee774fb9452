// Package operator puts the operator together: the manager, its cache, its clients and both reconcilers. The program
// cmd/operator runs it, and tests of who uses it run it in their own process.
package operator

import (
	"time"

	"github.com/go-logr/logr"

	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
)

// Granter is the service account that holds what profiles may grant.
const Granter = "segmentation-granter"

// Options are what the operator can be told; the flags of cmd/operator say what each means.
type Options struct {
	// Namespace is the operator's own namespace; empty outside of a cluster.
	Namespace string
	// Protected are the namespaces that no profile may claim.
	Protected claim.Protected
	// GrantAs is the account as which Roles and RoleBindings are written.
	GrantAs string
	// ByServiceAddress opens the addresses of Services beside those of their pods.
	ByServiceAddress bool
	// GuardrailPriorities are the priorities that guardrails may have.
	GuardrailPriorities guardrail.Band
	// IstioRoot is Istio's root namespace.
	IstioRoot string
	// Engine is the engine that enforces policies; without a name it is found among the pods.
	Engine engine.Found
	// WatchPods has it watch pods.
	WatchPods bool
	// Resync is how often everything in the cache is looked at again, and Concurrency how many namespaces are worked on at
	// the same time.
	Resync      time.Duration
	Concurrency int
	// ShutdownDeadline is how long it waits at the end for work that has begun.
	ShutdownDeadline time.Duration
	// LeaderElect has it work only while it holds the lease, which is in LeaseNamespace.
	LeaderElect    bool
	LeaseNamespace string
	// MetricsAddress, ProbeAddress and PprofAddress are where it serves; "0" serves nothing.
	MetricsAddress, ProbeAddress, PprofAddress string
	// MetricsSecure serves metrics by HTTPS, with the certificate in MetricsCertPath.
	MetricsSecure   bool
	MetricsCertPath string
	// Logger is what it logs to.
	Logger logr.Logger
	// IsOneOfSeveral is set if there may be several in one process, as in tests. They then share their metrics.
	IsOneOfSeveral bool
}
