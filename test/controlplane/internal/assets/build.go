package assets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/test/controlplane"
)

// Builder is a Source that compiles binaries from their Go modules.
type Builder struct {
	// Versions are the versions to build.
	Versions controlplane.Versions
	// CacheDir is named where the user is told what the build is for.
	CacheDir string
	// Log gets all that the go command writes.
	Log io.Writer
	// Progress is told what happens.
	Progress *Progress
}

// packages are the main packages of the binaries.
var packages = map[string]string{
	APIServer:         "k8s.io/kubernetes/cmd/kube-apiserver",
	ControllerManager: "k8s.io/kubernetes/cmd/kube-controller-manager",
	Etcd:              "go.etcd.io/etcd/server/v3",
}

// Fetch implements Source.
func (b *Builder) Fetch(ctx context.Context, name, path string) error {
	dir, err := moduleDir(ctx)
	if err != nil {
		return err
	}
	b.Progress.Oncef("the control plane is built from source: this takes minutes (about 15 minutes of CPU time in all), "+
		"once for each version, and is then kept in %s", b.CacheDir)
	task := b.Progress.Begin(fmt.Sprintf("building %s", name))
	defer task.End()
	return b.build(ctx, task, dir, name, path)
}

func (b *Builder) build(ctx context.Context, task *Task, dir, name, path string) error {
	flags := []string{"-mod=readonly", "-trimpath", "-ldflags", b.ldflags(name)}
	state := &buildState{task: task}
	// What the build cache lacks depends on the flags, so both commands have the same.
	list := slices.Concat([]string{"go", "list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}"},
		flags, []string{packages[name]})
	if err := state.plan(ctx, b.command(dir, path, state, list), packages[name]); err != nil {
		return err
	}
	build := slices.Concat([]string{"go", "build", "-v", "-o", path}, flags, []string{packages[name]})
	_, err := b.command(dir, path, state, build).run(ctx)
	return err
}

// command returns a go command that keeps its temporary files beside the binary:
// they are cleared away with it, also if the command is stopped half-way.
func (b *Builder) command(dir, path string, state *buildState, args []string) command {
	env := append(buildEnv(), "GOTMPDIR="+filepath.Dir(path))
	return command{args: args, dir: dir, env: env, log: b.Log, onLine: state.line}
}

// ldflags leaves out what only debuggers need, and puts the version where
// Kubernetes' own build puts it: without it the API server calls itself v0.0.0.
func (b *Builder) ldflags(name string) string {
	const stripped = "-s -w"
	if name == Etcd {
		return stripped
	}
	const pkg = "k8s.io/component-base/version"
	parts := strings.SplitN(strings.TrimPrefix(b.Versions.Kubernetes, "v"), ".", 3)
	return fmt.Sprintf("%s -X %s.gitVersion=%s -X %s.gitMajor=%s -X %s.gitMinor=%s",
		stripped, pkg, b.Versions.Kubernetes, pkg, parts[0], pkg, parts[1])
}

// buildEnv is the environment of the go command. Whatever the user cross-compiles,
// these binaries run here.
func buildEnv() []string {
	return append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
}

// errNotInModule says that the command was started in the wrong directory.
var errNotInModule = errors.New("not in the directory of the module test/controlplane")

// moduleDir returns the directory of this module, which the go command has to be
// run in. The working directory must be in it.
func moduleDir(ctx context.Context) (string, error) {
	output, err := command{args: []string{"go", "env", "GOMOD"}, env: buildEnv()}.run(ctx)
	if err != nil {
		return "", err
	}
	path := strings.TrimSpace(output)
	mod, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(mod, controlplane.GoMod()) {
		return "", errNotInModule
	}
	return filepath.Dir(path), nil
}
