package assets

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	// stopDelay is how long a killed command's output is waited for.
	stopDelay = 5 * time.Second
	// tailLines is how much of a command's output is kept for its error.
	tailLines = 30
	// longestLine bounds a line of a command's output.
	longestLine = 1 << 20
)

// CommandError says that a command failed, and what it wrote.
type CommandError struct {
	// Command is what was run, as one would type it.
	Command string
	// Output is the end of what it wrote to stderr.
	Output string
	// Err is how it ended.
	Err error
}

// Error implements error.
func (e *CommandError) Error() string {
	return fmt.Sprintf("%s: %v: %s", e.Command, e.Err, strings.ReplaceAll(e.Output, "\n", " | "))
}

// Unwrap returns how the command ended.
func (e *CommandError) Unwrap() error {
	return e.Err
}

// command is a program to run.
type command struct {
	args []string
	dir  string
	env  []string
	// onLine sees each line of stderr, and tells whether it is understood: what is
	// not is kept for the error.
	onLine func(line string) bool
	// log gets all of stderr.
	log io.Writer
}

// run runs the command to its end and returns its stdout. When ctx ends, so does
// the command with all the processes that it started.
func (c command) run(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Env = c.dir, c.env
	cmd.WaitDelay = stopDelay
	// A group of its own: the go command ends together with the compilers that it
	// runs. It can be killed: its caches are made for that.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var stdout strings.Builder
	cmd.Stdout = &stdout

	tail, err := c.start(cmd)
	if err != nil {
		return "", err
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if tail.err != nil {
		return "", &CommandError{Command: strings.Join(c.args, " "), Output: tail.String(), Err: tail.err}
	}
	return stdout.String(), nil
}

// start runs cmd, reads its stderr as it comes, and waits for it to end.
func (c command) start(cmd *exec.Cmd) (*tail, error) {
	reader, writer := io.Pipe()
	cmd.Stderr = writer
	tail := &tail{}
	read := make(chan struct{})
	go func() {
		defer close(read)
		c.read(reader, tail)
	}()
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	tail.err = cmd.Wait()
	_ = writer.Close() // never fails for a pipe in memory
	<-read
	return tail, nil
}

func (c command) read(stderr io.Reader, tail *tail) {
	scanner := bufio.NewScanner(stderr)
	scanner.Buffer(nil, longestLine)
	for scanner.Scan() {
		line := scanner.Text()
		if c.log != nil {
			_, _ = fmt.Fprintln(c.log, line) // a lost log line is no reason to stop
		}
		if c.onLine == nil || !c.onLine(line) {
			tail.add(line)
		}
	}
	// Whatever could not be read as lines must not block the command.
	_, _ = io.Copy(io.Discard, stderr)
}

// tail keeps the last lines of an output, and how the command ended.
type tail struct {
	lines []string
	err   error
}

func (t *tail) add(line string) {
	t.lines = append(t.lines, line)
	if len(t.lines) > tailLines {
		t.lines = t.lines[1:]
	}
}

// String returns the lines that were kept.
func (t *tail) String() string {
	return strings.TrimSpace(strings.Join(t.lines, "\n"))
}
