package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

const (
	// margin is what stands left of everything that is not a step: the width of "  12.3s  ".
	margin = "         "
	// progressWidth is how much of a line that is overwritten is shown. A line that wraps
	// could not be.
	progressWidth = 78
	// progressInterval is how often progress is told where lines cannot be overwritten.
	progressInterval = 5 * time.Second
)

// screen is where the demo tells what it does.
type screen struct {
	palette
	out io.Writer
	// terminal says that lines can be overwritten.
	terminal bool
	now      func() time.Time
	begin    time.Time

	// open says that a line of progress is there to be overwritten.
	open bool
	told time.Time
}

func newScreen(out *os.File) *screen {
	info, err := out.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	return &screen{
		palette:  palette{colour: terminal && os.Getenv("NO_COLOR") == ""},
		out:      out,
		terminal: terminal,
		now:      time.Now,
		begin:    time.Now(),
	}
}

// stepf announces the next step, with the time since the beginning.
func (s *screen) stepf(format string, args ...any) {
	s.endProgress()
	s.told = s.now()
	elapsed := fmt.Sprintf("%6.1fs", s.now().Sub(s.begin).Seconds())
	fmt.Fprintf(s.out, "%s  %s\n", s.paint(dim, elapsed), fmt.Sprintf(format, args...))
}

// notef adds a line to a step.
func (s *screen) notef(format string, args ...any) {
	s.endProgress()
	fmt.Fprintln(s.out, margin+s.paint(dim, fmt.Sprintf(format, args...)))
}

// progress tells how far a step is: in place on a terminal, now and then elsewhere.
func (s *screen) progress(text string) {
	if s.terminal {
		line := shorten(margin+text, progressWidth)
		fmt.Fprint(s.out, "\r\x1b[K"+line)
		s.open = true
		return
	}
	if now := s.now(); now.Sub(s.told) >= progressInterval {
		s.told = now
		fmt.Fprintln(s.out, shorten(margin+text, 3*progressWidth))
	}
}

// endProgress removes the line of progress.
func (s *screen) endProgress() {
	if s.open {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.open = false
	}
}

// heading begins a part of what there is to tell.
func (s *screen) heading(text string) {
	fmt.Fprintf(s.out, "\n%s\n\n", s.paint(bold, text))
}

// block prints lines, indented.
func (s *screen) block(text string) {
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			line = "  " + line
		}
		fmt.Fprint(s.out, strings.TrimRight(line, "\n")+"\n")
	}
}
