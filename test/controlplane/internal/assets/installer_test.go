package assets

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// sourceFunc is a Source for tests.
type sourceFunc func(ctx context.Context, name, path string) error

func (f sourceFunc) Fetch(ctx context.Context, name, path string) error {
	return f(ctx, name, path)
}

// recorder is a source that writes files, and remembers for which binaries it was
// asked.
type recorder struct {
	mu    sync.Mutex
	names []string
	fail  map[string]error
}

func (r *recorder) Fetch(_ context.Context, name, path string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names = append(r.names, name)
	if err := r.fail[name]; err != nil {
		return err
	}
	return os.WriteFile(path, []byte(name), 0o600)
}

func newInstaller(t *testing.T, sources ...Source) *Installer {
	t.Helper()
	return &Installer{
		Dir:      filepath.Join(t.TempDir(), "cache", "v1"),
		Sources:  sources,
		Check:    func(context.Context, string, string) error { return nil },
		Progress: silent(),
	}
}

func silent() *Progress {
	return newProgress(&strings.Builder{}, false, time.Hour)
}

func TestEnsureInstallsEverythingOnce(t *testing.T) {
	source := &recorder{}
	installer := newInstaller(t, source)
	for range 2 {
		if err := installer.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(source.names, Names()) {
		t.Errorf("fetched %v, want each of %v once", source.names, Names())
	}
	wantEntries(t, installer.Dir, Names()...)
	wantNothingAt(t, stagingDir(installer.Dir))
}

// An interrupted run keeps what is whole, and nothing else; the next one goes on
// from there; until then the final directory does not exist.
func TestEnsureResumes(t *testing.T) {
	interrupted := errors.New("interrupted")
	installer := newInstaller(t, sourceFunc(func(_ context.Context, name, path string) error {
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			return err
		}
		if name == APIServer {
			return interrupted
		}
		return nil
	}))
	if err := installer.Ensure(t.Context()); !errors.Is(err, interrupted) {
		t.Fatalf("error = %v, want %v", err, interrupted)
	}
	wantNothingAt(t, installer.Dir)
	wantEntries(t, stagingDir(installer.Dir), Etcd)

	rest := &recorder{}
	installer.Sources = []Source{rest}
	if err := installer.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{APIServer, ControllerManager}; !slices.Equal(rest.names, want) {
		t.Errorf("fetched %v, want only %v", rest.names, want)
	}
	wantEntries(t, installer.Dir, Names()...)
}

// A killed run may leave anything in the staging directory. Only files with a
// final name count, since those are made by a rename.
func TestEnsureClearsWhatAKilledRunLeft(t *testing.T) {
	source := &recorder{}
	installer := newInstaller(t, source)
	staging := stagingDir(installer.Dir)
	writeFile(t, filepath.Join(staging, Etcd), 0o755)
	writeFile(t, filepath.Join(staging, "new-1", APIServer), 0o755)
	writeFile(t, filepath.Join(staging, "envtest", "k8s", APIServer), 0o555)
	if err := os.Chmod(filepath.Join(staging, "envtest", "k8s"), 0o555); err != nil {
		t.Fatal(err)
	}

	if err := installer.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{APIServer, ControllerManager}; !slices.Equal(source.names, want) {
		t.Errorf("fetched %v, want only %v", source.names, want)
	}
	wantEntries(t, installer.Dir, Names()...)
}

func TestEnsureMendsAnInstalledDirectory(t *testing.T) {
	source := &recorder{}
	installer := newInstaller(t, source)
	writeFile(t, filepath.Join(installer.Dir, Etcd), 0o755)
	writeFile(t, filepath.Join(installer.Dir, APIServer), 0o755)

	if err := installer.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{ControllerManager}; !slices.Equal(source.names, want) {
		t.Errorf("fetched %v, want only %v", source.names, want)
	}
	wantEntries(t, installer.Dir, Names()...)
}

func TestEnsureKeepsOnlyWhatPassesTheCheck(t *testing.T) {
	installer := newInstaller(t, &recorder{})
	bad := errors.New("not this one")
	installer.Check = func(_ context.Context, name, _ string) error {
		if name == ControllerManager {
			return bad
		}
		return nil
	}
	if err := installer.Ensure(t.Context()); !errors.Is(err, bad) {
		t.Fatalf("error = %v, want %v", err, bad)
	}
	wantNothingAt(t, installer.Dir)
	wantEntries(t, stagingDir(installer.Dir), Etcd, APIServer)
}

func TestEnsureTriesSourcesInOrder(t *testing.T) {
	hard := errors.New("hard")
	cases := map[string]struct {
		first      map[string]error
		second     map[string]error
		wantSecond []string
		wantErr    string
	}{
		"the first has all": {},
		"the second has what the first lacks": {
			first:      map[string]error{Etcd: unavailable("no etcd"), ControllerManager: unavailable("no manager")},
			wantSecond: []string{Etcd, ControllerManager},
		},
		"a hard error ends it": {
			first:   map[string]error{Etcd: hard},
			wantErr: "etcd: hard",
		},
		"neither has it": {
			first:      map[string]error{Etcd: unavailable("not here")},
			second:     map[string]error{Etcd: unavailable("nor there")},
			wantSecond: []string{Etcd},
			wantErr:    "etcd: not here; nor there",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			second := &recorder{fail: tc.second}
			err := newInstaller(t, &recorder{fail: tc.first}, second).Ensure(t.Context())
			if got := message(err); got != tc.wantErr {
				t.Errorf("error = %q, want %q", got, tc.wantErr)
			}
			if !slices.Equal(second.names, tc.wantSecond) {
				t.Errorf("second source was asked for %v, want %v", second.names, tc.wantSecond)
			}
		})
	}
}

// Many at once make each binary once, and all find the whole directory.
func TestEnsureConcurrently(t *testing.T) {
	source := &recorder{}
	installer := newInstaller(t, source)
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			copied := *installer
			errs[i] = copied.Ensure(t.Context())
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if len(source.names) != len(Names()) {
		t.Errorf("fetched %v, want each once", source.names)
	}
}

func TestEnsureGivesUpWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	installer := newInstaller(t, sourceFunc(func(context.Context, string, string) error {
		cancel()
		return unavailable("interrupted while asking")
	}))
	if err := installer.Ensure(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func writeFile(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), mode); err != nil {
		t.Fatal(err)
	}
}

func wantEntries(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
		if !isExecutable(filepath.Join(dir, entry.Name())) {
			t.Errorf("%s cannot be executed", entry.Name())
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s has %v, want %v", dir, got, want)
	}
}

func wantNothingAt(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is there (%v), want nothing", path, err)
	}
}
