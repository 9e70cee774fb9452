package operator

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

// process is the operator's process.
type process struct {
	binary, kubeconfig, logFile string
	probe, metrics              string
	cmd                         *exec.Cmd
	exited                      chan error
}

func newProcess(binary, dir string, config *rest.Config) (*process, error) {
	p := &process{binary: binary, kubeconfig: filepath.Join(dir, "kubeconfig"), logFile: filepath.Join(dir, "operator.log")}
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

// start starts the operator and waits until it says that it is ready.
func (p *process) start(flags ...string) error {
	log, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	p.cmd = exec.Command(p.binary, append([]string{
		"--kubeconfig=" + p.kubeconfig,
		"--leader-elect",
		"--leader-election-namespace=" + systemNamespace,
		"--health-probe-bind-address=" + p.probe,
		"--metrics-bind-address=" + p.metrics,
		"--zap-log-level=1",
	}, flags...)...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = append(os.Environ(), "POD_NAMESPACE="+systemNamespace)
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.exited = make(chan error, 1)
	go func(cmd *exec.Cmd, exited chan<- error) { exited <- cmd.Wait() }(p.cmd, p.exited)
	return p.waitReady(30 * time.Second)
}

func (p *process) waitReady(timeout time.Duration) error {
	deadline := time.After(timeout)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-p.exited:
			p.printLog()
			return fmt.Errorf("the operator ended: %w", err)
		case <-deadline:
			p.printLog()
			return errors.New("the operator is not ready in time")
		case <-tick.C:
			if p.get("/readyz") == http.StatusOK {
				return nil
			}
		}
	}
}

// get asks the health endpoint.
func (p *process) get(path string) int {
	response, err := http.Get("http://" + p.probe + path)
	if err != nil {
		return 0
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode
}

// stop asks the operator to end and waits until it has.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-p.exited:
		return err
	case <-time.After(30 * time.Second):
		p.kill()
		return errors.New("the operator did not end in time")
	}
}

// kill ends the operator without asking.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
}

// logged counts the lines of the log that have all of the texts in them.
func (p *process) logged(texts ...string) int {
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

func (p *process) printLog() {
	content, err := os.ReadFile(p.logFile)
	if err != nil {
		return
	}
	const most = 30_000
	fmt.Fprintf(os.Stderr, "the operator's log (its end):\n%s\n", content[max(0, len(content)-most):])
}
