// Package controlplane says which Kubernetes and etcd the tests and the demo
// run against.
//
// It is a module of its own, so that the requirements of Kubernetes, some
// hundreds of modules, stay out of the operator's. Its go.mod is the only place
// that names the versions. The command in cmd/controlplane provides the
// binaries.
package controlplane

import (
	_ "embed"
	"fmt"
	"regexp"
)

// goMod is this module's go.mod. Embedding it makes the versions known without
// running the go command, which keeps the usual case, everything being there
// already, fast.
//
//go:embed go.mod
var goMod []byte

// Versions are the versions of a control plane's parts.
type Versions struct {
	// Kubernetes is a version as Kubernetes tags it, for example v1.37.2.
	Kubernetes string
	// Etcd is a version as etcd tags it, for example v3.7.3.
	Etcd string
}

// RequiredVersions returns the versions that this module's go.mod requires.
func RequiredVersions() (Versions, error) {
	return parseVersions(goMod)
}

// GoMod returns the content of this module's go.mod, by which a directory can be
// known to hold this module.
func GoMod() []byte {
	return append([]byte(nil), goMod...)
}

func parseVersions(mod []byte) (Versions, error) {
	kubernetes, err := requiredVersion(mod, "k8s.io/kubernetes")
	if err != nil {
		return Versions{}, err
	}
	etcd, err := requiredVersion(mod, "go.etcd.io/etcd/server/v3")
	if err != nil {
		return Versions{}, err
	}
	return Versions{Kubernetes: kubernetes, Etcd: etcd}, nil
}

func requiredVersion(mod []byte, module string) (string, error) {
	line := regexp.MustCompile(`(?m)^(?:require)?[ \t]+` + regexp.QuoteMeta(module) + `[ \t]+(v\S+)`)
	match := line.FindSubmatch(mod)
	if match == nil {
		return "", fmt.Errorf("go.mod does not require %s", module)
	}
	return string(match[1]), nil
}
