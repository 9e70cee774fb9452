package operator

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
)

const (
	systemNamespace = "segmentation-system"
	serviceAccount  = "segmentation-operator"
	operatorUser    = "system:serviceaccount:" + systemNamespace + ":" + serviceAccount
)

// env is what all tests share.
var env struct {
	cluster *cluster.Cluster
	// admin acts as a cluster admin, which the operator never does.
	admin    client.WithWatch
	operator *process
	scheme   *runtime.Scheme
}

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("skipped: integration tests need a control plane, run make test")
		return
	}
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "segmentation-integration-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	env.cluster, err = cluster.Start(ctx,
		cluster.WithAudit(cluster.AuditMetadata),
		cluster.WithCRDs(filepath.Join(repository, "config", "crd", "bases")))
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
	binary := filepath.Join(dir, "operator")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/operator")
	build.Dir = repository
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("building the operator: %w\n%s", err, out)
	}
	config, err := env.cluster.ServiceAccountConfig(ctx, systemNamespace, serviceAccount)
	if err != nil {
		return 1, err
	}
	env.operator, err = newProcess(binary, dir, config)
	if err != nil {
		return 1, err
	}
	if err := env.operator.start(); err != nil {
		return 1, err
	}
	defer env.operator.kill()
	code = m.Run()
	if code != 0 {
		env.operator.printLog()
	}
	return code, nil
}

// dependOnSources makes the operator's sources inputs of these tests. The operator is built by
// another process, so go test does not see what it is built from, and would take the result
// of an earlier run for that of a changed operator. It sees what a test looks at, and not what
// TestMain does.
func dependOnSources(roots ...string) error {
	for _, root := range roots {
		err := filepath.WalkDir(filepath.Join(repository, root), func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			_, err = os.Stat(path)
			return err
		})
		if err != nil {
			return fmt.Errorf("looking at the operator's sources: %w", err)
		}
	}
	return nil
}

// prepare installs what config/default installs, but for the Deployment: there is no kubelet.
func prepare(ctx context.Context) error {
	env.scheme = runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(env.scheme); err != nil {
		return err
	}
	if err := v1alpha1.AddToScheme(env.scheme); err != nil {
		return err
	}
	var err error
	env.admin, err = client.NewWithWatch(env.cluster.AdminConfig(), client.Options{Scheme: env.scheme})
	if err != nil {
		return err
	}
	for _, path := range []string{"config/default/namespace.yaml", "config/rbac/*.yaml"} {
		if err := applyManifests(ctx, path); err != nil {
			return err
		}
	}
	return waitForCeiling(ctx)
}

// waitForCeiling waits until the aggregated role holds both parts of the shipped ceiling:
// reading, and binding the ClusterRole view.
func waitForCeiling(ctx context.Context) error {
	return wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		var role rbacv1.ClusterRole
		if err := env.admin.Get(ctx, client.ObjectKey{Name: "segmentation-operator-grantable"}, &role); err != nil {
			return false, err
		}
		return len(role.Rules) > 5, nil
	})
}
