package assets

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/test/controlplane"
)

// Setup says which control plane is wanted, and from where.
type Setup struct {
	// Versions are the versions wanted.
	Versions controlplane.Versions
	// Dir is the directory of the cache that keeps them.
	Dir string
	// Policy says which sources may be used.
	Policy Policy
	// Progress is told what happens.
	Progress *Progress
}

// LogPath is where everything is kept that the go command writes. The file is
// gone once all went well.
func (s Setup) LogPath() string {
	return s.Dir + ".log"
}

// Provide makes sure that the directory of the cache has all binaries.
func (s Setup) Provide(ctx context.Context) error {
	if len(Missing(s.Dir)) == 0 {
		return nil
	}
	log := &lazyFile{path: s.LogPath()}
	defer log.close()
	if err := s.installer(log).Ensure(ctx); err != nil {
		return err
	}
	return log.remove()
}

func (s Setup) installer(log io.Writer) *Installer {
	download := &Downloader{
		Versions:   s.Versions,
		Scratch:    filepath.Join(stagingDir(s.Dir), "envtest"),
		ReleaseURL: ReleaseURL,
		IndexURL:   IndexURL,
		Progress:   s.Progress,
	}
	build := &Builder{Versions: s.Versions, CacheDir: s.Dir, Log: log, Progress: s.Progress}
	return &Installer{
		Dir:      s.Dir,
		Sources:  s.Policy.sources(download, build),
		Check:    CheckVersion(s.Versions),
		Progress: s.Progress,
	}
}

// Given returns the directory that the user named for the binaries, if it has
// them all. It returns a reason if it has not: other tools use the same variable
// for directories without a controller manager.
func Given(dir string) (usable bool, reason string) {
	if dir == "" {
		return false, ""
	}
	if missing := Missing(dir); len(missing) > 0 {
		return false, fmt.Sprintf("KUBEBUILDER_ASSETS is not used: %s has no %s", dir, strings.Join(missing, ", "))
	}
	return true, ""
}

// lazyFile is a file that is there only if something was written to it.
type lazyFile struct {
	path string
	file *os.File
}

// Write implements io.Writer.
func (l *lazyFile) Write(data []byte) (int, error) {
	if l.file == nil {
		file, err := os.Create(l.path)
		if err != nil {
			return 0, err
		}
		l.file = file
	}
	return l.file.Write(data)
}

func (l *lazyFile) close() {
	if l.file != nil {
		_ = l.file.Close() // it holds nothing that is read again by this program
	}
}

func (l *lazyFile) remove() error {
	if l.file == nil {
		return nil
	}
	return os.Remove(l.path)
}
