package assets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestExplain(t *testing.T) {
	circumstances := Circumstances{Timeout: 45 * time.Minute, CacheDir: "CACHE", Log: "LOG"}
	failed := func(output string) error {
		return fmt.Errorf("etcd: %w", &CommandError{
			Command: "go build x", Output: output, Err: errors.New("exit status 1"),
		})
	}
	cases := map[string]struct {
		err  error
		want []string
	}{
		"time-out": {
			err:  fmt.Errorf("kube-apiserver: %w", context.DeadlineExceeded),
			want: []string{"not ready after 45m0s", "--timeout"},
		},
		"interrupted": {
			err:  fmt.Errorf("kube-apiserver: %w", context.Canceled),
			want: []string{"Interrupted", "goes on where this one ended"},
		},
		"disk full": {
			err:  &fs.PathError{Op: "write", Path: "CACHE/etcd", Err: syscall.ENOSPC},
			want: []string{"disk is full", "CACHE"},
		},
		"quota used up": {
			err:  &fs.PathError{Op: "write", Path: "CACHE/etcd", Err: syscall.EDQUOT},
			want: []string{"disk is full"},
		},
		"disk full in a compiler": {
			err:  failed("# k8s.io/api/core/v1\nwrite $WORK/b001/_pkg_.a: no space left on device"),
			want: []string{"disk is full", "GOCACHE"},
		},
		"disk full in the linker": {
			err:  failed("# x\nlink: mapping output file failed: no space left on device"),
			want: []string{"disk is full"},
		},
		"no module proxy": {
			err: failed("go: k8s.io/kubernetes@v1.37.2: Get \"https://proxy.golang.org/x\": " +
				"dial tcp: lookup proxy.golang.org: no such host"),
			want: []string{"module proxy cannot be reached", "no such host", "GOPROXY"},
		},
		"modules forbidden": {
			err:  failed("x.go:1: module lookup disabled by GOPROXY=off"),
			want: []string{"module proxy cannot be reached", "GOPROXY=off"},
		},
		"Go too old": {
			err:  failed("go: k8s.io/kubernetes@v1.37.2 requires go >= 1.27.1 (running go 1.26.8; GOTOOLCHAIN=local)"),
			want: []string{"Go 1.26.8 is too old, 1.27.1 is needed", "GOTOOLCHAIN=auto"},
		},
		"Go too old for the main module": {
			err:  failed("go: go.mod requires go >= 1.27 (running go 1.26.8; GOTOOLCHAIN=local)"),
			want: []string{"Go 1.26.8 is too old, 1.27 is needed"},
		},
		"no Go": {
			err:  &exec.Error{Name: "go", Err: exec.ErrNotFound},
			want: []string{"not on the PATH"},
		},
		"wrong directory": {
			err:  fmt.Errorf("etcd: %w", errNotInModule),
			want: []string{"go -C test/controlplane run ./cmd/controlplane"},
		},
		"out of memory": {
			err:  failed("k8s.io/api/core/v1: /go/pkg/tool/compile: signal: killed"),
			want: []string{"lack of memory", "GOFLAGS=-p=1"},
		},
		"another sum": {
			err:  fmt.Errorf("etcd: %w", &SumError{URL: "URL", Got: "aa", Want: "bb"}),
			want: []string{"thrown away", "URL has the SHA-256 sum aa, but bb was published"},
		},
		"another module": {
			err:  failed("verifying k8s.io/api@v0.37.2: checksum mismatch"),
			want: []string{"not the one that go.sum knows", "checksum mismatch"},
		},
		"read-only cache": {
			err:  &fs.PathError{Op: "mkdir", Path: "CACHE", Err: syscall.EROFS},
			want: []string{"cannot be written", "--cache"},
		},
		"forbidden cache": {
			err:  &fs.PathError{Op: "mkdir", Path: "CACHE", Err: syscall.EACCES},
			want: []string{"cannot be written", "--cache"},
		},
		"nowhere to be had": {
			err:  fmt.Errorf("etcd: %w", unavailable("the host does not answer")),
			want: []string{"the host does not answer", "--source=auto"},
		},
		"something in a build": {
			err:  failed("# k8s.io/api/core/v1\nx.go:1:2: undefined: y"),
			want: []string{"go build x: x.go:1:2: undefined: y", "see LOG"},
		},
		"a silent command": {
			err:  failed(""),
			want: []string{"go build x: exit status 1"},
		},
		"something else": {
			err:  errors.New("bad luck"),
			want: []string{"could not be installed: bad luck."},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := Explain(tc.err, circumstances)
			for _, want := range tc.want {
				if !strings.Contains(got, want) {
					t.Errorf("sentence = %q, want %q in it", got, want)
				}
			}
			if strings.Contains(got, "\n") || !strings.HasSuffix(got, ".") {
				t.Errorf("sentence = %q, want one line that ends with a period", got)
			}
		})
	}
}
