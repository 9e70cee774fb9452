package operator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/controllers"
	"github.com/segmentation-dev/segmentation-operator/internal/apply"
	"github.com/segmentation-dev/segmentation-operator/internal/backpressure"
	"github.com/segmentation-dev/segmentation-operator/internal/compact"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// leaseName names the lease of leader election.
const leaseName = "segmentation-operator"

// New sets up the manager with both reconcilers. It is started by its Start.
func New(ctx context.Context, config *rest.Config, o *Options) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	err := errors.Join(
		clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme),
		apiextensionsv1.AddToScheme(scheme), policyv1alpha2.Install(scheme), mesh.AddToScheme(scheme),
	)
	if err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	// The API server's own priority and fairness shapes the load; a limit here would only
	// add latency to a burst.
	config.QPS = -1
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         cacheOptions(o),
		Metrics:                       metricsOptions(o),
		HealthProbeBindAddress:        o.ProbeAddress,
		PprofBindAddress:              o.PprofAddress,
		Controller:                    ctrlconfig.Controller{SkipNameValidation: &o.IsOneOfSeveral},
		Logger:                        o.Logger,
		LeaderElection:                o.LeaderElect,
		LeaderElectionID:              leaseName,
		LeaderElectionNamespace:       o.LeaseNamespace,
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       &o.ShutdownDeadline,
	})
	if err != nil {
		return nil, fmt.Errorf("setting up: %w", err)
	}
	if err := addControllers(ctx, mgr, o); err != nil {
		return nil, err
	}
	return mgr, addProbes(mgr, o)
}

// cacheOptions keep the cache small: of namespaces only the metadata is watched, what is not read is dropped, and what
// objects have in common is kept once. Objects are shared with the cache and never modified.
func cacheOptions(o *Options) cache.Options {
	share := true
	return cache.Options{
		SyncPeriod:                   &o.Resync,
		DefaultTransform:             compact.NewObjects().Transform,
		DefaultUnsafeDisableDeepCopy: &share,
		ByObject: map[client.Object]cache.ByObject{
			// Only those of the API server's Service are read, which are in this namespace.
			&discoveryv1.EndpointSlice{}: {Namespaces: map[string]cache.Config{metav1.NamespaceDefault: {}}},
		},
	}
}

func metricsOptions(o *Options) metricsserver.Options {
	m := metricsserver.Options{
		BindAddress:   o.MetricsAddress,
		SecureServing: o.MetricsSecure,
		CertDir:       o.MetricsCertPath,
		// HTTP/2 brings known ways to exhaust a server, and metrics have no use for it.
		TLSOpts: []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }},
	}
	if o.MetricsSecure {
		m.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return m
}

func addControllers(ctx context.Context, mgr ctrl.Manager, o *Options) error {
	census, ledger := transition.NewCensus(), controllers.NewLedger()
	profiles := controllers.NewProfiles(mgr.GetCache(), o.Protected, census, o.Namespace)
	profiles.Pace()
	profiles.EnforcedBy(o.Engine, o.WatchPods)
	if o.ByServiceAddress {
		profiles.GoByServiceAddresses()
	}
	warm := true
	own, access, err := writers(mgr, o)
	if err != nil {
		return err
	}
	guards, err := addGuardrails(mgr, o, profiles, own)
	if err != nil {
		return err
	}
	meshes, err := addMesh(mgr, o, profiles, own)
	if err != nil {
		return err
	}
	profile := &controllers.ProfileReconciler{
		Reader:    mgr.GetCache(),
		Writer:    own,
		Recorder:  mgr.GetEventRecorder(leaseName),
		Profiles:  profiles,
		Ledger:    ledger,
		Protected: o.Protected,
		Namespace: o.Namespace,
		Guards:    guards,
		Meshes:    meshes,
	}
	if err := profile.SetupWithManager(mgr, controller.Options{EnableWarmup: &warm}); err != nil {
		return fmt.Errorf("setting up the profile controller: %w", err)
	}
	namespace := &controllers.NamespaceReconciler{
		Reader:    mgr.GetCache(),
		Applier:   apply.New(own, access),
		Profiles:  profiles,
		Ledger:    ledger,
		Census:    census,
		Protected: o.Protected,
		Guards:    guards,
		WatchPods: o.WatchPods,
		Clock:     time.Now,
	}
	err = namespace.SetupWithManager(ctx, mgr, controller.Options{
		MaxConcurrentReconciles: o.Concurrency,
		EnableWarmup:            &warm,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](50*time.Millisecond, time.Minute),
	})
	if err != nil {
		return fmt.Errorf("setting up the namespace controller: %w", err)
	}
	return nil
}

// addGuardrails adds the controller of guardrails, and what follows the kind that they are of.
func addGuardrails(mgr ctrl.Manager, o *Options, profiles *controllers.Profiles, writer controllers.Writer) (*controllers.Guards, error) {
	kind := &controllers.Optional{
		Definition: "clusternetworkpolicies." + policyv1alpha2.GroupName, Version: policyv1alpha2.GroupVersion.Version,
		Annotation: bundleAnnotation, Object: &policyv1alpha2.ClusterNetworkPolicy{},
		Config: mgr.GetConfig(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(), Logger: o.Logger,
	}
	guards := controllers.NewGuards(kind)
	if err := mgr.Add(kind); err != nil {
		return nil, fmt.Errorf("adding the watch of %s: %w", kind.Definition, err)
	}
	guardrails := &controllers.GuardrailReconciler{
		Reader: mgr.GetCache(), Writer: writer, Profiles: profiles, Protected: o.Protected, Band: o.GuardrailPriorities, Guards: guards,
		Transit: guardrail.Transit{Patience: transition.Longest},
	}
	if err := guardrails.SetupWithManager(mgr, controller.Options{}); err != nil {
		return nil, fmt.Errorf("setting up the guardrail controller: %w", err)
	}
	return guards, nil
}

// bundleAnnotation is on definitions of the network policy API as its project releases them:
// https://network-policy-api.sigs.k8s.io/
const bundleAnnotation = "policy.networking.k8s.io/bundle-version"

// writers returns the clients of all that the operator writes but for events and its lease: one that acts as
// itself, and one for Roles and RoleBindings. That acts as another account, that holds what profiles may grant
// and nothing else: the API server lets an account grant all that it holds, and the operator holds what it needs
// for its own work.
func writers(mgr ctrl.Manager, o *Options) (own, access controllers.Writer, err error) {
	if o.GrantAs == "" {
		return nil, nil, errors.New("--grant-as is not set: name the account that holds what profiles may grant, " +
			"such as system:serviceaccount:segmentation-system:segmentation-granter")
	}
	config := backpressure.Upfront(mgr.GetConfig())
	options := client.Options{Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper()}
	network, err := client.New(config, options)
	if err != nil {
		return nil, nil, fmt.Errorf("setting up the client for writes: %w", err)
	}
	config = rest.CopyConfig(config)
	config.Impersonate = rest.ImpersonationConfig{UserName: o.GrantAs}
	grants, err := client.New(config, options)
	if err != nil {
		return nil, nil, fmt.Errorf("setting up the client for access: %w", err)
	}
	return controllers.CountWrites(network), controllers.CountWrites(grants), nil
}

// watched are the kinds that the controllers watch.
func watched(o *Options) []client.Object {
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	kinds := []client.Object{
		namespace, &networkingv1.NetworkPolicy{}, &rbacv1.Role{}, &rbacv1.RoleBinding{}, &rbacv1.ClusterRole{},
		&v1alpha1.SegmentationProfile{}, &corev1.Service{}, &discoveryv1.EndpointSlice{}, &corev1.Node{}, &networkingv1.ServiceCIDR{},
	}
	if o.WatchPods {
		kinds = append(kinds, &corev1.Pod{})
	}
	return kinds
}

// addProbes makes the operator ready once its cache is filled, as a standby too.
func addProbes(mgr ctrl.Manager, o *Options) error {
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("adding the health check: %w", err)
	}
	synced := make(chan struct{})
	err := mgr.Add(onEveryReplica(func(ctx context.Context) error {
		// The cache as a whole counts as filled as long as nothing is watched.
		for _, obj := range watched(o) {
			err := wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
				// An API server that fails now may answer the next time.
				_, err := mgr.GetCache().GetInformer(ctx, obj)
				return err == nil, nil
			})
			if err != nil {
				return nil //nolint:nilerr // The operator ends.
			}
		}
		close(synced)
		// What was read to fill the cache is several times what is kept of it.
		debug.FreeOSMemory()
		return nil
	}))
	if err != nil {
		return fmt.Errorf("adding the wait for the cache: %w", err)
	}
	err = mgr.AddReadyzCheck("cache", func(*http.Request) error {
		select {
		case <-synced:
			return nil
		default:
			return errors.New("the cache is not filled yet")
		}
	})
	if err != nil {
		return fmt.Errorf("adding the readiness check: %w", err)
	}
	return nil
}

// onEveryReplica is a runnable that does not wait for leadership.
type onEveryReplica func(context.Context) error

// Start runs it.
func (f onEveryReplica) Start(ctx context.Context) error { return f(ctx) }

// NeedLeaderElection tells the manager not to wait.
func (onEveryReplica) NeedLeaderElection() bool { return false }
