// Package api sends profiles to a real API server: what it must refuse, with which words;
// what it must accept, and with which defaults; how large a profile may be; and that whatever
// it accepts can be turned into objects that it accepts as well.
//
// Most cases are YAML, as people write it, in testdata.
package api

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/integration/suite"
)

// crds is where the CRD is generated to.
var crds = filepath.Join("..", "..", "..", "config", "crd", "bases")

// Every test shares one API server and keeps to names of its own.
var (
	scheme = runtime.NewScheme()
	config *rest.Config
	// server speaks to the API server as kubectl does, which refuses unknown fields.
	server client.Client
)

func TestMain(m *testing.M) {
	suite.Main(func() (int, error) { return run(m) })
}

func run(m *testing.M) (code int, err error) {
	log.SetLogger(logr.Discard())
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return 1, errors.New("KUBEBUILDER_ASSETS is not set: run these tests through make test, which provides a control plane")
	}
	environment := &envtest.Environment{CRDDirectoryPaths: []string{crds}, ErrorIfCRDPathMissing: true}
	config, err = environment.Start()
	if err != nil {
		return 1, fmt.Errorf("start the control plane: %w", err)
	}
	defer func() { err = errors.Join(err, environment.Stop()) }()
	if err := connect(); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func connect() error {
	adders := []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, segv1alpha1.AddToScheme,
	}
	for _, add := range adders {
		if err := add(scheme); err != nil {
			return err
		}
	}
	config.QPS = -1
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	server = client.WithFieldValidation(c, metav1.FieldValidationStrict)
	return nil
}

// create creates an object and deletes it when the test ends.
func create(t *testing.T, obj client.Object) {
	t.Helper()
	if err := server.Create(t.Context(), obj); err != nil {
		t.Fatalf("create %s: %v", obj.GetName(), err)
	}
	remove(t, obj)
}

// remove deletes an object when the test ends.
func remove(t *testing.T, obj client.Object) {
	t.Helper()
	t.Cleanup(func() {
		if err := server.Delete(context.Background(), obj); err != nil {
			t.Errorf("delete %s: %v", obj.GetName(), err)
		}
	})
}

// read returns a profile as the API server has it.
func read(t *testing.T, name string) *segv1alpha1.SegmentationProfile {
	t.Helper()
	profile := &segv1alpha1.SegmentationProfile{}
	if err := server.Get(t.Context(), client.ObjectKey{Name: name}, profile); err != nil {
		t.Fatalf("get %s: %v", name, err)
	}
	return profile
}
