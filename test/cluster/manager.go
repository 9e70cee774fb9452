package cluster

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// controllers are those that this project's promises depend on; they always run.
var controllers = []string{
	"garbage-collector-controller",
	"namespace-controller",
	"clusterrole-aggregation-controller",
	"serviceaccount-controller",
}

// ManagerUser is the user that the controllers of kube-controller-manager act as,
// all of them: audit events of this user are Kubernetes' own.
const ManagerUser = "system:kube-controller-manager"

// manager is a running kube-controller-manager.
type manager struct {
	process *exec.Cmd
	done    chan struct{}
}

// startManager starts the controllers and waits until they have done their first
// work.
func (c *Cluster) startManager(ctx context.Context) error {
	if !c.settings.controller {
		return nil
	}
	c.settings.progress("starting kube-controller-manager")
	process, err := c.managerCommand()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", controllerManager, err)
	}
	m := &manager{process: process, done: make(chan struct{})}
	go func() {
		defer close(m.done)
		_ = process.Wait() // that it ended is what matters, and its log says why
	}()
	c.manager = m
	return c.waitForControllers(ctx)
}

func (c *Cluster) managerCommand() (*exec.Cmd, error) {
	path, err := c.launcher(controllerManager)
	if err != nil {
		return nil, err
	}
	// Without credentials of their own for each, the controllers need all that any
	// of them needs.
	user, err := c.newUser(ManagerUser, "system:masters")
	if err != nil {
		return nil, err
	}
	kubeconfig := c.dir.file("controller-manager.kubeconfig")
	if err := WriteKubeconfig(kubeconfig, user); err != nil {
		return nil, err
	}
	// Of a flag that is given twice, the last counts.
	process := exec.Command(path, append([]string{
		"--kubeconfig=" + kubeconfig,
		"--controllers=" + strings.Join(slices.Concat(controllers, c.settings.moreControllers), ","),
		"--use-service-account-credentials=false",
		"--leader-elect=false",
		// Nothing to listen on: what the controllers have done tells that they are ready.
		"--secure-port=0",
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
	}, c.settings.managerFlags...)...)
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	process.Stdout, process.Stderr = c.logs.files[controllerManager], c.logs.files[controllerManager]
	return process, nil
}

// waitForControllers waits for the first work of the controllers: a default
// service account, and the rules of the roles that users are given.
func (c *Cluster) waitForControllers(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.admin)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	return c.waitFor(ctx, "the controllers to do their first work", func(ctx context.Context) error {
		_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		if err != nil {
			return err
		}
		return checkAggregation(ctx, client)
	})
}

// checkAggregation returns an error as long as one of the roles that are
// aggregated in every cluster has yet to get its rules.
func checkAggregation(ctx context.Context, client kubernetes.Interface) error {
	for _, name := range []string{"view", "edit", "admin"} {
		role, err := client.RbacV1().ClusterRoles().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if len(role.Rules) == 0 {
			return fmt.Errorf("cluster role %s is empty", name)
		}
	}
	return nil
}

// stopManager kills the controllers: they keep nothing that a gentle end would
// save.
func (c *Cluster) stopManager() error {
	if c.manager == nil {
		return nil
	}
	return c.manager.kill()
}

// ended tells whether the process is gone.
func (m *manager) ended() bool {
	select {
	case <-m.done:
		return true
	default:
		return false
	}
}

func (m *manager) kill() error {
	err := syscall.Kill(-m.process.Process.Pid, syscall.SIGKILL)
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stopping %s: %w", controllerManager, err)
	}
	<-m.done
	return nil
}
