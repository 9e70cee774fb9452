package assets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCommandOutput(t *testing.T) {
	var log strings.Builder
	var lines []string
	output, err := command{
		args:   []string{"sh", "-c", "echo out; echo one >&2; printf two >&2"},
		log:    &log,
		onLine: func(line string) bool { lines = append(lines, line); return true },
	}.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if output != "out\n" || log.String() != "one\ntwo\n" || strings.Join(lines, ",") != "one,two" {
		t.Errorf("stdout = %q, log = %q, lines = %q", output, log.String(), lines)
	}
}

func TestCommandErrorKeepsTheEndOfWhatIsNotUnderstood(t *testing.T) {
	script := "echo progress >&2; i=0; while [ $i -lt 100 ]; do echo line $i >&2; i=$((i+1)); done; exit 3"
	_, err := command{
		args:   []string{"sh", "-c", script},
		onLine: func(line string) bool { return line == "progress" },
	}.run(t.Context())
	var failed *CommandError
	if !errors.As(err, &failed) {
		t.Fatalf("error = %v, want a CommandError", err)
	}
	lines := strings.Split(failed.Output, "\n")
	if len(lines) != tailLines || lines[len(lines)-1] != "line 99" {
		t.Errorf("kept %d lines, last %q, want %d and the last", len(lines), lines[len(lines)-1], tailLines)
	}
}

// A command that is stopped must take along what it started: compilers that go on
// would compete with the next build.
func TestCommandStopsWithAllItStarted(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := command{args: []string{"sh", "-c", "sleep 60 & echo $! > " + pidFile + "; wait"}}.run(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want %v", err, context.DeadlineExceeded)
	}
	content, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.After(10 * time.Second); !hasEnded(pid); {
		select {
		case <-deadline:
			t.Fatalf("process %d still runs", pid)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// hasEnded tells whether a process has ended, also if nobody has waited for it:
// where these tests run in a container, there may be no init to do so.
func hasEnded(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(status), ") Z ")
}
