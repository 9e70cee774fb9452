package assets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Installer fills one directory of the cache.
type Installer struct {
	// Dir is where the binaries end up.
	Dir string
	// Sources are tried in order for each binary.
	Sources []Source
	// Check judges a binary before it is kept.
	Check func(ctx context.Context, name, path string) error
	// Progress is told what happens.
	Progress *Progress
}

// Ensure makes the directory whole, whatever state it is in, and returns at once
// if it is whole already.
func (i *Installer) Ensure(ctx context.Context) error {
	if len(Missing(i.Dir)) == 0 {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(i.Dir), 0o755); err != nil {
		return fmt.Errorf("making the cache directory: %w", err)
	}
	unlock, err := i.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	// Another process may have done it all while this one waited.
	if len(Missing(i.Dir)) == 0 {
		return nil
	}
	return i.install(ctx)
}

func (i *Installer) lock(ctx context.Context) (func(), error) {
	var waiting *Task
	unlock, err := lock(ctx, i.Dir+".lock", func() {
		waiting = i.Progress.Begin("waiting for another run that installs the same binaries")
	})
	waiting.End()
	return unlock, err
}

func (i *Installer) install(ctx context.Context) error {
	staging, err := openStaging(i.Dir)
	if err != nil {
		return err
	}
	for _, name := range Missing(staging.dir) {
		err := staging.add(name, func(path string) error {
			return i.fetch(ctx, name, path)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return staging.install()
}

// fetch gets a binary from the first source that has it.
func (i *Installer) fetch(ctx context.Context, name, path string) error {
	var reasons []string
	for _, source := range i.Sources {
		err := source.Fetch(ctx, name, path)
		if err == nil {
			return i.Check(ctx, name, path)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		missing, is := errors.AsType[*UnavailableError](err)
		if !is {
			return err
		}
		reasons = append(reasons, missing.Reason)
		i.Progress.Oncef("%s", missing.Reason)
	}
	return unavailable("%s", strings.Join(reasons, "; "))
}
