package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// Root returns the root of the repository: tests run in the directory of their package.
func Root() (string, error) {
	dir := "."
	for range 10 {
		if _, err := os.Stat(filepath.Join(dir, "config", "default")); err == nil {
			return dir, nil
		}
		dir = filepath.Join(dir, "..")
	}
	return "", errors.New("no directory above this one is the root of the repository")
}

// Build builds the operator into a directory and returns the path of the program.
func Build(ctx context.Context, dir string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "operator")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/operator")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the operator: %w\n%s", err, out)
	}
	return binary, nil
}

// DependOnSources makes the operator's sources inputs of the test that calls it. The operator
// is built by another process, so go test does not see what it is built from, and would take
// the result of an earlier run for that of a changed operator. It sees what a test looks at,
// and not what TestMain does.
func DependOnSources() error {
	root, err := Root()
	if err != nil {
		return err
	}
	for _, source := range []string{"api", "cmd", "config", "controllers", "internal", "go.mod"} {
		err := filepath.WalkDir(filepath.Join(root, source), func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			_, err = os.Stat(path)
			return err
		})
		if err != nil {
			return fmt.Errorf("looking at the operator's sources: %w", err)
		}
	}
	return nil
}
