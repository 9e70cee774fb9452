package tutorial

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// atMost is how long the whole page may take, builds included.
const atMost = 10 * time.Minute

// TestTheTutorial does what a reader does. There are no nodes: in their place, this test runs the operator that the reader
// has built as the Deployment that the reader has installed says, and tells that its pods are there.
func TestTheTutorial(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a control plane, which -short leaves out; run make test")
	}
	ctx, cancel := context.WithTimeout(t.Context(), atMost)
	defer cancel()
	r := newReader(ctx, t)
	page, err := os.ReadFile(filepath.Join(r.checkout, "docs", "tutorial.md"))
	if err != nil {
		t.Fatal(err)
	}
	steps := Steps(string(page))
	if len(steps) < 8 {
		t.Fatalf("the page has only %d blocks of commands", len(steps))
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		r.beTheNodes(ctx)
	}()
	defer func() {
		cancel()
		<-gone
	}()
	for i, step := range steps {
		printed, err := r.run(ctx, step.Commands)
		if err != nil {
			t.Fatalf("block %d: %v\n%s\nprinted:\n%s", i+1, err, step.Commands, printed)
		}
		if step.Shown != "" && !Matches(step.Shown, printed) {
			t.Errorf("block %d prints something else\n%s\nshown:\n%s\nprinted:\n%s", i+1, step.Commands, step.Shown, printed)
		}
	}
}

// reader has a checkout, kubectl and a cluster.
type reader struct {
	t                    *testing.T
	checkout, kubeconfig string
	path                 string
	cluster              *cluster.Cluster
	admin                client.Client
}

func newReader(ctx context.Context, t *testing.T) *reader {
	t.Helper()
	r := &reader{t: t, checkout: t.TempDir(), kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	root, err := deploy.Root()
	if err != nil {
		t.Fatal(err)
	}
	// What a reader clones: the page's commands write into it.
	copied := exec.CommandContext(ctx, "bash", "-c", `git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - --ignore-failed-read | tar -xf - -C "$0"`, r.checkout)
	copied.Dir = root
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("copying the checkout: %v\n%s", err, out)
	}
	tools := t.TempDir()
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(tools, "kubectl"), "./kubectl").CombinedOutput(); err != nil {
		t.Fatalf("building kubectl: %v\n%s", err, out)
	}
	r.path = tools + string(os.PathListSeparator) + os.Getenv("PATH")
	if r.cluster, err = cluster.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := cluster.WriteKubeconfig(r.kubeconfig, r.cluster.AdminConfig()); err != nil {
		t.Fatal(err)
	}
	scheme, err := deploy.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	if r.admin, err = client.New(r.cluster.AdminConfig(), client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}
	return r
}

// run runs commands as one shell session goes on after another: where it is and what it has exported stays.
func (r *reader) run(ctx context.Context, commands string) (printed string, err error) {
	kept := filepath.Join(filepath.Dir(r.kubeconfig), "session")
	script := fmt.Sprintf("set -euo pipefail\nif [ -f %q ]; then . %q; fi\n%s\nexport -p | grep 'declare -x PATH=' >%q\n", kept, kept, commands, kept)
	shell := exec.CommandContext(ctx, "bash", "-c", script)
	shell.Dir = r.checkout
	shell.Env = append(os.Environ(), "PATH="+r.path, "KUBECONFIG="+r.kubeconfig)
	var out bytes.Buffer
	shell.Stdout, shell.Stderr = &out, &out
	err = shell.Run()
	return out.String(), err
}

// beTheNodes runs the operator once there is its Deployment, and says so in the Deployment's status.
func (r *reader) beTheNodes(ctx context.Context) {
	var d appsv1.Deployment
	key := client.ObjectKey{Namespace: deploy.Namespace, Name: "segmentation-operator"}
	err := wait.PollUntilContextCancel(ctx, 200*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		var account corev1.ServiceAccount
		return r.admin.Get(ctx, key, &d) == nil && r.admin.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: deploy.ServiceAccount}, &account) == nil, nil
	})
	if err != nil {
		return // The page came to no Deployment, and the test says where it ended.
	}
	config, err := r.cluster.ServiceAccountConfig(ctx, deploy.Namespace, d.Spec.Template.Spec.ServiceAccountName)
	if err != nil {
		r.t.Errorf("connecting as the operator: %v", err)
		return
	}
	process, err := deploy.NewProcess(filepath.Join(r.checkout, "bin", "operator"), filepath.Dir(r.kubeconfig), "operator", config)
	if err != nil {
		r.t.Errorf("running the operator: %v", err)
		return
	}
	defer func() {
		process.Kill()
		if r.t.Failed() {
			process.PrintLog()
		}
	}()
	if err := process.Start(); err != nil {
		r.t.Errorf("running the operator: %v", err)
		return
	}
	n := *d.Spec.Replicas
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n}
	if err := r.admin.Status().Update(ctx, &d); err != nil {
		r.t.Errorf("saying that the operator's pods are there: %v", err)
		return
	}
	r.keepRunning(ctx, process)
}

// keepRunning starts the operator again when it has ended, as a kubelet does: one that a busy machine costs its lease ends.
func (r *reader) keepRunning(ctx context.Context, process *deploy.Process) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !process.Died() {
			continue
		}
		if err := process.Launch(); err != nil {
			r.t.Errorf("running the operator again: %v", err)
			return
		}
	}
}
