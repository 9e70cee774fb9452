package load

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
	"github.com/segmentation-dev/segmentation-operator/test/integration/suite"
)

// The load; the defaults are what two cores can do beside other tests.
var (
	rateFlag     = flag.Int("load.rate", 6, "How many namespaces are created each second, and as many deleted.")
	durationFlag = flag.Duration("load.duration", 12*time.Second, "For how long namespaces are created.")
	lifeFlag     = flag.Duration("load.life", 4*time.Second, "How long after its creation a namespace is deleted.")
	changeFlag   = flag.Duration("load.change", 2*time.Second, "How often the profile changes.")
	baseFlag     = flag.Int("load.base", 30, "How many namespaces are there all the time.")
	idleFlag     = flag.Duration("load.idle", 3*time.Second, "For how long nothing happens at the end, before memory is looked at.")
	manyFlag     = flag.Int("load.many", 200, "How many namespaces have work waiting when another one arrives.")
)

// env is what all tests share.
var env struct {
	cluster *cluster.Cluster
	// admin acts as a cluster admin, which the operator never does.
	admin client.WithWatch
	// account is the configuration of the operator's service account.
	account     *rest.Config
	recorder    *recorder
	binary, dir string
}

func TestMain(m *testing.M) {
	suite.Main(func() (int, error) { return runTests(m) })
}

func runTests(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if env.dir, err = os.MkdirTemp("", "segmentation-load-"); err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(env.dir) }()
	root, err := deploy.Root()
	if err != nil {
		return 1, err
	}
	env.cluster, err = cluster.Start(ctx,
		cluster.WithAudit(cluster.AuditMetadata),
		cluster.WithCRDs(filepath.Join(root, "config", "crd", "bases")),
		// To delete a namespace, Kubernetes makes two requests for each kind that could be in it. These can not.
		cluster.WithAPIServerFlag("runtime-config", "apps/v1=false", "batch/v1=false", "autoscaling/v2=false",
			"autoscaling/v1=false", "policy/v1=false"),
		cluster.WithManagerFlag("concurrent-namespace-syncs", "50"),
		cluster.WithManagerFlag("kube-api-qps", "5000"),
		cluster.WithManagerFlag("kube-api-burst", "5000"))
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
	defer env.recorder.stop()
	return m.Run(), nil
}

// prepare installs and builds the operator, and starts the recorder.
func prepare(ctx context.Context) error {
	scheme, err := deploy.Scheme()
	if err != nil {
		return err
	}
	env.admin, err = client.NewWithWatch(env.cluster.AdminConfig(), client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	if err := deploy.Install(ctx, env.admin); err != nil {
		return err
	}
	if env.binary, err = deploy.Build(ctx, env.dir); err != nil {
		return err
	}
	if env.account, err = env.cluster.ServiceAccountConfig(ctx, deploy.Namespace, deploy.ServiceAccount); err != nil {
		return err
	}
	env.recorder, err = startRecorder(ctx, env.admin)
	return err
}
