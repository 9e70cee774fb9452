package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
)

// pollInterval is how often something is asked that is waited for.
const pollInterval = 50 * time.Millisecond

// demo is one run. Its fields are set as it goes.
type demo struct {
	options options
	screen  *screen

	dir     *workdir
	install []*unstructured.Unstructured
	sample  *sample
	cluster *cluster.Cluster
	admin   client.WithWatch
	// breakGlass is an admin who may change what the operator wrote: config/admission refuses it to
	// all others.
	breakGlass client.Client
	operator   *operator

	// surprises is what was not as expected.
	surprises []string
}

// run does everything, and returns when there is nothing left to do or the context ends.
func (d *demo) run(ctx context.Context) error {
	steps := []func(context.Context) error{
		d.prepare, d.startControlPlane, d.installOperator, d.waitForCeiling, d.startOperator, d.applySample, d.waitForReady,
		d.showTiers, d.showObjects, d.showPolicy, d.showReach, d.showAccess, d.showDrift, d.showCommands,
		d.judge,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if d.options.once {
		return nil
	}
	return d.stayUp(ctx)
}

// expectf notes what was not as expected, without ending the demo: the rest is worth seeing.
func (d *demo) expectf(ok bool, format string, args ...any) {
	if !ok {
		d.surprises = append(d.surprises, fmt.Sprintf(format, args...))
	}
}

// judge says whether everything was as expected. With --once the exit code says so too;
// otherwise the cluster stays up, to find out.
func (d *demo) judge(context.Context) error {
	if len(d.surprises) == 0 {
		return nil
	}
	d.screen.heading("Not as expected")
	d.screen.block(strings.Join(d.surprises, "\n") + "\n")
	if d.options.once {
		return fmt.Errorf("not everything was as expected: %s", strings.Join(d.surprises, "; "))
	}
	return nil
}

// stayUp waits until the user has seen enough, or something ends by itself.
func (d *demo) stayUp(ctx context.Context) error {
	d.screen.heading("All of it stays up until Ctrl-C, which leaves nothing behind.")
	for {
		select {
		case <-ctx.Done():
			d.screen.stepf("Stopping")
			return nil
		case <-time.After(time.Second):
			if err := d.died(); err != nil {
				return err
			}
		}
	}
}

// died returns an error if something that should run has ended by itself.
func (d *demo) died() error {
	if err := d.cluster.Err(); err != nil {
		return err
	}
	if d.operator != nil {
		return d.operator.died()
	}
	return nil
}

// until waits until a condition returns no error, which is taken for something that goes
// away. It gives up when the time for a step is over or something has died.
func (d *demo) until(ctx context.Context, what string, condition func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d.options.timeout)
	defer cancel()
	var last error
	for {
		err := condition(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil { // that there was no time for an answer explains nothing
			last = err
		}
		if died := d.died(); died != nil {
			return fmt.Errorf("waiting for %s: %w", what, died)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s: %w", d.options.timeout, what, last)
		case <-time.After(pollInterval):
		}
	}
}

// stop stops and removes everything, in whatever state the demo is. The operator goes first,
// since it gives back its lease.
func (d *demo) stop() error {
	var errs []error
	if d.operator != nil {
		errs = append(errs, d.operator.stop())
	}
	if d.cluster != nil {
		errs = append(errs, d.cluster.Stop())
	}
	if d.dir != nil {
		errs = append(errs, d.dir.remove())
	}
	return errors.Join(errs...)
}
