package admission

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

// env is what all tests share. No test of this package runs beside another, as some stop the
// operator or take the policies away.
var env struct {
	cluster *cluster.Cluster
	// admin may do anything that RBAC can allow. The policies hold for it too.
	admin client.WithWatch
	// breakGlass is the admin as a member of the break-glass group.
	breakGlass client.WithWatch
	// prober is a user who may write profiles, and grant nothing.
	prober   client.Client
	operator *deploy.Process
	scheme   *runtime.Scheme
}

func TestMain(m *testing.M) {
	suite.Main(func() (int, error) { return runTests(m) })
}

func runTests(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "segmentation-admission-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	if err := startCluster(ctx); err != nil {
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
	if err := startOperator(ctx, dir); err != nil {
		return 1, err
	}
	defer env.operator.Kill()
	code = m.Run()
	if code != 0 {
		env.operator.PrintLog()
	}
	return code, nil
}

// startCluster starts a cluster in which Deployments get their pods, as far as the objects go, and
// the expressions of policies are looked at.
func startCluster(ctx context.Context) error {
	root, err := deploy.Root()
	if err != nil {
		return err
	}
	env.cluster, err = cluster.Start(ctx,
		cluster.WithControllers("deployment-controller", "replicaset-controller", "validatingadmissionpolicy-status-controller"),
		cluster.WithCRDs(filepath.Join(root, "config", "crd", "bases")))
	return err
}

// prepare makes the clients of admins, and installs the operator's manifests and the policies.
func prepare(ctx context.Context) error {
	var err error
	if env.scheme, err = deploy.Scheme(); err != nil {
		return err
	}
	if env.admin, err = client.NewWithWatch(env.cluster.AdminConfig(), client.Options{Scheme: env.scheme}); err != nil {
		return err
	}
	config, err := env.cluster.UserConfig("fire-brigade", "system:masters", breakGlassGroup)
	if err != nil {
		return err
	}
	if env.breakGlass, err = client.NewWithWatch(config, client.Options{Scheme: env.scheme}); err != nil {
		return err
	}
	if err := deploy.Install(ctx, env.admin); err != nil {
		return err
	}
	if err := prepareProbes(ctx); err != nil {
		return err
	}
	return installPolicies(ctx)
}

func startOperator(ctx context.Context, dir string) error {
	binary, err := deploy.Build(ctx, dir)
	if err != nil {
		return err
	}
	config, err := env.cluster.ServiceAccountConfig(ctx, deploy.Namespace, deploy.ServiceAccount)
	if err != nil {
		return err
	}
	if env.operator, err = deploy.NewProcess(binary, dir, "operator", config); err != nil {
		return err
	}
	return env.operator.Start()
}
