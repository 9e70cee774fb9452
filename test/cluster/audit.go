package cluster

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// AuditLevel says how much of each request is logged.
type AuditLevel string

// The levels, as Kubernetes names them.
const (
	// AuditMetadata logs who did what to which object.
	AuditMetadata AuditLevel = "Metadata"
	// AuditRequest also logs what was sent.
	AuditRequest AuditLevel = "Request"
)

// auditPolicy logs every request once, when its answer is complete.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: %s
`

// auditMark is part of the requests that this package makes only to find them in
// the log.
const auditMark = "audit-mark"

// enableAudit makes the log known to the API server that is about to start, and
// to the cluster.
func (c *Cluster) enableAudit(flags *envtest.Arguments) error {
	policy := c.dir.file("audit-policy.yaml")
	content := fmt.Sprintf(auditPolicy, c.settings.audit)
	if err := os.WriteFile(policy, []byte(content), 0o600); err != nil {
		return fmt.Errorf("writing the audit policy: %w", err)
	}
	c.audit = &AuditLog{cluster: c, path: c.dir.file("audit.log")}
	flags.Set("audit-policy-file", policy)
	flags.Set("audit-log-path", c.audit.path)
	// The file must not be rotated away from under a reader.
	flags.Set("audit-log-maxsize", "1000000")
	return nil
}

// Audit returns the log of all requests, or nil if the cluster was started
// without one.
func (c *Cluster) Audit() *AuditLog {
	return c.audit
}

// AuditLog is what the API server writes about the requests it gets.
type AuditLog struct {
	cluster *Cluster
	path    string
	marks   atomic.Int64
}

// AuditPosition is a place in an AuditLog. The zero value is its beginning.
type AuditPosition struct {
	offset int64
}

// Path returns the file that the log is in, until the cluster stops.
func (l *AuditLog) Path() string {
	return l.path
}

// Now returns a position after all requests that were answered before the call.
func (l *AuditLog) Now(ctx context.Context) (AuditPosition, error) {
	offset, err := l.size()
	if err != nil {
		return AuditPosition{}, err
	}
	return l.mark(ctx, offset)
}

// Since returns the requests that were answered between a position and the call.
// A watch is answered when it ends.
func (l *AuditLog) Since(ctx context.Context, from AuditPosition) ([]AuditEvent, error) {
	to, err := l.mark(ctx, from.offset)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(l.path)
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	return parseAudit(io.NewSectionReader(file, from.offset, to.offset-from.offset))
}

// size returns how long the log is, which may not exist before the first request.
func (l *AuditLog) size() (int64, error) {
	info, err := os.Stat(l.path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("looking at the audit log: %w", err)
	}
	return info.Size(), nil
}

// mark makes a request and waits until it is in the log, behind all that were
// answered before it. It returns the position after it.
func (l *AuditLog) mark(ctx context.Context, offset int64) (AuditPosition, error) {
	if err := l.cluster.Err(); err != nil {
		return AuditPosition{}, err
	}
	client, err := kubernetes.NewForConfig(l.cluster.admin)
	if err != nil {
		return AuditPosition{}, fmt.Errorf("making a client: %w", err)
	}
	mark := fmt.Sprintf("%s-%d-", auditMark, l.marks.Add(1))
	if err := client.RESTClient().Get().AbsPath("/version").Param("mark", mark).Do(ctx).Error(); err != nil {
		return AuditPosition{}, fmt.Errorf("marking the audit log: %w", err)
	}
	err = l.cluster.waitFor(ctx, "the audit log", func(context.Context) error {
		offset, err = findLine(l.path, offset, mark)
		return err
	})
	return AuditPosition{offset: offset}, err
}

// errNoSuchLine says that a line is not there yet.
var errNoSuchLine = errors.New("not written yet")

// findLine looks for a line that has a text, and returns the offset after it. If
// there is none, it returns the offset from which to look on.
func findLine(path string, offset int64, text string) (int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return offset, err
	}
	defer func() { _ = file.Close() }() // it was only read
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return offset, err
	}
	reader := bufio.NewReaderSize(file, 1<<20)
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return offset, errNoSuchLine
		}
		if err != nil {
			return offset, err
		}
		offset += int64(len(line))
		if bytes.Contains(line, []byte(text)) {
			return offset, nil
		}
	}
}

// parseAudit reads events, except for those of marks.
func parseAudit(log io.Reader) ([]AuditEvent, error) {
	var events []AuditEvent
	for decoder := json.NewDecoder(log); ; {
		var line auditLine
		err := decoder.Decode(&line)
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		if !strings.Contains(line.RequestURI, auditMark) {
			events = append(events, line.event())
		}
	}
}
