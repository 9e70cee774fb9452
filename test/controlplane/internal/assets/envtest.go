package assets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// setupEnvtest is controller-runtime's own downloader of archives for envtest.
// It checks their sums.
const setupEnvtest = "sigs.k8s.io/controller-runtime/tools/setup-envtest@v0.25.1"

// fetchFromArchive takes a binary out of the archive that controller-tools
// publishes for envtest.
func (d *Downloader) fetchFromArchive(ctx context.Context, name, path string) error {
	index, err := d.probe(ctx, d.IndexURL)
	if err != nil {
		return err
	}
	// Only this very version counts: the index may be months behind.
	archive := fmt.Sprintf("envtest-%s-%s-%s.tar.gz", d.Versions.Kubernetes, runtime.GOOS, runtime.GOARCH)
	if !strings.Contains(index, archive) {
		return unavailable("there is no prebuilt %s at %s", archive, host(d.IndexURL))
	}
	dir, err := d.unpack(ctx, archive)
	if err != nil {
		return err
	}
	// The archive's directory is read-only: its files can be copied, not moved.
	return copyFile(filepath.Join(dir, name), path)
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }() // nothing was written to it
	target, err := os.OpenFile(filepath.Clean(to), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// unpack downloads and unpacks the archive, unless that was done for another
// binary, and returns the directory that it is in.
func (d *Downloader) unpack(ctx context.Context, archive string) (string, error) {
	task := d.Progress.Begin("downloading " + archive)
	defer task.End()
	output, err := command{args: d.unpackCommand(), env: buildEnv()}.run(ctx)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(output), nil
}

func (d *Downloader) unpackCommand() []string {
	args := d.setupEnvtest
	if args == nil {
		args = []string{"go", "run", setupEnvtest}
	}
	return append(slices.Clip(args), "use", strings.TrimPrefix(d.Versions.Kubernetes, "v"),
		"--bin-dir", d.Scratch, "--index", d.IndexURL, "--print", "path")
}
