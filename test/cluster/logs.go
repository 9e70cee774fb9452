package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	// logTailBytes is how much of a log is looked at for an error.
	logTailBytes = 8 << 10
	// logTailLines is how much of it becomes part of the error.
	logTailLines = 10
)

// logs are the log files of the processes.
type logs struct {
	dir   string
	files map[string]*os.File
}

func openLogs(dir string) (*logs, error) {
	l := &logs{dir: dir, files: map[string]*os.File{}}
	for _, name := range []string{etcd, apiServer, controllerManager} {
		file, err := os.Create(l.path(name))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("making a log file: %w", err), l.close())
		}
		l.files[name] = file
	}
	return l, nil
}

func (l *logs) path(name string) string {
	return filepath.Join(l.dir, name+".log")
}

func (l *logs) close() error {
	var errs []error
	for _, file := range l.files {
		errs = append(errs, file.Close())
	}
	return errors.Join(errs...)
}

// tail returns the end of a process's log, or nothing if it wrote none.
func (l *logs) tail(name string) string {
	content, err := os.ReadFile(l.path(name))
	if err != nil {
		return ""
	}
	if len(content) > logTailBytes {
		content = content[len(content)-logTailBytes:]
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	if len(lines) > logTailLines {
		lines = lines[len(lines)-logTailLines:]
	}
	return strings.Join(lines, "\n")
}
