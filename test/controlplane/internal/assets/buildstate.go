package assets

import (
	"context"
	"strings"
)

// buildState follows the go command through what it writes.
type buildState struct {
	task       *Task
	stale      map[string]bool
	total      int
	downloaded int
}

// plan asks which packages have to be compiled, so that the progress shown is a
// true one, also if an earlier build has done a part. It downloads the modules,
// too, if they are not there.
func (s *buildState) plan(ctx context.Context, list command, main string) error {
	s.task.Detailf("looking at what there is to do")
	output, err := list.run(ctx)
	if err != nil {
		return err
	}
	s.stale = map[string]bool{}
	for pkg := range strings.FieldsSeq(output) {
		s.stale[pkg] = true
	}
	// A program that is not installed is always listed, compiled or not.
	delete(s.stale, main)
	s.total = len(s.stale)
	s.show()
	return nil
}

// line understands a line of the go command's stderr, or returns false.
func (s *buildState) line(line string) bool {
	if strings.HasPrefix(line, "go: downloading ") {
		s.downloaded++
		s.task.Detailf("%d modules downloaded", s.downloaded)
		return true
	}
	if !s.stale[line] {
		return false
	}
	delete(s.stale, line)
	s.show()
	return true
}

// show tells how far the build is. The go command names a package as it begins to
// compile it, so up to one package for each CPU is counted too early, and says
// nothing when it links.
func (s *buildState) show() {
	if len(s.stale) == 0 {
		s.task.Detailf("compiled, linking")
		return
	}
	done := s.total - len(s.stale)
	s.task.Detailf("compiled %d of %d packages, %d %%", done, s.total, 100*done/s.total)
}
