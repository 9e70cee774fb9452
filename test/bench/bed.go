package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// stepTimeout is how long one thing that is measured may take until the run is given up.
const stepTimeout = 10 * time.Minute

// bed is a control plane with a number of namespaces, and the operator.
type bed struct {
	options
	n        int
	progress io.Writer
	dir      string
	cluster  *cluster.Cluster
	// admin is the plain client, too.
	admin client.WithWatch
	// asAccount and asGranter act as the operator does.
	asAccount, asGranter client.Client
	operator             *deploy.Process
	running              bool
	profile              *v1alpha1.SegmentationProfile
	expected             expected
	// best is the concurrency at which the plain client is fastest.
	best int
}

// buildOperator builds the operator, and returns how to remove it.
func buildOperator(ctx context.Context) (binary string, cleanUp func(), err error) {
	dir, err := os.MkdirTemp("", "segmentation-bench-")
	if err != nil {
		return "", nil, err
	}
	cleanUp = func() { _ = os.RemoveAll(dir) }
	if binary, err = deploy.Build(ctx, dir); err != nil {
		cleanUp()
		return "", nil, err
	}
	return binary, cleanUp, nil
}

func newBed(ctx context.Context, o options, binary string, n int, progress io.Writer) (b *bed, err error) {
	b = &bed{options: o, n: n, progress: progress}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.stop())
		}
	}()
	if b.dir, err = os.MkdirTemp("", "segmentation-bench-"); err != nil {
		return b, err
	}
	b.sayf("starting the control plane")
	if err := b.startCluster(ctx); err != nil {
		return b, err
	}
	config, err := b.cluster.ServiceAccountConfig(ctx, deploy.Namespace, deploy.ServiceAccount)
	if err != nil {
		return b, err
	}
	if err := b.connect(config); err != nil {
		return b, err
	}
	logs := b.dir
	if o.keep != "" {
		logs = o.keep
	}
	if b.operator, err = deploy.NewProcess(binary, logs, fmt.Sprintf("operator-%d", n), config); err != nil {
		return b, err
	}
	b.sayf("creating the namespaces")
	err = b.createNamespaces(ctx)
	return b, err
}

func (b *bed) sayf(format string, args ...any) {
	fmt.Fprintf(b.progress, "bench: %s %d namespaces: %s\n", time.Now().Format(time.TimeOnly), b.n, fmt.Sprintf(format, args...))
}

func (b *bed) startCluster(ctx context.Context) (err error) {
	root, err := deploy.Root()
	if err != nil {
		return err
	}
	options := []cluster.Option{cluster.WithCRDs(filepath.Join(root, "config", "crd", "bases"))}
	if b.keep != "" {
		// For go tool pprof on the API server.
		options = append(options, cluster.WithLogDir(b.keep), cluster.WithAPIServerFlag("profiling", "true"))
	}
	if b.cluster, err = cluster.Start(ctx, options...); err != nil {
		return err
	}
	scheme, err := deploy.Scheme()
	if err != nil {
		return err
	}
	if b.admin, err = client.NewWithWatch(b.cluster.AdminConfig(), client.Options{Scheme: scheme}); err != nil {
		return err
	}
	return deploy.Install(ctx, b.admin)
}

// connect makes the clients that act as the operator does.
func (b *bed) connect(config *rest.Config) (err error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	options := client.Options{Scheme: b.admin.Scheme()}
	if b.asAccount, err = client.New(config, options); err != nil {
		return err
	}
	config = rest.CopyConfig(config)
	config.Impersonate.UserName = "system:serviceaccount:" + deploy.Namespace + ":segmentation-granter"
	b.asGranter, err = client.New(config, options)
	return err
}

func (b *bed) createNamespaces(ctx context.Context) error {
	if err := each(ctx, b.n, 16, func(ctx context.Context, i int) error {
		return b.admin.Create(ctx, makeNamespace(namespaceName(i), tierOf(i)))
	}); err != nil {
		return err
	}
	return b.settle(ctx)
}

// settle waits until the control plane has done what it does for namespaces by itself.
func (b *bed) settle(ctx context.Context) error {
	return poll(ctx, func(ctx context.Context) (bool, error) {
		n, err := b.count(ctx, "v1", "ServiceAccount", nil)
		return n >= b.n, err
	})
}

func (b *bed) startOperator(ctx context.Context) error {
	if b.running {
		return nil
	}
	flags := append([]string{"--metrics-secure=false", "--zap-log-level=info"}, b.flags...)
	if err := b.operator.Start(flags...); err != nil {
		return err
	}
	b.running = true
	return b.untilDrained(ctx)
}

func (b *bed) stopOperator() error {
	if !b.running {
		return nil
	}
	b.running = false
	return b.operator.Stop()
}

// createProfile creates the profile, and finds out what is to be written for it.
func (b *bed) createProfile(ctx context.Context) error {
	b.profile = makeProfile()
	if err := b.admin.Create(ctx, b.profile); err != nil {
		return err
	}
	return b.expect(ctx)
}

func (b *bed) expect(ctx context.Context) error {
	plan, err := deploy.Compile(ctx, b.admin, b.profile)
	if err != nil {
		return err
	}
	b.expected = expected{}
	for i := range plan.Tiers {
		b.expected[plan.Tiers[i].Name] = render.Tier(plan, &plan.Tiers[i])
	}
	return nil
}

// converged brings the profile and the operator to where everything is written, if they are not there.
func (b *bed) converged(ctx context.Context) error {
	if err := b.startOperator(ctx); err != nil {
		return err
	}
	if b.profile == nil {
		if err := b.createProfile(ctx); err != nil {
			return err
		}
	}
	if err := b.untilReady(ctx); err != nil {
		return err
	}
	return b.untilDrained(ctx)
}

func (b *bed) stop() error {
	var err error
	if b.operator != nil {
		b.operator.Kill()
	}
	if b.cluster != nil {
		err = b.cluster.Stop()
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}
