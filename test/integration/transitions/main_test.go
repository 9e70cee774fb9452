package transitions

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
	"github.com/segmentation-dev/segmentation-operator/test/integration/suite"
)

var (
	seedFlag = flag.Uint64("transitions.seed", 0, "Seed of all random choices; 0 takes another one each time, which is printed.")
	rounds   = flag.Int("transitions.rounds", 1, "How often each story of kills and faults is told.")
)

// env is what all tests share.
var env struct {
	cluster *cluster.Cluster
	// admin acts as a cluster admin, which the operator never does.
	admin    client.WithWatch
	recorder *recorder
	// account is the configuration of the operator's service account.
	account     *rest.Config
	binary, dir string
	seed        uint64
	// scenes is how many there were, to tell them apart.
	scenes int
}

func TestMain(m *testing.M) {
	suite.Main(func() (int, error) { return runTests(m) })
}

func runTests(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if env.seed = *seedFlag; env.seed == 0 {
		env.seed = rand.Uint64()
	}
	fmt.Printf("transitions: -transitions.seed=%d\n", env.seed)
	if env.dir, err = os.MkdirTemp("", "segmentation-transitions-"); err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(env.dir) }()
	root, err := deploy.Root()
	if err != nil {
		return 1, err
	}
	env.cluster, err = cluster.Start(ctx,
		cluster.WithCRDs(filepath.Join(root, "config", "crd", "bases")),
		// A cache of the API server's begins anew with it, and knows no older version. The
		// recorder must not miss one, so its watches are served by etcd.
		cluster.WithAPIServerFlag("watch-cache-sizes", "namespaces#0", "networkpolicies.networking.k8s.io#0"))
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
	clients, err := kubernetes.NewForConfig(env.cluster.AdminConfig())
	if err != nil {
		return err
	}
	env.recorder, err = startRecorder(ctx, clients)
	return err
}
