package assets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/segmentation-dev/segmentation-operator/test/controlplane"
)

// downloadTimeout bounds the download of one binary or archive.
const downloadTimeout = 10 * time.Minute

// The places that binaries come from.
const (
	ReleaseURL = "https://dl.k8s.io/release"
	IndexURL   = "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"
)

// Downloader is a Source of binaries that others built.
type Downloader struct {
	// Versions are the versions to download.
	Versions controlplane.Versions
	// Scratch is a directory for archives; it is removed by whoever owns it.
	Scratch string
	// ReleaseURL is where Kubernetes publishes its binaries.
	ReleaseURL string
	// IndexURL is where controller-tools lists its archives for envtest.
	IndexURL string
	// Progress is told what happens.
	Progress *Progress
	// probed has the answers of the probes, so that a host that does not answer is
	// waited for once.
	probed map[string]probed
	// setupEnvtest replaces the command that unpacks an archive, in tests.
	setupEnvtest []string
}

// Fetch implements Source.
func (d *Downloader) Fetch(ctx context.Context, name, path string) error {
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	err := d.fetch(ctx, name, path)
	if err == nil || isUnavailable(err) || isFatal(err) {
		return err
	}
	return unavailable("the download of %s failed: %v", name, err)
}

// isFatal tells errors that another source would not cure, or must not hide.
func isFatal(err error) bool {
	_, isSum := errors.AsType[*SumError](err)
	return isSum || isDiskFull(err) || errors.Is(err, errNoGo)
}

func (d *Downloader) fetch(ctx context.Context, name, path string) error {
	if name == ControllerManager {
		return d.fetchReleased(ctx, name, path)
	}
	return d.fetchFromArchive(ctx, name, path)
}

// fetchReleased downloads a binary that Kubernetes publishes as such.
func (d *Downloader) fetchReleased(ctx context.Context, name, path string) error {
	url := fmt.Sprintf("%s/%s/bin/%s/%s/%s", d.ReleaseURL, d.Versions.Kubernetes, runtime.GOOS, runtime.GOARCH, name)
	answer, err := d.probe(ctx, url+".sha256")
	if err != nil {
		return err
	}
	sum, err := parseSum(answer)
	if err != nil {
		return unavailable("%s.sha256 is not a checksum", url)
	}
	task := d.Progress.Begin("downloading " + name)
	defer task.End()
	return download(ctx, task, url, path, sum)
}

func get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(request)
}

func host(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// download writes the body at url to path, if it has the given checksum.
func download(ctx context.Context, task *Task, url, path, sum string) error {
	response, err := get(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return unavailable("%s is not there (%s)", url, response.Status)
	}
	// The next source must not find half a file at path.
	part := path + ".part"
	defer func() { _ = os.Remove(part) }()
	if err := writeSummed(part, &counter{reader: response.Body, total: response.ContentLength, task: task}, url, sum); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// writeSummed writes a file, and fails if what was written has another checksum.
func writeSummed(path string, body io.Reader, url, sum string) error {
	file, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	got, err := copySummed(file, body)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if got != sum {
		return &SumError{URL: url, Got: got, Want: sum}
	}
	return nil
}

// counter tells a task how much of a body was read.
type counter struct {
	reader io.Reader
	total  int64
	task   *Task
	done   int64
}

// Read implements io.Reader.
func (c *counter) Read(buffer []byte) (int, error) {
	n, err := c.reader.Read(buffer)
	c.done += int64(n)
	if c.total > 0 {
		c.task.Detailf("%d of %d MB, %d %%", c.done>>20, c.total>>20, 100*c.done/c.total)
	}
	return n, err
}
