package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Cluster is a running control plane.
type Cluster struct {
	settings settings
	assets   string
	dir      workdir
	watchdog *watchdog
	logs     *logs
	plane    *envtest.ControlPlane
	manager  *manager
	admin    *rest.Config
	audit    *AuditLog

	// restarting are the processes that are gone on purpose.
	restarting     []string
	restartingLock sync.Mutex

	stopOnce sync.Once
	stopErr  error
	stopped  chan struct{}
}

// Start starts a control plane and returns once all of it is ready. The context
// limits the start only. Whatever was started is stopped again if Start fails,
// and also if this process dies without calling Stop.
func Start(ctx context.Context, options ...Option) (*Cluster, error) {
	chosen := newSettings(options)
	assets := os.Getenv(assetsVariable)
	if err := findBinaries(assets, chosen.binaries()...); err != nil {
		return nil, err
	}
	c, err := newCluster(chosen, assets)
	if err != nil {
		return nil, err
	}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.cleanUp())
	}
	return c, nil
}

// binaries returns those that are needed.
func (s settings) binaries() []string {
	if s.controller {
		return []string{etcd, apiServer, controllerManager}
	}
	return []string{etcd, apiServer}
}

// newCluster prepares a cluster of which nothing runs yet but the watchdog.
func newCluster(settings settings, assets string) (*Cluster, error) {
	dir, err := newWorkdir()
	if err != nil {
		return nil, err
	}
	if settings.logDir == "" {
		settings.logDir = dir.file("logs")
	}
	logs, err := openLogs(settings.logDir)
	if err != nil {
		return nil, errors.Join(err, dir.remove())
	}
	watchdog, err := startWatchdog(dir)
	if err != nil {
		return nil, errors.Join(err, logs.close(), dir.remove())
	}
	return &Cluster{
		settings: settings,
		assets:   assets,
		dir:      dir,
		watchdog: watchdog,
		logs:     logs,
		stopped:  make(chan struct{}),
	}, nil
}

func (c *Cluster) start(ctx context.Context) error {
	// envtest knows no contexts, but gives up at once when its processes end.
	ended := make(chan struct{})
	defer close(ended)
	release := context.AfterFunc(ctx, func() { c.killUntil(ended) })
	defer release()
	for _, step := range []func(context.Context) error{
		c.startPlane, c.installCRDs, c.createDNS, c.startManager,
	} {
		if err := step(ctx); err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
	}
	if !release() {
		return context.Cause(ctx)
	}
	return nil
}

// killUntil kills what runs, again and again: a process may only be about to start.
func (c *Cluster) killUntil(ended <-chan struct{}) {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		_ = c.dir.kill() // what cannot be killed now is tried again
		select {
		case <-ended:
			return
		case <-again.C:
		}
	}
}

func (c *Cluster) installCRDs(context.Context) error {
	if len(c.settings.crds) == 0 {
		return nil
	}
	c.settings.progress("installing the resource definitions")
	_, err := envtest.InstallCRDs(c.admin, envtest.CRDInstallOptions{
		Paths:              c.settings.crds,
		ErrorIfPathMissing: true,
	})
	if err != nil {
		return fmt.Errorf("installing the resource definitions: %w", err)
	}
	return nil
}

// launcher returns the path by which a binary is started.
func (c *Cluster) launcher(name string) (string, error) {
	path, err := filepath.Abs(filepath.Join(c.assets, name))
	if err != nil {
		return "", err
	}
	return c.dir.launcher(path)
}

// Err returns an error if a part of the cluster has ended by itself, or if the
// cluster was stopped.
func (c *Cluster) Err() error {
	select {
	case <-c.stopped:
		return errors.New("the cluster was stopped")
	default:
		return c.died()
	}
}

// died returns an error that names the processes that were ready once and are
// gone.
func (c *Cluster) died() error {
	var gone []string
	if c.admin != nil {
		gone = slices.DeleteFunc([]string{etcd, apiServer}, func(name string) bool {
			return c.dir.running(name) || c.isRestarting(name)
		})
	}
	if c.manager != nil && c.manager.ended() {
		gone = append(gone, controllerManager)
	}
	var errs []error
	for _, name := range gone {
		errs = append(errs, fmt.Errorf("%s has ended by itself, its log ends with:\n%s", name, c.logs.tail(name)))
	}
	return errors.Join(errs...)
}

// Stop stops all processes and removes all files, and returns an error if that
// failed or if a process had already ended by itself. Further calls return the
// same.
func (c *Cluster) Stop() error {
	c.stopOnce.Do(func() {
		died := c.died()
		close(c.stopped)
		c.stopErr = errors.Join(died, c.cleanUp())
	})
	return c.stopErr
}

// cleanUp leaves nothing behind, in whatever state the cluster is. The order
// matters: without the directory, the watchdog has nothing to do.
func (c *Cluster) cleanUp() error {
	return errors.Join(
		c.stopManager(), c.stopPlane(), c.logs.close(), c.dir.remove(), c.watchdog.stop())
}
