package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
)

// Who the operator is: see config/rbac/service_account.yaml.
const (
	operatorNamespace = "segmentation-system"
	operatorAccount   = "segmentation-operator"
)

const (
	// stopTimeout is how long the operator may take to finish what it has begun.
	stopTimeout = 10 * time.Second
	// logTailLines is how much of the operator's log becomes part of an error, and
	// logLineWidth how much of each line: errors come with stack traces.
	logTailLines = 12
	logLineWidth = 400
)

// operator is the running operator.
type operator struct {
	process *exec.Cmd
	log     string
	done    chan struct{}
}

// startOperator runs the operator as its Deployment would, under its own service account,
// and waits until it says that it is ready.
func (d *demo) startOperator(ctx context.Context) error {
	d.screen.stepf("Starting the operator as its own service account, %s/%s", operatorNamespace, operatorAccount)
	kubeconfig := d.dir.file("operator.kubeconfig")
	config, err := d.cluster.ServiceAccountConfig(ctx, operatorNamespace, operatorAccount)
	if err != nil {
		return err
	}
	if err := cluster.WriteKubeconfig(kubeconfig, config); err != nil {
		return err
	}
	probe, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	process := exec.Command(d.options.operator,
		"--kubeconfig="+kubeconfig,
		"--leader-elect",
		// A process that runs in no pod cannot tell by itself.
		"--leader-election-namespace="+operatorNamespace,
		"--health-probe-bind-address="+probe,
		// There are no pods in this cluster among which it could be found.
		"--network-engine=calico")
	process.Env = append(os.Environ(), "POD_NAMESPACE="+operatorNamespace)
	if d.operator, err = startProcess(process, d.operatorLog()); err != nil {
		return err
	}
	if err := d.dir.tell(process.Process.Pid); err != nil {
		return err
	}
	d.screen.notef("its log: %s", d.operator.log)
	return d.until(ctx, "the operator to be ready", func(ctx context.Context) error { return get(ctx, "http://"+probe+"/readyz") })
}

func (d *demo) operatorLog() string {
	if d.options.logs != "" {
		return filepath.Join(d.options.logs, "operator.log")
	}
	return d.dir.file("operator.log")
}

// startProcess starts the operator out of the terminal's reach: an interrupt is for the
// demo, which stops things in their order.
func startProcess(process *exec.Cmd, log string) (*operator, error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("making the operator's log: %w", err)
	}
	defer file.Close() // the operator has a copy of its own
	process.Stdout, process.Stderr = file, file
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("starting the operator: %w", err)
	}
	o := &operator{process: process, log: log, done: make(chan struct{})}
	go func() {
		defer close(o.done)
		_ = process.Wait() // its state says how it ended
	}()
	return o, nil
}

// died returns an error if the operator has ended.
func (o *operator) died() error {
	select {
	case <-o.done:
		return fmt.Errorf("the operator has ended by itself (%s); %s", o.process.ProcessState, o.lastWords())
	default:
		return nil
	}
}

// lastWords are the end of the operator's log.
func (o *operator) lastWords() string {
	content, err := os.ReadFile(o.log)
	if err != nil {
		return fmt.Sprintf("the operator's log cannot be read: %v", err)
	}
	return "the operator's log ends with:\n" + tail(string(content), logTailLines)
}

// tail returns the beginnings of the last lines of a text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	lines = lines[max(0, len(lines)-n):]
	for i := range lines {
		lines[i] = shorten(lines[i], logLineWidth)
	}
	return strings.Join(lines, "\n")
}

// shorten cuts off what goes beyond a width.
func shorten(text string, width int) string {
	if letters := []rune(text); len(letters) > width {
		return string(letters[:width-1]) + "…"
	}
	return text
}

// stop ends the operator, gently at first.
func (o *operator) stop() error {
	for _, attempt := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := o.process.Process.Signal(attempt); errors.Is(err, os.ErrProcessDone) {
			break
		}
		select {
		case <-o.done:
			return nil
		case <-time.After(stopTimeout):
		}
	}
	select {
	case <-o.done:
		return nil
	case <-time.After(stopTimeout):
		return errors.New("the operator still runs after it was killed")
	}
}

// freeAddress returns an address on the loopback interface that nothing listens on now.
func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}

// get asks for a page, and returns an error unless the answer is that all is well.
func get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}
