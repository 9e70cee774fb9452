package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fakeScreen is a screen whose clock the test sets.
func fakeScreen(terminal bool) (*screen, *bytes.Buffer, *time.Time) {
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	out := &bytes.Buffer{}
	return &screen{out: out, terminal: terminal, now: func() time.Time { return now }, begin: now}, out, &now
}

func TestScreenSteps(t *testing.T) {
	s, out, now := fakeScreen(false)
	s.stepf("Starting %s", "etcd")
	*now = now.Add(12340 * time.Millisecond)
	s.stepf("Ready")
	s.notef("its log: %s", "x.log")
	s.heading("Drift")
	s.block("a\n\n  b\n")
	want := strings.Join([]string{
		"   0.0s  Starting etcd",
		"  12.3s  Ready",
		"         its log: x.log",
		"",
		"Drift",
		"",
		"  a",
		"",
		"    b",
		"",
	}, "\n")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("screen (-want +got):\n%s", diff)
	}
}

// A file gets a line now and then; a terminal has one that changes, and that is gone when
// the next step begins.
func TestScreenProgress(t *testing.T) {
	cases := map[string]struct {
		terminal bool
		want     string
	}{
		"file":     {want: "   0.0s  Waiting\n         2 of 10\n   6.0s  Done\n"},
		"terminal": {terminal: true, want: "   0.0s  Waiting\n\r\x1b[K         1 of 10\r\x1b[K         2 of 10\r\x1b[K   6.0s  Done\n"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s, out, now := fakeScreen(tc.terminal)
			s.stepf("Waiting")
			*now = now.Add(time.Second)
			s.progress("1 of 10")
			*now = now.Add(5 * time.Second)
			s.progress("2 of 10")
			s.stepf("Done")
			if diff := cmp.Diff(tc.want, out.String()); diff != "" {
				t.Errorf("screen (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProgressStaysInOneLine(t *testing.T) {
	s, out, _ := fakeScreen(true)
	s.progress(strings.Repeat("ä", 200))
	if got := len([]rune(strings.TrimPrefix(out.String(), "\r\x1b[K"))); got != progressWidth {
		t.Errorf("progress is %d letters wide, want %d", got, progressWidth)
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if s := newScreen(file); s.terminal || s.colour {
		t.Errorf("terminal %t, colour %t; want neither", s.terminal, s.colour)
	}
}
