package assets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"
)

var (
	errNoGo = exec.ErrNotFound

	diskFullText = regexp.MustCompile(`(?i)no space left on device|disk quota exceeded|not enough space`)
	tooOldText   = regexp.MustCompile(`requires go ?>= ?([0-9][^ ;)]*) \(running go ?([^ ;)]+)`)
	networkText  = regexp.MustCompile(`(?i)dial tcp|no such host|connection refused|connection reset|` +
		`network is unreachable|no route to host|i/o timeout|tls handshake timeout|proxyconnect|` +
		`context deadline exceeded|module lookup disabled|temporary failure in name resolution|unexpected eof`)
	killedText = regexp.MustCompile(`signal: killed|cannot allocate memory|out of memory`)
	sumText    = regexp.MustCompile(`checksum mismatch|SECURITY ERROR`)
)

// Circumstances are what a person needs to know to do something about a failure.
type Circumstances struct {
	// Timeout is how long the installation was allowed to take.
	Timeout time.Duration
	// CacheDir is where the binaries are kept.
	CacheDir string
	// Log has everything that the go command wrote.
	Log string
}

// Explain turns an error of an installation into one sentence that says what
// happened and what to do.
func Explain(err error, c Circumstances) string {
	for _, explain := range []func(error, Circumstances) string{
		explainEnd, explainDisk, explainGo, explainNetwork, explainMemory, explainSum, explainAccess,
	} {
		if sentence := explain(err, c); sentence != "" {
			return sentence
		}
	}
	return explainOther(err, c)
}

func explainEnd(err error, c Circumstances) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("The control plane was not ready after %s: run the same command again, "+
			"which goes on where this one ended, or allow more time with --timeout.", c.Timeout)
	case errors.Is(err, context.Canceled):
		return "Interrupted: run the same command again, which goes on where this one ended."
	}
	return ""
}

func explainDisk(err error, c Circumstances) string {
	if !isDiskFull(err) {
		return ""
	}
	return fmt.Sprintf("The disk is full: a build needs about 4 GB for Go's build cache and temporary files "+
		"(see go env GOCACHE GOTMPDIR) and 300 MB in %s, so free some space and run the same command again, "+
		"which goes on where this one ended.", c.CacheDir)
}

// isDiskFull also knows a full disk, or a used-up quota, that another program
// met.
func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || diskFullText.MatchString(output(err))
}

func explainGo(err error, _ Circumstances) string {
	if errors.Is(err, errNoGo) {
		return "The go command is not on the PATH: install Go (https://go.dev/dl) and run the same command again."
	}
	if errors.Is(err, errNotInModule) {
		return "The command was not started in its own module: run it as go -C test/controlplane run ./cmd/controlplane."
	}
	if match := tooOldText.FindStringSubmatch(output(err)); match != nil {
		return fmt.Sprintf("Go %s is too old, %s is needed: install it, or set GOTOOLCHAIN=auto "+
			"so that Go fetches it by itself, and run the same command again.", match[2], match[1])
	}
	return ""
}

func explainNetwork(err error, _ Circumstances) string {
	if !networkText.MatchString(output(err)) {
		return ""
	}
	return fmt.Sprintf("The Go module proxy cannot be reached (%s): connect to a network, or set GOPROXY to a mirror, "+
		"and run the same command again, which goes on where this one ended.", lineWith(networkText, output(err)))
}

func explainMemory(err error, _ Circumstances) string {
	if !killedText.MatchString(output(err)) && !strings.Contains(err.Error(), "signal: killed") {
		return ""
	}
	return "The build was killed, most likely for lack of memory: free some, or compile fewer packages at once " +
		"with GOFLAGS=-p=1, and run the same command again, which goes on where this one ended."
}

func explainSum(err error, _ Circumstances) string {
	if sum, is := errors.AsType[*SumError](err); is {
		return fmt.Sprintf("A download was thrown away, since %v: run the same command again, "+
			"or build from source with --source=build.", sum)
	}
	if sumText.MatchString(output(err)) {
		return fmt.Sprintf("A Go module is not the one that go.sum knows (%s): do not use it, "+
			"and find out whether GOPROXY names a proxy that you trust.", lineWith(sumText, output(err)))
	}
	return ""
}

func explainAccess(err error, c Circumstances) string {
	if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
		return ""
	}
	return fmt.Sprintf("The cache cannot be written (%v): make %s writable, or name another cache with --cache.",
		err, c.CacheDir)
}

func explainOther(err error, c Circumstances) string {
	if missing, is := errors.AsType[*UnavailableError](err); is {
		return fmt.Sprintf("The control plane cannot be had (%s): try again later, or allow to build it with --source=auto.",
			missing.Reason)
	}
	if failed, is := errors.AsType[*CommandError](err); is {
		return fmt.Sprintf("A command failed (%s: %s): see %s for all that it wrote.",
			failed.Command, firstError(failed), c.Log)
	}
	return fmt.Sprintf("The control plane could not be installed: %v.", err)
}

// output returns what the command wrote that failed, if one did.
func output(err error) string {
	if failed, is := errors.AsType[*CommandError](err); is {
		return failed.Output
	}
	return ""
}

func lineWith(pattern *regexp.Regexp, text string) string {
	for line := range strings.Lines(text) {
		if pattern.MatchString(line) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// firstError returns the line of a failed command's output that most likely says
// why it failed: the go command puts the package's name on a line before it.
func firstError(failed *CommandError) string {
	for line := range strings.Lines(failed.Output) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return line
		}
	}
	return failed.Err.Error()
}
