package cluster

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const (
	// startTimeout is how long one process may take to start: far more than it does,
	// since builds and other tests may run at the same time. The context given to
	// Start is the real limit.
	startTimeout = 2 * time.Minute
	// stopTimeout is how long the processes may take to go once they are killed.
	stopTimeout = 20 * time.Second
	// pollInterval is how often something is asked that is waited for.
	pollInterval = 50 * time.Millisecond
	// advertised is the address under which the API server says that it can be
	// reached, in the endpoints of default/kubernetes. It is one for documentation:
	// the real one, which depends on this machine's network and may not exist, is a
	// loopback address, which Kubernetes refuses there.
	advertised = "192.0.2.1"
)

// startPlane starts etcd and the API server.
func (c *Cluster) startPlane(ctx context.Context) error {
	c.settings.progress("starting etcd and kube-apiserver")
	if err := c.preparePlane(); err != nil {
		return err
	}
	if err := c.plane.Start(); err != nil {
		return c.explainPlane(err)
	}
	admin, err := c.newUser("admin", "system:masters")
	if err != nil {
		return err
	}
	c.admin = admin
	return c.waitForAPIServer(ctx)
}

func (c *Cluster) preparePlane() error {
	etcdPath, err := c.launcher(etcd)
	if err != nil {
		return err
	}
	apiServerPath, err := c.launcher(apiServer)
	if err != nil {
		return err
	}
	c.plane = &envtest.ControlPlane{
		Etcd: &envtest.Etcd{
			Path: etcdPath, DataDir: c.dir.file("etcd"),
			StartTimeout: startTimeout, StopTimeout: stopTimeout,
			Out: c.logs.files[etcd], Err: c.logs.files[etcd],
		},
		APIServer: &envtest.APIServer{
			Path: apiServerPath, CertDir: c.dir.file("certs"),
			StartTimeout: startTimeout, StopTimeout: stopTimeout,
			Out: c.logs.files[apiServer], Err: c.logs.files[apiServer],
		},
	}
	return c.setFlags()
}

func (c *Cluster) setFlags() error {
	flags := c.plane.APIServer.Configure()
	flags.Set("advertise-address", advertised)
	// Room for as many Services as a test may want.
	flags.Set("service-cluster-ip-range", "10.0.0.0/16")
	flags.Set("profiling", "false")
	if c.settings.audit != "" {
		if err := c.enableAudit(flags); err != nil {
			return err
		}
	}
	for name, values := range c.settings.flags {
		flags.Set(name, values...)
	}
	return nil
}

// explainPlane adds to an error of envtest, which never says why a process did
// not start, what that process said.
func (c *Cluster) explainPlane(err error) error {
	for _, name := range []string{apiServer, etcd} {
		if tail := c.logs.tail(name); tail != "" {
			return fmt.Errorf("%w; the log of %s ends with:\n%s", err, name, tail)
		}
	}
	return err
}

// waitForAPIServer waits until the API server says that it is ready: envtest only
// waits until it is alive.
func (c *Cluster) waitForAPIServer(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.admin)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	return c.waitFor(ctx, "kube-apiserver to be ready", func(ctx context.Context) error {
		return client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// waitFor waits until a condition returns no error. An error is taken for
// something that goes away, unless the cluster dies.
func (c *Cluster) waitFor(ctx context.Context, what string, condition func(context.Context) error) error {
	for {
		err := condition(ctx)
		if err == nil {
			return nil
		}
		if died := c.died(); died != nil {
			return fmt.Errorf("waiting for %s: %w", what, died)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w: %w", what, context.Cause(ctx), err)
		case <-time.After(pollInterval):
		}
	}
}

// stopPlane ends the API server and etcd. Told to end gently, the API server would
// wait for clients that still watch, and their data is thrown away anyway.
func (c *Cluster) stopPlane() error {
	if c.plane == nil {
		return nil
	}
	if err := c.dir.kill(); err != nil {
		return err
	}
	for deadline := time.After(stopTimeout); c.dir.running(apiServer) || c.dir.running(etcd); {
		select {
		case <-deadline:
			return fmt.Errorf("the control plane still runs %s after it was killed", stopTimeout)
		case <-time.After(time.Millisecond):
		}
	}
	// What is left to do concerns envtest's own memory. It may complain that the
	// processes, which it did not end, are gone.
	_ = c.plane.Stop()
	return nil
}

// newUser makes a client certificate. There is no limit to a client's rate:
// tests should find the server's limits, not the client's.
func (c *Cluster) newUser(name string, groups ...string) (*rest.Config, error) {
	user, err := c.plane.AddUser(envtest.User{Name: name, Groups: groups}, &rest.Config{QPS: -1})
	if err != nil {
		return nil, fmt.Errorf("making a certificate for user %s: %w", name, err)
	}
	return user.Config(), nil
}
