package assets

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/segmentation-dev/segmentation-operator/test/controlplane"
)

func TestLdflags(t *testing.T) {
	builder := &Builder{Versions: controlplane.Versions{Kubernetes: "v1.37.2", Etcd: "v3.7.3"}}
	cases := map[string]string{
		Etcd: "-s -w",
		APIServer: "-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2 " +
			"-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37",
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			if got := builder.ldflags(name); got != want {
				t.Errorf("ldflags = %q, want %q", got, want)
			}
		})
	}
}

// The progress of a build is read from what the go command writes.
func TestBuildState(t *testing.T) {
	task := silent().Begin("building")
	defer task.End()
	state := &buildState{task: task}
	list := command{
		args:   []string{"sh", "-c", "echo 'go: downloading k8s.io/api v0.37.2' >&2; echo a; echo b/c; echo main"},
		onLine: state.line,
	}
	if err := state.plan(t.Context(), list, "main"); err != nil {
		t.Fatal(err)
	}
	if state.downloaded != 1 {
		t.Errorf("saw %d downloads, want 1", state.downloaded)
	}
	steps := []struct {
		line       string
		understood bool
		detail     string
	}{
		{line: "a", understood: true, detail: "compiled 1 of 2 packages, 50 %"},
		{line: "# b/c", understood: false, detail: "compiled 1 of 2 packages, 50 %"},
		{line: "b/c", understood: true, detail: "compiled, linking"},
		{line: "b/c", understood: false, detail: "compiled, linking"},
	}
	for _, step := range steps {
		if got := state.line(step.line); got != step.understood {
			t.Errorf("line %q understood = %v, want %v", step.line, got, step.understood)
		}
		if !strings.Contains(task.String(), step.detail) {
			t.Errorf("after %q: %q, want %q in it", step.line, task.String(), step.detail)
		}
	}
}

func TestModuleDir(t *testing.T) {
	got, err := moduleDir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("dir = %q, want %q", got, want)
	}
	t.Chdir(t.TempDir())
	if _, err := moduleDir(t.Context()); !errors.Is(err, errNotInModule) {
		t.Errorf("error = %v, want %v", err, errNotInModule)
	}
}
