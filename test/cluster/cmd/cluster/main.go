// Command cluster runs a control plane for the tests of modules that cannot import the operator's, since they need other
// versions of Kubernetes' libraries. It prints the path of an admin's kubeconfig once all is ready, and runs until its
// standard input ends: a test that dies takes its cluster with it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
)

// startTimeout is far more than the start takes, since builds and other tests may run at the same time.
const startTimeout = 5 * time.Minute

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(args []string, input io.Reader, output io.Writer) error {
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	controllers := flags.String("controllers", "", "Controllers to run beside those that always run, separated by commas.")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var options []cluster.Option
	if *controllers != "" {
		options = append(options, cluster.WithControllers(strings.Split(*controllers, ",")...))
	}
	return serve(options, input, output)
}

// serve starts a cluster, and stops it when the input ends.
func serve(options []cluster.Option, input io.Reader, output io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	plane, err := cluster.Start(ctx, options...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plane.Stop()) }()
	dir, err := os.MkdirTemp("", "segmentation-admin-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := cluster.WriteKubeconfig(kubeconfig, plane.AdminConfig()); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(output, kubeconfig); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, input)
	return err
}
