package cluster

import (
	"fmt"
	"os"
	"path/filepath"
)

// assetsVariable names the directory of the binaries, as it does for envtest.
const assetsVariable = "KUBEBUILDER_ASSETS"

// The processes of a cluster, by the names of their binaries.
const (
	etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
)

// findBinaries checks that the directory has all binaries, since a missing one
// would be reported long after it could have been known.
func findBinaries(dir string, names ...string) error {
	if dir == "" {
		return fmt.Errorf("%s is not set: run this through make test or make demo, which provide a control plane", assetsVariable)
	}
	for _, name := range names {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o100 == 0 {
			return fmt.Errorf("%s=%s has no %s: run this through make test or make demo, which provide a control plane",
				assetsVariable, dir, name)
		}
	}
	return nil
}
