// Command golangci-lint is golangci-lint with kube-api-linter compiled in.
//
// It is what "golangci-lint custom" would generate; built here instead, since that
// command clones a git repository, and this needs no more than the Go module proxy.
package main

import (
	"os"
	"runtime/debug"

	"github.com/golangci/golangci-lint/v2/pkg/commands"
	"github.com/golangci/golangci-lint/v2/pkg/exitcodes"
	// Registers the linter kubeapilinter.
	_ "sigs.k8s.io/kube-api-linter"
)

const linterModule = "github.com/golangci/golangci-lint/v2"

func main() {
	if err := commands.Execute(buildInfo()); err != nil {
		os.Exit(exitcodes.Failure) // The command has printed the error itself.
	}
}

// buildInfo reports the version of golangci-lint, not of this module: golangci-lint
// keys its cache of results by it.
func buildInfo() commands.BuildInfo {
	info := commands.BuildInfo{GoVersion: "unknown", Version: "unknown", Commit: "none", Date: "unknown"}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	info.GoVersion = build.GoVersion
	for _, dep := range build.Deps {
		if dep.Path == linterModule {
			info.Version = dep.Version
			info.Commit = dep.Sum
		}
	}
	return info
}
