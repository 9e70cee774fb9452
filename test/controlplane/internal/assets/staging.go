package assets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// staging is a directory beside the final one, where binaries gather until all
// are there. What is in it under its final name is whole; anything else is what
// an interrupted run left. Only the holder of the lock may touch it.
type staging struct {
	dir   string
	final string
}

func stagingDir(final string) string {
	return final + ".partial"
}

// openStaging prepares the staging directory of final: it keeps the binaries of
// an interrupted run and clears away everything else.
func openStaging(final string) (*staging, error) {
	s := &staging{dir: stagingDir(final), final: final}
	if err := s.reopen(); err != nil {
		return nil, fmt.Errorf("reusing %s: %w", final, err)
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the staging directory: %w", err)
	}
	if err := s.clear(); err != nil {
		return nil, err
	}
	return s, nil
}

// reopen turns a final directory that somebody took binaries from back into a
// staging directory, so that only what is missing has to be made again.
func (s *staging) reopen() error {
	if _, err := os.Lstat(s.final); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := removeTree(s.dir); err != nil {
		return err
	}
	return os.Rename(s.final, s.dir)
}

// clear removes everything but whole binaries.
func (s *staging) clear() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("reading the staging directory: %w", err)
	}
	for _, entry := range entries {
		if slices.Contains(Names(), entry.Name()) && entry.Type().IsRegular() {
			continue
		}
		if err := removeTree(filepath.Join(s.dir, entry.Name())); err != nil {
			return fmt.Errorf("clearing the staging directory: %w", err)
		}
	}
	return nil
}

// add has write make the named binary to a scratch path, and gives it its final
// name only if that succeeds.
func (s *staging) add(name string, write func(path string) error) error {
	scratch, err := os.MkdirTemp(s.dir, "new-")
	if err != nil {
		return fmt.Errorf("making a scratch directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }()

	path := filepath.Join(scratch, name)
	if err := write(path); err != nil {
		return err
	}
	if err := flush(path); err != nil {
		return fmt.Errorf("writing %s to disk: %w", name, err)
	}
	return os.Rename(path, filepath.Join(s.dir, name))
}

// flush makes sure that the content of a file is on disk, since a name that
// outlives a power cut without its content would pass for a whole binary.
func flush(path string) error {
	if err := os.Chmod(path, 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// install gives the staging directory its final name. It is one rename: the
// final directory is there with every binary, or not at all.
func (s *staging) install() error {
	if missing := Missing(s.dir); len(missing) > 0 {
		return fmt.Errorf("refusing to install without %v", missing)
	}
	if err := s.clear(); err != nil {
		return err
	}
	return os.Rename(s.dir, s.final)
}

// removeTree is os.RemoveAll for trees with read-only directories, which is what
// setup-envtest unpacks archives to.
func removeTree(path string) error {
	if err := makeWritable(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(path)
}

func makeWritable(path string) error {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return err
	}
	// Within a root, nobody can lead the way out of it by a symbolic link.
	root, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // it only held the directory
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return root.Chmod(name, 0o755)
	})
}
