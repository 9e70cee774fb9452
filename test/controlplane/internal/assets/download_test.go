package assets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/segmentation-dev/segmentation-operator/test/controlplane"
)

var wanted = controlplane.Versions{Kubernetes: "v1.99.2", Etcd: "v3.99.3"}

// site answers with the given bodies, and with 404 to everything else.
func site(t *testing.T, bodies map[string]string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, found := bodies[r.URL.Path]
		if !found {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func newDownloader(t *testing.T, url string) *Downloader {
	t.Helper()
	return &Downloader{
		Versions:   wanted,
		Scratch:    t.TempDir(),
		ReleaseURL: url,
		IndexURL:   url + "/index.yaml",
		Progress:   silent(),
	}
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestDownloadReleased(t *testing.T) {
	path := fmt.Sprintf("/v1.99.2/bin/%s/%s/kube-controller-manager", runtime.GOOS, runtime.GOARCH)
	cases := map[string]struct {
		bodies          map[string]string
		wantUnavailable string
		wantSumError    bool
	}{
		"with the published sum": {
			bodies: map[string]string{path: "binary", path + ".sha256": sumOf("binary")},
		},
		"with a sum before a name": {
			bodies: map[string]string{path: "binary", path + ".sha256": sumOf("binary") + "  kube-controller-manager\n"},
		},
		"with another sum": {
			bodies:       map[string]string{path: "tampered", path + ".sha256": sumOf("binary")},
			wantSumError: true,
		},
		"not published for this platform": {
			wantUnavailable: "is not there (404 Not Found)",
		},
		"a sum without its binary": {
			bodies:          map[string]string{path + ".sha256": sumOf("binary")},
			wantUnavailable: "is not there (404 Not Found)",
		},
		"a login page in place of the sum": {
			bodies:          map[string]string{path: "binary", path + ".sha256": "<html>please log in</html>"},
			wantUnavailable: "is not a checksum",
		},
		"a short sum": {
			bodies:          map[string]string{path: "binary", path + ".sha256": "abcd"},
			wantUnavailable: "is not a checksum",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), ControllerManager)
			err := newDownloader(t, site(t, tc.bodies)).Fetch(t.Context(), ControllerManager, target)
			switch {
			case tc.wantSumError:
				if _, is := errors.AsType[*SumError](err); !is {
					t.Errorf("error = %v, want a SumError", err)
				}
			case tc.wantUnavailable != "":
				wantUnavailable(t, err, tc.wantUnavailable)
			default:
				wantContent(t, target, "binary", err)
				return
			}
			wantEmpty(t, filepath.Dir(target))
		})
	}
}

func TestDownloadThatBreaksOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".sha256") {
			_, _ = w.Write([]byte(sumOf("binary")))
			return
		}
		w.Header().Set("Content-Length", "6")
		_, _ = w.Write([]byte("bin"))
	}))
	defer server.Close()
	target := filepath.Join(t.TempDir(), ControllerManager)
	err := newDownloader(t, server.URL).Fetch(t.Context(), ControllerManager, target)
	wantUnavailable(t, err, "unexpected EOF")
	wantEmpty(t, filepath.Dir(target))
}

// Without a network the answer must come within seconds, also from a host that
// takes connections and says nothing, and be remembered.
func TestProbeIsBounded(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()

	downloader := newDownloader(t, "http://"+listener.Addr().String())
	begin := time.Now()
	for _, name := range []string{Etcd, APIServer} {
		err := downloader.Fetch(t.Context(), name, filepath.Join(t.TempDir(), name))
		wantUnavailable(t, err, "no answer in 3s")
	}
	if took := time.Since(begin); took > probeTimeout+2*time.Second {
		t.Errorf("took %s, want one probe of %s", took, probeTimeout)
	}
}

func TestDownloadFromArchive(t *testing.T) {
	archive := fmt.Sprintf("envtest-v1.99.2-%s-%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	index := map[string]string{"/index.yaml": "releases:\n  v1.99.2:\n    " + archive + ":\n      hash: x\n"}
	cases := map[string]struct {
		bodies  map[string]string
		script  string
		wantErr string
	}{
		"unpacked": {
			bodies: index,
			script: `mkdir -p "$4" && echo "for $2" > "$4/etcd" && chmod 0555 "$4/etcd" "$4" && printf %s "$4"`,
		},
		"the index has other versions only": {
			bodies:  map[string]string{"/index.yaml": "releases:\n  v1.98.0:\n    envtest-v1.98.0-linux-amd64.tar.gz:\n"},
			wantErr: "there is no prebuilt " + archive,
		},
		"no index": {
			wantErr: "is not there (404 Not Found)",
		},
		"the download fails": {
			bodies:  index,
			script:  `echo "unable to fetch hash" >&2; exit 2`,
			wantErr: "unable to fetch hash",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			downloader := newDownloader(t, site(t, tc.bodies))
			downloader.Scratch = filepath.Join(t.TempDir(), "scratch")
			defer func() { _ = removeTree(downloader.Scratch) }()
			downloader.setupEnvtest = []string{"sh", "-c", tc.script, "setup-envtest"}
			target := filepath.Join(t.TempDir(), Etcd)
			err := downloader.Fetch(t.Context(), Etcd, target)
			if tc.wantErr == "" {
				wantContent(t, target, "for 1.99.2\n", err)
				return
			}
			wantUnavailable(t, err, tc.wantErr)
		})
	}
}

// A full disk would be as full for a build: it must not be taken for a missing
// download.
func TestDownloadToAFullDisk(t *testing.T) {
	archive := fmt.Sprintf("envtest-v1.99.2-%s-%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	downloader := newDownloader(t, site(t, map[string]string{"/index.yaml": archive}))
	script := `echo "unable to store version: write x: no space left on device" >&2; exit 2`
	downloader.setupEnvtest = []string{"sh", "-c", script, "setup-envtest"}
	err := downloader.Fetch(t.Context(), Etcd, filepath.Join(t.TempDir(), Etcd))
	if isUnavailable(err) || !isDiskFull(err) {
		t.Errorf("error = %v, want one that says that the disk is full", err)
	}
}

func TestPolicySources(t *testing.T) {
	download := sourceFunc(func(context.Context, string, string) error { return unavailable("download") })
	build := sourceFunc(func(context.Context, string, string) error { return unavailable("build") })
	cases := map[string]string{
		"auto":     "etcd: download; build",
		"DOWNLOAD": "etcd: download",
		"build":    "etcd: build",
	}
	for text, want := range cases {
		t.Run(text, func(t *testing.T) {
			policy, err := ParsePolicy(text)
			if err != nil {
				t.Fatal(err)
			}
			err = newInstaller(t, policy.sources(download, build)...).Ensure(t.Context())
			if got := message(err); got != want {
				t.Errorf("error = %q, want %q", got, want)
			}
		})
	}
	if _, err := ParsePolicy("internet"); err == nil {
		t.Error("an unknown source was accepted")
	}
}

func wantUnavailable(t *testing.T, err error, reason string) {
	t.Helper()
	if !isUnavailable(err) || !strings.Contains(err.Error(), reason) {
		t.Errorf("error = %v, want an UnavailableError with %q", err, reason)
	}
}

func wantContent(t *testing.T, path, want string, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("content = %q, want %q", got, want)
	}
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 0 {
		t.Errorf("%v was left behind", entries)
	}
}
