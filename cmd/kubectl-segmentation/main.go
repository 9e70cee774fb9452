// Command kubectl-segmentation shows, previews and explains SegmentationProfiles. As a kubectl plugin it is
// "kubectl segmentation".
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/segmentation-dev/segmentation-operator/internal/cli"
)

// version is set when the program is built.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}, version)
	stop()
	os.Exit(code)
}
