package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// leashScript waits for the end of its stdin, which comes when the demo goes, however it
// goes. It kills the operator, if it was told of one, and removes the demo's files.
const leashScript = `
trap '' HUP INT TERM
operator=
while read -r pid; do operator=$pid; done
[ -d "$1" ] || exit 0
[ -z "$operator" ] || kill -KILL -"$operator"
rm -rf "$1"
`

// workdir is the demo's temporary directory. Even a demo that is killed leaves neither it
// nor an operator behind.
type workdir struct {
	path  string
	guard *exec.Cmd
	leash io.WriteCloser
}

func newWorkdir() (*workdir, error) {
	path, err := os.MkdirTemp("", "segmentation-demo-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary directory: %w", err)
	}
	w := &workdir{path: path, guard: exec.Command("/bin/sh", "-c", leashScript, "guard", path)}
	// Out of the terminal's reach: an interrupt is for the demo, not for this.
	w.guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if w.leash, err = w.guard.StdinPipe(); err == nil {
		err = w.guard.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the demo's guard: %w", err), os.RemoveAll(path))
	}
	return w, nil
}

func (w *workdir) file(name string) string {
	return filepath.Join(w.path, name)
}

// tell tells the guard of the operator.
func (w *workdir) tell(pid int) error {
	if _, err := fmt.Fprintln(w.leash, pid); err != nil {
		return fmt.Errorf("telling the demo's guard of the operator: %w", err)
	}
	return nil
}

// remove removes the directory, and with it the guard's work.
func (w *workdir) remove() error {
	err := os.RemoveAll(w.path)
	return errors.Join(err, w.leash.Close(), w.guard.Wait())
}
