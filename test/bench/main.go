// Command bench measures the operator beside a plain client that writes the same objects to the same
// API server, in one run, and prints one table: make bench.
//
// The plain client is the limit: it knows beforehand what to write, keeps no cache, looks at nothing and
// waits for nobody. docs/performance.md says what is measured and how.
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
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v; see --help\n", err)
		return exitUsage
	}
	// What libraries would log in between is not for the one who reads the table.
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	results, err := measure(ctx, o, stderr)
	if len(results) > 0 {
		fmt.Fprintf(stdout, "%s\n\n", machine(context.WithoutCancel(ctx))) // An interrupted run says it, too.
	}
	printTable(stdout, results)
	printGrowth(stdout, results)
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return exitFailed
	}
	return exitDone
}

// measure makes all measurements, each number of namespaces on a control plane of its own, so that none
// finds what another left behind. What was measured before something failed is returned, too.
func measure(ctx context.Context, o options, progress io.Writer) ([]result, error) {
	var out results
	if o.measures.has(compile) {
		for _, n := range o.namespaces {
			fmt.Fprintf(progress, "bench: %d namespaces: compiling\n", n)
			out.add(measureCompile(n)...)
		}
	}
	if o.measures.onlyCompile() {
		return out.rows, nil
	}
	binary, cleanUp, err := buildOperator(ctx)
	if err != nil {
		return out.rows, err
	}
	defer cleanUp()
	for _, n := range o.namespaces {
		if err := measureAt(ctx, o, binary, n, progress, &out); err != nil {
			return out.rows, fmt.Errorf("with %d namespaces: %w", n, err)
		}
	}
	return out.rows, nil
}

func measureAt(ctx context.Context, o options, binary string, n int, progress io.Writer, out *results) (err error) {
	b, err := newBed(ctx, o, binary, n, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	for _, step := range []struct {
		measure measureName
		do      func(context.Context) ([]result, error)
	}{
		{convergence, b.measureConvergence},
		{change, b.measureChange},
		{drift, b.measureDrift},
		{restart, b.measureRestart},
		{idle, b.measureIdle},
		{arrival, b.measureArrival},
	} {
		if !o.measures.has(step.measure) {
			continue
		}
		b.sayf("%s", step.measure)
		rows, err := step.do(ctx)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", step.measure, err)
		}
		out.add(rows...)
	}
	return nil
}
