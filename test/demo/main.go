// Command demo shows the operator at work: it starts a real control plane on this machine,
// installs what config/default installs, runs the operator under its own service account,
// applies the sample shop, and tells what came of it.
//
//	make demo              stays up for kubectl, until Ctrl-C
//	make demo ARGS=--once  ends after telling
//
// Nothing outside of this machine is touched, and nothing is left behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// Exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout *os.File, stderr io.Writer) int {
	o, err := parseOptions(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage())
		return exitDone
	}
	if err != nil {
		fmt.Fprintf(stderr, "demo: %v; see --help\n", err)
		return exitUsage
	}
	// What libraries would log in between is not for the one who watches.
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())

	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	defer stop()
	return show(ctx, o, newScreen(stdout), stderr)
}

// endings are the signals that end the demo. A reader that goes away (SIGPIPE) is one, since
// it would otherwise end the process before anything could be stopped.
func endings() []os.Signal {
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE}
}

// show runs the demo, stops all of it, and returns the exit code.
func show(ctx context.Context, o options, s *screen, stderr io.Writer) int {
	d := &demo{options: o, screen: s}
	err := d.run(ctx)
	stopErr := d.stop()
	s.endProgress()
	switch {
	case err != nil && ctx.Err() == nil:
		fmt.Fprintf(stderr, "demo: %v\n", errors.Join(err, stopErr))
		return exitFailed
	case stopErr != nil:
		fmt.Fprintf(stderr, "demo: not everything could be stopped: %v\n", stopErr)
		return exitFailed
	case err != nil:
		fmt.Fprintln(stderr, "demo: interrupted; everything is stopped and removed")
		return exitInterrupted
	default:
		return exitDone
	}
}
