package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// workdir is the temporary directory of a cluster. All that a cluster writes is
// in it, except for logs that are to be kept.
type workdir struct {
	path string
}

func newWorkdir() (workdir, error) {
	path, err := os.MkdirTemp("", "segmentation-cluster-")
	if err != nil {
		return workdir{}, fmt.Errorf("making the cluster's directory: %w", err)
	}
	dir := workdir{path: path}
	for _, sub := range []string{dir.pids(), dir.file("bin"), dir.file("etcd"), dir.file("certs"), dir.file("logs")} {
		if err := os.Mkdir(sub, 0o700); err != nil {
			return workdir{}, errors.Join(err, dir.remove())
		}
	}
	return dir, nil
}

func (w workdir) file(name string) string {
	return filepath.Join(w.path, name)
}

func (w workdir) pids() string {
	return w.file("pids")
}

func (w workdir) remove() error {
	return os.RemoveAll(w.path)
}

// launcher writes a script that starts a binary and says as which process, and
// returns its path. envtest starts processes without saying so, and the watchdog
// has to know them. The script ends without starting anything if the directory is
// gone, as it is once the watchdog has cleaned up.
func (w workdir) launcher(binary string) (string, error) {
	name := filepath.Base(binary)
	script := fmt.Sprintf("#!/bin/sh\nset -e\necho $$ > %s\nexec %s \"$@\"\n",
		shellQuote(filepath.Join(w.pids(), name)), shellQuote(binary))
	path := filepath.Join(w.file("bin"), name)

	// While a file is open for writing, in this process or in a fork of it that has
	// yet to become something else, it cannot be executed.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return path, os.WriteFile(path, []byte(script), 0o700)
}

func shellQuote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// running tells whether the named process was started and is still there.
func (w workdir) running(name string) bool {
	pid, err := w.pid(name)
	return err == nil && syscall.Kill(pid, 0) == nil
}

func (w workdir) pid(name string) (int, error) {
	content, err := os.ReadFile(filepath.Join(w.pids(), name))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(content)))
}

// kill ends all processes at once. Each leads a group of its own.
func (w workdir) kill() error {
	var errs []error
	for _, name := range []string{controllerManager, apiServer, etcd} {
		errs = append(errs, w.killOne(name))
	}
	return errors.Join(errs...)
}

// killOne ends a process at once, if it was ever started.
func (w workdir) killOne(name string) error {
	pid, err := w.pid(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = syscall.Kill(-pid, syscall.SIGKILL)
	}
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("killing %s: %w", name, err)
	}
	return nil
}
