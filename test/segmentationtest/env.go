package segmentationtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-logr/logr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/config/crd"
)

// Env is an API server on which the operator runs.
type Env struct {
	// Config connects as an administrator.
	Config *rest.Config
	// Client acts as an administrator, and knows Kubernetes' own types and SegmentationProfiles. It reads from the API
	// server, not from a cache.
	Client client.Client
	// Timeout is how long is waited for what comes about eventually.
	Timeout time.Duration

	settings settings
	stop     []func() error
}

// Option changes how an Env is set up.
type Option func(*settings)

type settings struct {
	environment *envtest.Environment
	logger      logr.Logger
	timeout     time.Duration
	protected   []string
	withoutDNS  bool
}

// WithEnvironment starts this environment, with what it says of binaries, flags and CRDs, in place of a plain one.
func WithEnvironment(e *envtest.Environment) Option {
	return func(s *settings) { s.environment = e }
}

// WithLogger has the operator log; without it, it does not.
func WithLogger(l logr.Logger) Option {
	return func(s *settings) { s.logger = l }
}

// WithTimeout says how long to wait for what comes about eventually, and for the start; without it, a minute.
func WithTimeout(d time.Duration) Option {
	return func(s *settings) { s.timeout = d }
}

// WithProtectedNamespaces are namespaces that no profile may claim, names or patterns, beside those of the system.
func WithProtectedNamespaces(patterns ...string) Option {
	return func(s *settings) { s.protected = append(s.protected, patterns...) }
}

// WithoutDNS leaves out the Service kube-dns that is otherwise created, as every cluster has it.
func WithoutDNS() Option {
	return func(s *settings) { s.withoutDNS = true }
}

func newEnv(options []Option) *Env {
	s := settings{environment: &envtest.Environment{}, logger: logr.Discard(), timeout: time.Minute}
	for _, o := range options {
		o(&s)
	}
	return &Env{settings: s, Timeout: s.timeout}
}

// Start starts an API server and the operator on it. Both are stopped when the test ends.
func Start(tb testing.TB, options ...Option) *Env {
	tb.Helper()
	e, err := start(tb.Context(), options)
	if err != nil {
		tb.Fatalf("starting an API server with the segmentation operator: %v", err)
	}
	tb.Cleanup(func() {
		if err := e.Stop(); err != nil {
			tb.Errorf("stopping the segmentation operator: %v", err)
		}
	})
	return e
}

// Run runs the operator on an API server that is there, such as the one of an envtest.Environment, to which config
// connects as an administrator. It installs the CRD and the operator's accounts, and stops the operator when the test ends.
func Run(tb testing.TB, config *rest.Config, options ...Option) *Env {
	tb.Helper()
	e := newEnv(options)
	e.Config = config
	if err := e.run(tb.Context()); err != nil {
		tb.Fatalf("running the segmentation operator: %v", errors.Join(err, e.Stop()))
	}
	tb.Cleanup(func() {
		if err := e.Stop(); err != nil {
			tb.Errorf("stopping the segmentation operator: %v", err)
		}
	})
	return e
}

// Main runs all tests of a package with one API server, on which the operator runs, and returns the exit code. It is to be
// called by TestMain:
//
//	var env *segmentationtest.Env
//
//	func TestMain(m *testing.M) {
//		os.Exit(segmentationtest.Main(m, func(e *segmentationtest.Env) { env = e }))
//	}
func Main(m *testing.M, use func(*Env), options ...Option) (code int) {
	e, err := start(context.Background(), options)
	if err != nil {
		fmt.Println("starting an API server with the segmentation operator:", err)
		return 1
	}
	defer func() {
		if err := e.Stop(); err != nil {
			fmt.Println("stopping the segmentation operator:", err)
			code = 1
		}
	}()
	use(e)
	return m.Run()
}

// start starts an API server and the operator on it.
func start(ctx context.Context, options []Option) (*Env, error) {
	e := newEnv(options)
	config, err := e.settings.environment.Start()
	if err != nil {
		// It may have come so far that etcd and the API server run.
		return nil, errors.Join(fmt.Errorf("%w; envtest finds its binaries by KUBEBUILDER_ASSETS: "+
			"see https://book.kubebuilder.io/reference/envtest", err), e.settings.environment.Stop())
	}
	e.Config = config
	e.stop = append(e.stop, e.settings.environment.Stop)
	if err := e.run(ctx); err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	return e, nil
}

// Stop stops what was started. Tests need not call it.
func (e *Env) Stop() error {
	var errs []error
	for len(e.stop) > 0 {
		last := len(e.stop) - 1
		errs = append(errs, e.stop[last]())
		e.stop = e.stop[:last]
	}
	return errors.Join(errs...)
}

// run installs what the operator needs, and runs it.
func (e *Env) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, e.settings.timeout)
	defer cancel()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(crd.SegmentationProfiles, &definition); err != nil {
		return fmt.Errorf("reading the CRD: %w", err)
	}
	installed := envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{&definition}}
	if _, err := envtest.InstallCRDs(e.Config, installed); err != nil {
		return fmt.Errorf("installing the CRD: %w", err)
	}
	var err error
	if e.Client, err = client.New(e.Config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{e.installAccess, e.aggregate, e.createDNS, e.runOperator} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}
