package assets

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// lockHolder makes this test binary a process that takes the lock it names, and
// holds it until it is killed.
const lockHolder = "ASSETS_TEST_HOLD_LOCK"

func TestMain(m *testing.M) {
	if path := os.Getenv(lockHolder); path != "" {
		holdLock(path)
	}
	os.Exit(m.Run())
}

func holdLock(path string) {
	if _, err := lock(context.Background(), path, func() {}); err != nil {
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString("locked\n")
	<-time.After(time.Hour)
}

func TestLockKeepsOthersOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path, func() { t.Error("waited for a free lock") })
	if err != nil {
		t.Fatal(err)
	}

	short, cancel := context.WithTimeout(t.Context(), 3*lockPoll)
	defer cancel()
	waited := 0
	if _, err := lock(short, path, func() { waited++ }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want %v", err, context.DeadlineExceeded)
	}
	if waited != 1 {
		t.Errorf("said %d times that it waits, want once", waited)
	}

	unlock()
	unlock, err = lock(t.Context(), path, func() { t.Error("waited for a lock that was given back") })
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

// A lock must not outlive its holder, however that ends.
func TestLockEndsWithItsProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), lockHolder+"="+path)
	stdout, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 1)); err != nil {
		t.Fatalf("the other process did not take the lock: %v", err)
	}

	waiting := func() {
		if err := holder.Process.Kill(); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	unlock, err := lock(ctx, path, waiting)
	if err != nil {
		t.Fatalf("the lock was not free after its holder was killed: %v", err)
	}
	unlock()
	_ = holder.Wait() // it was killed
}
