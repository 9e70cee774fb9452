package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// RestartAPIServer kills the API server and starts it again at the same address, with the
// same flags and keys, so that all clients and tokens stay good. It returns once the API
// server is ready. Clients see refused connections and broken watches meanwhile.
func (c *Cluster) RestartAPIServer(ctx context.Context) error {
	return c.restart(ctx, apiServer, c.plane.APIServer.Start)
}

// RestartEtcd kills etcd and starts it again over the same data, and returns once the API
// server is ready again. Without etcd, the API server answers with errors, or late. Nothing
// is lost that was acknowledged: etcd does not wait for the disk here, but what a killed
// process has written is the operating system's.
func (c *Cluster) RestartEtcd(ctx context.Context) error {
	return c.restart(ctx, etcd, c.plane.Etcd.Start)
}

func (c *Cluster) restart(ctx context.Context, name string, start func() error) error {
	if err := errors.Join(c.Err(), context.Cause(ctx)); err != nil {
		return err
	}
	c.expectEnd(name, true)
	defer c.expectEnd(name, false)
	if err := c.dir.killOne(name); err != nil {
		return err
	}
	if err := c.waitForEnd(ctx, name); err != nil {
		return err
	}
	// As with the first start, envtest has no context, but gives up when its process ends.
	ended := make(chan struct{})
	release := context.AfterFunc(ctx, func() { c.killUntil(ended) })
	err := start()
	close(ended)
	if !release() {
		return errors.Join(context.Cause(ctx), err)
	}
	if err != nil {
		return fmt.Errorf("restarting %s: %w", name, c.explainPlane(err))
	}
	return c.waitForAPIServer(ctx)
}

// waitForEnd waits until a killed process is gone.
func (c *Cluster) waitForEnd(ctx context.Context, name string) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for c.dir.running(name) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s to end: %w", name, context.Cause(ctx))
		case <-tick.C:
		}
	}
	return nil
}

// expectEnd says whether a process that is gone is being restarted rather than dead.
func (c *Cluster) expectEnd(name string, expected bool) {
	c.restartingLock.Lock()
	defer c.restartingLock.Unlock()
	if expected {
		c.restarting = append(c.restarting, name)
		return
	}
	c.restarting = slices.DeleteFunc(c.restarting, func(other string) bool { return other == name })
}

func (c *Cluster) isRestarting(name string) bool {
	c.restartingLock.Lock()
	defer c.restartingLock.Unlock()
	return slices.Contains(c.restarting, name)
}
