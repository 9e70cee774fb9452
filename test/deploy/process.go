package deploy

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/rest"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
)

// readyTimeout is how long the operator may take until it is ready.
const readyTimeout = 30 * time.Second

// Process is the operator's process, one replica of it. It can be started again after it
// ended, and goes on with the same log.
type Process struct {
	binary, kubeconfig, logFile string
	namespace                   string
	probe, metrics              string
	cmd                         *exec.Cmd
	exited                      chan struct{}
	exit                        error
	// started is set from a start until somebody asks for the end.
	started bool
}

// NewProcess prepares a replica that talks to the API server by a configuration. Its files
// are in a directory, and have its name.
func NewProcess(binary, dir, name string, config *rest.Config) (*Process, error) {
	p := &Process{
		namespace: Namespace,
		binary:    binary, kubeconfig: filepath.Join(dir, name+".kubeconfig"), logFile: filepath.Join(dir, name+".log"),
	}
	if err := cluster.WriteKubeconfig(p.kubeconfig, config); err != nil {
		return nil, err
	}
	var err error
	if p.probe, err = freeAddress(); err != nil {
		return nil, err
	}
	p.metrics, err = freeAddress()
	return p, err
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// In has the operator take another namespace than Namespace for its own, from the next start.
func (p *Process) In(namespace string) *Process {
	p.namespace = namespace
	return p
}

// Metrics returns the address of the operator's metrics.
func (p *Process) Metrics() string { return p.metrics }

// PID returns the number of the operator's process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Start starts the operator and waits until it says that it is ready.
func (p *Process) Start(flags ...string) error {
	if err := p.Launch(flags...); err != nil {
		return err
	}
	return p.WaitReady(readyTimeout)
}

// Launch starts the operator and waits for nothing. Flags come after the usual ones, so they
// win.
func (p *Process) Launch(flags ...string) error {
	log, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	p.cmd = exec.Command(p.binary, append([]string{
		"--kubeconfig=" + p.kubeconfig,
		"--leader-elect",
		"--leader-election-namespace=" + p.namespace,
		"--health-probe-bind-address=" + p.probe,
		"--metrics-bind-address=" + p.metrics,
		"--zap-log-level=1",
		// There are no pods of an engine in a cluster without nodes.
		"--network-engine=calico@3.32",
	}, flags...)...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = append(os.Environ(), "POD_NAMESPACE="+p.namespace)
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.started, p.exited = true, make(chan struct{})
	go func(cmd *exec.Cmd, exited chan<- struct{}) {
		defer close(exited)
		p.exit = cmd.Wait()
	}(p.cmd, p.exited)
	return nil
}

// WaitReady waits until the operator says that it is ready.
func (p *Process) WaitReady(timeout time.Duration) error {
	deadline := time.After(timeout)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.exited:
			p.PrintLog()
			return fmt.Errorf("the operator ended: %w", p.exit)
		case <-deadline:
			p.PrintLog()
			return errors.New("the operator is not ready in time")
		case <-tick.C:
			if p.Get("/readyz") == http.StatusOK {
				return nil
			}
		}
	}
}

// Get asks the health endpoint, and returns the code of the answer, 0 if there is none.
func (p *Process) Get(path string) int {
	response, err := http.Get("http://" + p.probe + path)
	if err != nil {
		return 0
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode
}

// Stop asks the operator to end and waits until it has.
func (p *Process) Stop() error {
	p.started = false
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return p.exit
	case <-time.After(readyTimeout):
		p.Kill()
		return errors.New("the operator did not end in time")
	}
}

// Kill ends the operator without asking, and waits until it is gone.
func (p *Process) Kill() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	p.started = false
	_ = p.cmd.Process.Kill() // It may be gone already.
	<-p.exited
}

// Died tells whether the operator has ended and nobody asked it to.
func (p *Process) Died() bool {
	if !p.started {
		return false
	}
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// Logged counts the lines of the log that have all of the texts in them.
func (p *Process) Logged(texts ...string) int {
	content, err := os.ReadFile(p.logFile)
	if err != nil {
		return 0
	}
	n := 0
	for line := range strings.Lines(string(content)) {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
			n++
		}
	}
	return n
}

// PrintLog prints the end of the log.
func (p *Process) PrintLog() {
	content, err := os.ReadFile(p.logFile)
	if err != nil {
		return
	}
	const most = 30_000
	fmt.Fprintf(os.Stderr, "the operator's log (its end):\n%s\n", content[max(0, len(content)-most):])
}
