// Command operator runs the segmentation operator.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/debug"

	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager/signals"

	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/operator"
)

// version is set by the linker.
var version = "dev"

// gcPercent is how much the heap may grow before garbage is collected, unless GOGC says it. The cache is most of the heap
// and never becomes garbage, so that Go's default of 100 would have the process be twice its size.
const gcPercent = 50

func main() {
	if err := run(os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "operator:", err)
			os.Exit(1)
		}
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("operator", flag.ContinueOnError)
	opts := bindOptions(flags)
	zapOptions := zap.Options{}
	zapOptions.BindFlags(flags)
	ctrl.RegisterFlags(flags)
	showVersion := flags.Bool("version", false, "Print the version and exit.")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *showVersion {
		fmt.Println(version)
		return nil
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: the operator takes flags only, see --help", flags.Arg(0))
	}
	var err error
	if opts.Engine, err = engine.Parse(opts.engine); err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	log := zap.New(zap.UseFlagOptions(&zapOptions))
	ctrl.SetLogger(log)
	klog.SetLogger(log)

	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("no cluster to connect to: %w; run in a cluster, or give --kubeconfig", err)
	}
	ctx := signals.SetupSignalHandler()
	if opts.Protected, err = opts.protectedNamespaces(); err != nil {
		return err
	}
	if opts.GuardrailPriorities, err = opts.priorities(); err != nil {
		return err
	}
	opts.Logger = log
	mgr, err := operator.New(ctx, config, &opts.Options)
	if err != nil {
		return err
	}
	log.Info("Starting", "version", version)
	return mgr.Start(ctx)
}
