package assets

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/segmentation-dev/segmentation-operator/test/controlplane"
)

func TestCacheDir(t *testing.T) {
	got := CacheDir("root", controlplane.Versions{Kubernetes: "v1.37.2", Etcd: "v3.7.3"})
	want := filepath.Join("root", "segmentation-operator", "controlplane",
		"v1.37.2-etcd3.7.3-"+runtime.GOOS+"-"+runtime.GOARCH)
	if got != want {
		t.Errorf("dir = %q, want %q", got, want)
	}
}

func TestGiven(t *testing.T) {
	whole, partial := t.TempDir(), t.TempDir()
	for _, name := range Names() {
		writeFile(t, filepath.Join(whole, name), 0o755)
	}
	writeFile(t, filepath.Join(partial, Etcd), 0o755)
	writeFile(t, filepath.Join(partial, APIServer), 0o644)
	cases := map[string]struct {
		dir        string
		wantUsable bool
		wantReason string
	}{
		"unset":   {},
		"whole":   {dir: whole, wantUsable: true},
		"partial": {dir: partial, wantReason: "has no kube-apiserver, kube-controller-manager"},
		"absent":  {dir: filepath.Join(partial, "x"), wantReason: "has no etcd, kube-apiserver"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			usable, reason := Given(tc.dir)
			if usable != tc.wantUsable || !strings.Contains(reason, tc.wantReason) || (reason == "") != (tc.wantReason == "") {
				t.Errorf("usable = %v, reason = %q, want %v, %q", usable, reason, tc.wantUsable, tc.wantReason)
			}
		})
	}
}

func TestProvideUsesWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	for _, name := range Names() {
		writeFile(t, filepath.Join(dir, name), 0o755)
	}
	// No sources, no progress: anything but looking would panic.
	if err := (Setup{Dir: dir}).Provide(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestCheckVersion(t *testing.T) {
	cases := map[string]struct {
		name    string
		script  string
		wantErr string
	}{
		"the wanted Kubernetes": {name: APIServer, script: "echo Kubernetes v1.99.2"},
		"another Kubernetes":    {name: APIServer, script: "echo Kubernetes v1.98.0", wantErr: `says that it is "Kubernetes v1.98.0"`},
		"any etcd":              {name: Etcd, script: "echo etcd Version: 3.6.0; echo Git SHA: x"},
		"not an etcd":           {name: Etcd, script: "echo hello", wantErr: `says that it is "hello"`},
		"does not run":          {name: Etcd, script: "exit 1", wantErr: "does not run"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), tc.name)
			if err := os.WriteFile(path, []byte("#!/bin/sh\n"+tc.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			err := CheckVersion(wanted)(context.Background(), tc.name, path)
			if got := message(err); !strings.Contains(got, tc.wantErr) || (got == "") != (tc.wantErr == "") {
				t.Errorf("error = %q, want %q", got, tc.wantErr)
			}
		})
	}
}
