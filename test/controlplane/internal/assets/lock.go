package assets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lockPoll is how often a waiting process tries again: flock cannot be waited
// for together with a context.
const lockPoll = 100 * time.Millisecond

// lock takes the file at path for this process alone, waiting until it is free.
// It calls waiting once if it has to wait. The operating system gives the lock
// back when the process ends, however it ends, so a stale lock cannot exist; the
// file itself stays, since removing it would let two processes hold one lock.
func lock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the lock file: %w", err)
	}
	if err := waitForLock(ctx, file, waiting); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	// Closing the file gives the lock back; there is nothing left to do if it fails.
	return func() { _ = file.Close() }, nil
}

func waitForLock(ctx context.Context, file *os.File, waiting func()) error {
	for first := true; ; first = false {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("locking %s: %w", file.Name(), err)
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(lockPoll):
		}
	}
}
