package operator

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
	"github.com/segmentation-dev/segmentation-operator/test/integration/suite"
)

// env is what all tests share.
var env struct {
	cluster *cluster.Cluster
	// admin acts as a cluster admin, which the operator never does.
	admin    client.WithWatch
	operator *deploy.Process
	scheme   *runtime.Scheme
}

func TestMain(m *testing.M) {
	suite.Main(func() (int, error) { return runTests(m) })
}

func runTests(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "segmentation-integration-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	root, err := deploy.Root()
	if err != nil {
		return 1, err
	}
	env.cluster, err = cluster.Start(ctx,
		cluster.WithAudit(cluster.AuditMetadata),
		cluster.WithCRDs(filepath.Join(root, "config", "crd", "bases")))
	if err != nil {
		return 1, err
	}
	defer func() {
		if stopErr := env.cluster.Stop(); stopErr != nil {
			code, err = 1, stopErr
		}
	}()
	if err := prepare(ctx); err != nil {
		return 1, err
	}
	binary, err := deploy.Build(ctx, dir)
	if err != nil {
		return 1, err
	}
	config, err := env.cluster.ServiceAccountConfig(ctx, deploy.Namespace, deploy.ServiceAccount)
	if err != nil {
		return 1, err
	}
	env.operator, err = deploy.NewProcess(binary, dir, "operator", config)
	if err != nil {
		return 1, err
	}
	if err := env.operator.Start(); err != nil {
		return 1, err
	}
	defer env.operator.Kill()
	code = m.Run()
	if code != 0 {
		env.operator.PrintLog()
	}
	return code, nil
}

// prepare makes the admin's client and installs the operator's manifests.
func prepare(ctx context.Context) error {
	var err error
	if env.scheme, err = deploy.Scheme(); err != nil {
		return err
	}
	env.admin, err = client.NewWithWatch(env.cluster.AdminConfig(), client.Options{Scheme: env.scheme})
	if err != nil {
		return err
	}
	return deploy.Install(ctx, env.admin)
}
