// The controlplane command makes sure that kube-apiserver, etcd and
// kube-controller-manager are on this machine, and prints the directory they are
// in, for KUBEBUILDER_ASSETS:
//
//	KUBEBUILDER_ASSETS=$(go -C test/controlplane run ./cmd/controlplane) go test ./...
//
// The versions are those that this module's go.mod requires. The binaries are
// downloaded where that is possible and built elsewhere, once, into the user's
// cache directory.
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
	"time"

	"github.com/segmentation-dev/segmentation-operator/test/controlplane"
	"github.com/segmentation-dev/segmentation-operator/test/controlplane/internal/assets"
)

// sourceVariable sets --source where the command line cannot be changed, as in a
// Makefile's target.
const sourceVariable = "CONTROLPLANE_SOURCE"

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout io.Writer, stderr *os.File) int {
	options, err := parseOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 2
	}
	dir, sentence := provide(options, assets.NewProgress(stderr))
	if sentence != "" {
		_, _ = fmt.Fprintln(stderr, sentence)
		return 1
	}
	_, _ = fmt.Fprintln(stdout, dir)
	return 0
}

// options are what the command line and the environment say.
type options struct {
	policy  assets.Policy
	timeout time.Duration
	cache   string
	given   string
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	parsed := options{given: os.Getenv("KUBEBUILDER_ASSETS")}
	source := os.Getenv(sourceVariable)
	if source == "" {
		source = string(assets.PolicyAuto)
	}
	flags := flag.NewFlagSet("controlplane", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&source, "source", source,
		"where binaries come from: download, build, or auto for what can be had (default also from $"+sourceVariable+")")
	flags.DurationVar(&parsed.timeout, "timeout", 45*time.Minute, "how long it may take")
	flags.StringVar(&parsed.cache, "cache", "", "directory to keep the binaries below (default the user's cache directory)")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	policy, err := assets.ParsePolicy(source)
	parsed.policy = policy
	return parsed, err
}

// provide returns the directory that has the binaries, or a sentence that says
// why there is none.
func provide(options options, progress *assets.Progress) (dir, sentence string) {
	usable, reason := assets.Given(options.given)
	if usable {
		return options.given, ""
	}
	if reason != "" {
		progress.Oncef("%s", reason)
	}
	setup, err := newSetup(options, progress)
	if err != nil {
		return "", fmt.Sprintf("There is no cache directory (%v): name one with --cache.", err)
	}
	ctx, stop := limits(options.timeout)
	defer stop()
	if err := setup.Provide(ctx); err != nil {
		return "", assets.Explain(err, assets.Circumstances{
			Timeout: options.timeout, CacheDir: setup.Dir, Log: setup.LogPath(),
		})
	}
	return setup.Dir, ""
}

func newSetup(options options, progress *assets.Progress) (assets.Setup, error) {
	versions, err := controlplane.RequiredVersions()
	if err != nil {
		return assets.Setup{}, err
	}
	root := options.cache
	if root == "" {
		if root, err = os.UserCacheDir(); err != nil {
			return assets.Setup{}, err
		}
	}
	return assets.Setup{
		Versions: versions,
		Dir:      assets.CacheDir(root, versions),
		Policy:   options.policy,
		Progress: progress,
	}, nil
}

// limits returns a context that ends with the time allowed, or with the user's
// patience.
func limits(timeout time.Duration) (context.Context, func()) {
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(interrupted, timeout)
	return ctx, func() { cancel(); stop() }
}
