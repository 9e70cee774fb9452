package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/operator"
)

// options are what the operator's flags say.
type options struct {
	operator.Options

	protected  string
	protectOwn bool
	band       string
	engine     string
}

func bindOptions(flags *flag.FlagSet) *options {
	o := &options{Options: operator.Options{Namespace: ownNamespace()}}
	flags.StringVar(&o.MetricsAddress, "metrics-bind-address", "0",
		"Where metrics are served, such as :8443; 0 serves none.")
	flags.BoolVar(&o.MetricsSecure, "metrics-secure", true,
		"Serve metrics by HTTPS, and only to who may get the non-resource URL /metrics.")
	flags.StringVar(&o.MetricsCertPath, "metrics-cert-path", "",
		"The directory with tls.crt and tls.key for metrics; left out, a self-signed certificate is made.")
	flags.StringVar(&o.ProbeAddress, "health-probe-bind-address", ":8081",
		"Where /healthz and /readyz are served; 0 serves none.")
	flags.StringVar(&o.PprofAddress, "pprof-bind-address", "0",
		"Where profiles of the program itself are served (/debug/pprof/), such as localhost:8082, to whoever can reach it; 0 serves none.")
	flags.BoolVar(&o.LeaderElect, "leader-elect", false,
		"Work only while holding the lease, so that one of several replicas writes.")
	flags.StringVar(&o.LeaseNamespace, "leader-election-namespace", ownNamespace(),
		"The namespace of the lease; left out, the operator's own (environment variable POD_NAMESPACE).")
	flags.StringVar(&o.GrantAs, "grant-as", defaultGranter(),
		"The account as which Roles and RoleBindings are written. It holds what profiles may grant; left out, "+
			"the service account "+operator.Granter+" in the operator's own namespace.")
	flags.StringVar(&o.protected, "protected-namespaces", claim.DefaultProtected,
		"Namespaces that no profile may claim: names and patterns such as openshift-*, separated by commas.")
	flags.BoolVar(&o.protectOwn, "protect-own-namespace", true,
		"Protect the operator's own namespace too (environment variable POD_NAMESPACE).")
	flags.BoolVar(&o.ByServiceAddress, "match-service-addresses", false,
		"Open the addresses of Services (cluster IPs) beside those of their pods, for network plugins that compare policies "+
			"with a connection before its address is translated.")
	flags.StringVar(&o.band, "guardrail-priorities", guardrail.UsualBand().String(),
		"The priorities that the operator's ClusterNetworkPolicies may have, the first and the last, from 0 to 1000. "+
			"Policies of others should have others.")
	flags.StringVar(&o.IstioRoot, "istio-root-namespace", mesh.DefaultRoot,
		"Istio's root namespace (meshConfig.rootNamespace), whose policies hold for all namespaces.")
	flags.BoolVar(&o.WatchPods, "watch-pods", true,
		"Watch the ports and labels of pods, to find ports of dependencies that nothing has, Services that select no pod, "+
			"and the engine that enforces policies.")
	flags.StringVar(&o.engine, engine.Flag, engine.Auto,
		"What enforces NetworkPolicies, to write what it takes and to tell what it does not do as declared: "+
			strings.Join(engine.Values(), ", ")+". With auto it is found among the pods. A version may follow, as in cilium@1.15.")
	flags.DurationVar(&o.Resync, "sync-period", 10*time.Hour,
		"How often everything in the cache is looked at again. It makes no request.")
	flags.IntVar(&o.Concurrency, "concurrency", 64,
		"How many namespaces are worked on at the same time.")
	flags.DurationVar(&o.ShutdownDeadline, "graceful-shutdown-timeout", 20*time.Second,
		"How long to wait at the end for work that has begun.")
	return o
}

// mountedNamespace is where a pod's service account says which namespace it is in:
// https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
const mountedNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// ownNamespace is the namespace that the operator runs in; empty outside of a cluster.
func ownNamespace() string {
	if name := os.Getenv("POD_NAMESPACE"); name != "" {
		return name
	}
	name, err := os.ReadFile(mountedNamespace)
	if err != nil {
		return "" // Not in a pod.
	}
	return strings.TrimSpace(string(name))
}

func defaultGranter() string {
	own := ownNamespace()
	if own == "" {
		return ""
	}
	return "system:serviceaccount:" + own + ":" + operator.Granter
}

// protectedNamespaces are the namespaces that no profile may claim.
func (o *options) protectedNamespaces() (claim.Protected, error) {
	protected := claim.ParseProtected(o.protected)
	if own := ownNamespace(); o.protectOwn && own != "" {
		protected = append(protected, own)
	}
	if err := protected.Validate(); err != nil {
		return nil, fmt.Errorf("--protected-namespaces: %w", err)
	}
	return protected, nil
}

// priorities are those that guardrails may have.
func (o *options) priorities() (guardrail.Band, error) {
	band, err := guardrail.ParseBand(o.band)
	if err != nil {
		return guardrail.Band{}, fmt.Errorf("--guardrail-priorities: %w", err)
	}
	return band, nil
}
