package assets

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/segmentation-dev/segmentation-operator/test/controlplane"
)

// checkTimeout is far more than printing a version takes, also on a busy machine
// that reads the file for the first time.
const checkTimeout = time.Minute

// CheckVersion returns a check that a binary runs on this machine and is of the
// wanted version. A downloaded etcd may be of another version than the wanted
// one: it is then the one that the Kubernetes project tests this release with.
func CheckVersion(versions controlplane.Versions) func(ctx context.Context, name, path string) error {
	return func(ctx context.Context, name, path string) error {
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		defer cancel()
		output, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
		if err != nil {
			return fmt.Errorf("the new binary does not run: %w", err)
		}
		want := "Kubernetes " + versions.Kubernetes
		if name == Etcd {
			want = "etcd Version: "
		}
		if got := firstLine(string(output)); !strings.HasPrefix(got, want) {
			return fmt.Errorf("the new binary says that it is %q, want %q", got, want)
		}
		return nil
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
