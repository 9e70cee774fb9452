package assets

import (
	"strings"
	"testing"
	"time"
)

func TestProgressInALog(t *testing.T) {
	var out strings.Builder
	progress := newProgress(&out, false, time.Millisecond)
	progress.Oncef("a hint")
	progress.Oncef("a hint")
	task := progress.Begin("building x")
	task.Detailf("1 of 2")
	<-time.After(50 * time.Millisecond)
	task.End()

	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) < 4 || lines[0] != "a hint" || lines[1] != "building x" {
		t.Fatalf("lines = %q, want the hint once, the task and its progress", lines)
	}
	if want := "building x: 1 of 2, 0s"; lines[2] != want {
		t.Errorf("heartbeat = %q, want %q", lines[2], want)
	}
	if want := "building x: ended after 0s"; lines[len(lines)-1] != want {
		t.Errorf("last line = %q, want %q", lines[len(lines)-1], want)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("output = %q, want no terminal codes", out.String())
	}
}

func TestProgressOnATerminal(t *testing.T) {
	var out strings.Builder
	progress := newProgress(&out, true, time.Hour)
	task := progress.Begin("building x")
	task.End()
	if want := "\r\x1b[Kbuilding x\r\x1b[Kbuilding x: ended after 0s\n"; out.String() != want {
		t.Errorf("output = %q, want %q", out.String(), want)
	}
}

// Nobody may have to wonder for long whether a build hangs.
func TestHeartbeat(t *testing.T) {
	if heartbeat > 15*time.Second {
		t.Errorf("a line comes every %s, want every 15 s at least", heartbeat)
	}
}
