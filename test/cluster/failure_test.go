package cluster_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
)

// startAndHang makes this test binary a program that starts a cluster and never
// stops it.
const startAndHang = "CLUSTER_TEST_START_AND_HANG"

func TestMain(m *testing.M) {
	if os.Getenv(startAndHang) != "" {
		hang()
	}
	os.Exit(m.Run())
}

func hang() {
	if _, err := cluster.Start(context.Background(), cluster.WithoutControllerManager()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("started")
	<-time.After(time.Hour)
}

// A program that is killed cannot clean up. Its processes and files must go
// nevertheless, or a day of interrupted tests fills a machine.
func TestNothingOutlivesAKilledProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("a control plane takes seconds to start: not with -short")
	}
	tmp := t.TempDir()
	program := exec.Command(os.Args[0])
	program.Env = append(os.Environ(), startAndHang+"=1", "TMPDIR="+tmp)
	stdout, err := program.StdoutPipe()
	noError(t, err)
	noError(t, program.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	noError(t, err)
	if strings.TrimSpace(line) != "started" {
		t.Fatal(line)
	}
	dir := onlyCluster(t, tmp)
	pids := processes(t, dir)
	if len(pids) != 2 {
		t.Errorf("processes %v, want two", pids)
	}

	noError(t, program.Process.Kill())
	_ = program.Wait() // it was killed
	wantGone(t, dir, pids)
}

func TestFailedStartSaysWhyAndLeavesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("a control plane takes seconds to start: not with -short")
	}
	cases := map[string]struct {
		options []cluster.Option
		want    string
	}{
		"a flag that kube-apiserver does not know": {
			options: []cluster.Option{cluster.WithAPIServerFlag("no-such-flag", "x")},
			want:    "unknown flag: --no-such-flag",
		},
		"a resource definition that is not there": {
			options: []cluster.Option{cluster.WithoutControllerManager(), cluster.WithCRDs("no-such-file.yaml")},
			want:    "no-such-file.yaml",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			_, err := cluster.Start(t.Context(), tc.options...)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error = %v, want one with %q", err, tc.want)
			}
			wantEmpty(t, os.Getenv("TMPDIR"))
		})
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	if testing.Short() {
		t.Skip("a control plane takes seconds to start: not with -short")
	}
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := cluster.Start(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want %v", err, context.DeadlineExceeded)
	}
	wantEmpty(t, os.Getenv("TMPDIR"))
}

func TestADeadPartIsReported(t *testing.T) {
	logs := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	c := start(t, cluster.WithLogDir(logs))
	noError(t, c.Err())

	content, err := os.ReadFile(filepath.Join(onlyCluster(t, os.Getenv("TMPDIR")), "pids", "kube-controller-manager"))
	noError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	noError(t, err)
	noError(t, syscall.Kill(pid, syscall.SIGKILL))

	const want = "kube-controller-manager has ended by itself"
	eventually(t, "the end is noticed", func(context.Context) error {
		if err := c.Err(); err == nil || !strings.Contains(err.Error(), want) {
			return errors.Join(errors.New("not noticed yet"), err)
		}
		return nil
	})
	if _, err := c.UserConfig("jane"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error of a later call = %v, want one with %q", err, want)
	}
	if err := c.Stop(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error of Stop = %v, want one with %q", err, want)
	}
	wantEmpty(t, os.Getenv("TMPDIR"))
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager"} {
		if info, err := os.Stat(filepath.Join(logs, name+".log")); err != nil || info.Size() == 0 {
			t.Errorf("the log of %s was not kept (%v)", name, err)
		}
	}
}

func TestWithoutBinaries(t *testing.T) {
	for name, dir := range map[string]string{"unset": "", "empty": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KUBEBUILDER_ASSETS", dir)
			_, err := cluster.Start(t.Context())
			if err == nil || !strings.Contains(err.Error(), "make test or make demo") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error = %v, want one sentence that names make test and make demo", err)
			}
		})
	}
}

// onlyCluster returns the directory of the one cluster below a directory.
func onlyCluster(t *testing.T, tmp string) string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(tmp, "segmentation-cluster-*"))
	noError(t, err)
	if len(dirs) != 1 {
		t.Fatalf("clusters in %v, want one", dirs)
	}
	return dirs[0]
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	noError(t, err)
	if len(entries) > 0 {
		t.Errorf("%v was left behind", entries)
	}
}
