package cluster

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// watchdogScript waits for the end of its stdin, which comes when the process
// that has the other end goes, however it goes. It kills what that process
// started, again after a moment in case something was just starting, and removes
// its files.
const watchdogScript = `
trap '' HUP INT TERM
while read -r _; do :; done
[ -d "$1" ] || exit 0
for round in 1 2; do
	for file in "$1"/pids/*; do
		[ -f "$file" ] && read -r pid < "$file" && kill -KILL -"$pid"
	done
	[ "$round" = 2 ] || sleep 1
done
rm -rf "$1"
`

// watchdog ends the processes of a cluster whose program was killed, and removes
// their files. Unlike a death signal, which Linux can send, it also works on
// macOS, for processes that envtest starts, and whichever thread started them.
type watchdog struct {
	process *exec.Cmd
	leash   io.Closer
}

func startWatchdog(dir workdir) (*watchdog, error) {
	process := exec.Command("/bin/sh", "-c", watchdogScript, "watchdog", dir.path)
	// Out of the terminal's reach: an interrupt is for the program, not for this.
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	leash, err := process.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("making the watchdog's pipe: %w", err)
	}
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("starting the watchdog: %w", err)
	}
	return &watchdog{process: process, leash: leash}, nil
}

// stop ends the watchdog. The cluster's directory must be gone by then, which
// tells it that there is nothing to do.
func (w *watchdog) stop() error {
	if err := w.leash.Close(); err != nil {
		return fmt.Errorf("closing the watchdog's pipe: %w", err)
	}
	if err := w.process.Wait(); err != nil {
		return fmt.Errorf("waiting for the watchdog: %w", err)
	}
	return nil
}
