package gitops

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	"github.com/sirupsen/logrus"
	"k8s.io/klog/v2"
)

// root is where the repository begins.
var root = filepath.Join("..", "..")

// update writes what tests compare with, instead of comparing.
var update = flag.Bool("update", false, "Write testdata and the transcript in the docs anew.")

// programs is the directory of the programs: operator, kubectl plugin and control plane.
var programs string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	// Argo CD and Kubernetes' client tell of every step; what matters is in the results.
	logrus.SetLevel(logrus.ErrorLevel)
	klog.SetLogger(logr.Discard())
	if testing.Short() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "segmentation-gitops-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = buildPrograms(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	programs = dir
	return m.Run()
}

// buildPrograms builds them in their own module, with the versions that they are released with.
func buildPrograms(dir string) error {
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator),
		"./cmd/operator", "./cmd/kubectl-segmentation", "./test/cluster/cmd/cluster")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building operator, kubectl plugin and control plane: %w\n%s", err, out)
	}
	return nil
}

// needsCluster ends a test that -short leaves out.
func needsCluster(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a control plane, which -short leaves out; run make test-gitops")
	}
}
