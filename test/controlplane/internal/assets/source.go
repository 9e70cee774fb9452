package assets

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Source is a way to get a binary.
type Source interface {
	// Fetch writes the named binary to path. An UnavailableError means that
	// another source may be tried; any other error ends the installation.
	Fetch(ctx context.Context, name, path string) error
}

// UnavailableError says that a source does not have a binary, or cannot be
// reached.
type UnavailableError struct {
	// Reason completes the sentence "it is not available: ...".
	Reason string
}

// Error implements error.
func (e *UnavailableError) Error() string {
	return e.Reason
}

// isUnavailable tells whether another source may be tried.
func isUnavailable(err error) bool {
	_, is := errors.AsType[*UnavailableError](err)
	return is
}

func unavailable(format string, args ...any) error {
	return &UnavailableError{Reason: fmt.Sprintf(format, args...)}
}

// Policy says which sources may be used.
type Policy string

// The policies.
const (
	// PolicyAuto downloads what can be downloaded, and builds the rest.
	PolicyAuto Policy = "auto"
	// PolicyDownload never builds.
	PolicyDownload Policy = "download"
	// PolicyBuild never downloads a binary; modules come from the module proxy.
	PolicyBuild Policy = "build"
)

// ParsePolicy reads a policy as it is written on a command line.
func ParsePolicy(text string) (Policy, error) {
	switch policy := Policy(strings.ToLower(text)); policy {
	case PolicyAuto, PolicyDownload, PolicyBuild:
		return policy, nil
	default:
		return "", fmt.Errorf("unknown source %q, want auto, download or build", text)
	}
}

// sources returns those of the two sources that the policy allows, in the order
// in which they are tried.
func (p Policy) sources(download, build Source) []Source {
	switch p {
	case PolicyDownload:
		return []Source{download}
	case PolicyBuild:
		return []Source{build}
	default:
		return []Source{download, build}
	}
}
