// Package assets provides the binaries of a Kubernetes control plane: it
// downloads or builds what is missing and keeps it in the user's cache.
package assets

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/test/controlplane"
)

// The binaries of a control plane.
const (
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Etcd              = "etcd"
)

// Names returns the binaries of a control plane, in the order in which they are
// installed: the fastest to build comes first, so that what cannot work at all
// is known within seconds.
func Names() []string {
	return []string{Etcd, APIServer, ControllerManager}
}

// Missing returns the binaries that dir does not have.
func Missing(dir string) []string {
	var missing []string
	for _, name := range Names() {
		if !isExecutable(filepath.Join(dir, name)) {
			missing = append(missing, name)
		}
	}
	return missing
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o100 != 0
}

// CacheDir returns the directory below root that keeps the binaries of the given
// versions for this machine's platform. It says everything the binaries depend
// on, so that every clone of the repository can share it.
func CacheDir(root string, versions controlplane.Versions) string {
	key := fmt.Sprintf("%s-etcd%s-%s-%s",
		versions.Kubernetes, strings.TrimPrefix(versions.Etcd, "v"), runtime.GOOS, runtime.GOARCH)
	return filepath.Join(root, "segmentation-operator", "controlplane", key)
}
