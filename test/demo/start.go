package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
)

// prepare reads what is needed before anything is started.
func (d *demo) prepare(context.Context) (err error) {
	if info, err := os.Stat(d.options.operator); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("there is no operator at %s: run this through make demo, or say with --operator where it is", d.options.operator)
	}
	if info, err := os.Stat(d.options.logs); d.options.logs != "" && (err != nil || !info.IsDir()) {
		return fmt.Errorf("--logs=%s is not an existing directory", d.options.logs)
	}
	if d.install, err = readManifests(d.options.install); err != nil {
		return fmt.Errorf("cannot read what is to be installed: %w", err)
	}
	if len(ofKind(d.install, "CustomResourceDefinition")) == 0 {
		return errors.New("there is no CustomResourceDefinition in what is to be installed: run this through make demo")
	}
	if d.sample, err = readSample(d.options.samples); err != nil {
		return fmt.Errorf("cannot read the sample: %w", err)
	}
	d.dir, err = newWorkdir()
	return err
}

// startControlPlane starts the cluster. The CustomResourceDefinition is there from the
// beginning, so that the garbage collector knows the owner of what the operator writes.
func (d *demo) startControlPlane(ctx context.Context) error {
	crds := d.dir.file("crds.yaml")
	if err := writeManifests(crds, ofKind(d.install, "CustomResourceDefinition")); err != nil {
		return err
	}
	options := []cluster.Option{
		cluster.WithCRDs(crds),
		cluster.WithProgress(func(step string) { d.screen.stepf("%s", capitalize(step)) }),
	}
	if d.options.logs != "" {
		options = append(options, cluster.WithLogDir(d.options.logs))
	}
	limited, cancel := context.WithTimeout(ctx, d.options.timeout)
	defer cancel()
	var err error
	if d.cluster, err = cluster.Start(limited, options...); err != nil {
		return fmt.Errorf("the control plane did not start: %w", err)
	}
	return d.connect()
}

// connect makes the administrator's client and kubeconfig.
func (d *demo) connect() error {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	config := d.cluster.AdminConfig()
	var err error
	urgent, err := d.cluster.UserConfig("on-call", "system:masters", "segmentation:break-glass")
	if err != nil {
		return err
	}
	if d.breakGlass, err = client.New(urgent, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	if d.admin, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("connecting to the API server: %w", err)
	}
	return cluster.WriteKubeconfig(d.kubeconfig(), config)
}

// kubeconfig is the administrator's.
func (d *demo) kubeconfig() string {
	return d.dir.file("kubeconfig")
}

// installOperator applies all of config/default.
func (d *demo) installOperator(ctx context.Context) error {
	d.screen.stepf("Installing config/default: CustomResourceDefinition, RBAC and Deployment, %d objects", len(d.install))
	if err := d.apply(ctx, d.install); err != nil {
		return err
	}
	d.screen.notef("There are no nodes here: the Deployment gets no pods, and the operator runs as a process.")
	return nil
}
