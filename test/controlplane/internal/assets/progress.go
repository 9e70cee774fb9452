package assets

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

const (
	// terminalRefresh is how often the line on a terminal is written anew.
	terminalRefresh = time.Second
	// heartbeat is how often a log gets a line, so that nobody takes a long build
	// for a hanging one.
	heartbeat = 10 * time.Second
)

// Progress tells a person what happens: as one line that changes on a terminal,
// as a line now and then elsewhere.
type Progress struct {
	out      io.Writer
	terminal bool
	interval time.Duration

	mu   sync.Mutex
	said map[string]bool
}

// NewProgress returns a Progress that writes to a file, most likely stderr.
func NewProgress(file *os.File) *Progress {
	info, err := file.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	interval := heartbeat
	if terminal {
		interval = terminalRefresh
	}
	return newProgress(file, terminal, interval)
}

func newProgress(out io.Writer, terminal bool, interval time.Duration) *Progress {
	return &Progress{out: out, terminal: terminal, interval: interval, said: map[string]bool{}}
}

// Oncef writes a line, unless the same line was written before.
func (p *Progress) Oncef(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.said[line] {
		return
	}
	p.said[line] = true
	p.line(line)
}

// line writes a line that stays. The caller holds the lock.
func (p *Progress) line(text string) {
	// Progress is for people: not being able to show it is no reason to stop.
	if p.terminal {
		_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s\n", text)
		return
	}
	_, _ = fmt.Fprintln(p.out, text)
}

// passing writes a line that the next one may replace.
func (p *Progress) passing(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s", text)
		return
	}
	p.line(text)
}

func (p *Progress) lasting(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line(text)
}

// Task is something that takes time.
type Task struct {
	progress *Progress
	what     string
	begin    time.Time
	stop     chan struct{}
	stopped  sync.WaitGroup

	mu     sync.Mutex
	detail string
}

// Begin announces a task and reports on it until it ends.
func (p *Progress) Begin(what string) *Task {
	task := &Task{progress: p, what: what, begin: time.Now(), stop: make(chan struct{})}
	p.passing(what)
	task.stopped.Go(task.report)
	return task
}

// Detailf sets what is said about the task from now on, for example how far it is.
func (t *Task) Detailf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.detail = fmt.Sprintf(format, args...)
}

// End ends the reports on a task. It does nothing for a task that never began.
func (t *Task) End() {
	if t == nil {
		return
	}
	close(t.stop)
	t.stopped.Wait()
	t.progress.lasting(fmt.Sprintf("%s: ended after %s", t.what, t.elapsed()))
}

func (t *Task) report() {
	ticker := time.NewTicker(t.progress.interval)
	defer ticker.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-ticker.C:
			t.progress.passing(t.String())
		}
	}
}

// String says what the task is, how far it is, and how long it has taken.
func (t *Task) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.detail == "" {
		return fmt.Sprintf("%s: %s", t.what, t.elapsed())
	}
	return fmt.Sprintf("%s: %s, %s", t.what, t.detail, t.elapsed())
}

func (t *Task) elapsed() time.Duration {
	return time.Since(t.begin).Round(time.Second)
}
