package gitops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Where the operator is installed.
const (
	operatorNamespace = "segmentation-system"
	operatorName      = "segmentation-operator"
)

// kubelet runs the operator's pods as processes of this machine, as their own service account and with their own
// arguments, tells the API server when they are ready, and ends them when they are gone.
type kubelet struct {
	plane *plane
	dir   string
	lock  sync.Mutex
	pods  map[types.UID]*podProcess
}

// podProcess is one replica of the operator.
type podProcess struct {
	command *exec.Cmd
	probe   string
	log     bytes.Buffer
	ready   bool
}

// startKubelet runs the pods that there are and will be, until the test ends.
func startKubelet(t *testing.T, p *plane) *kubelet {
	t.Helper()
	k := &kubelet{plane: p, dir: t.TempDir(), pods: map[types.UID]*podProcess{}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
			k.step(ctx)
			return false, nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		for _, pod := range k.pods {
			pod.end()
			if t.Failed() {
				const most = 20_000
				t.Logf("the operator's log (its end):\n%s", pod.log.Bytes()[max(0, pod.log.Len()-most):])
			}
		}
	})
	return k
}

// step does what there is to do now. What fails is tried again.
func (k *kubelet) step(ctx context.Context) {
	k.lock.Lock()
	defer k.lock.Unlock()
	list, err := k.plane.clients.CoreV1().Pods(operatorNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return
	}
	there := map[types.UID]bool{}
	for i := range list.Items {
		pod := &list.Items[i]
		there[pod.UID] = true
		if k.pods[pod.UID] == nil {
			if process, err := k.run(ctx, pod); err == nil {
				k.pods[pod.UID] = process
			}
			continue
		}
		k.probe(ctx, pod, k.pods[pod.UID])
	}
	for uid, process := range k.pods {
		if !there[uid] {
			process.end()
			delete(k.pods, uid)
		}
	}
}

// running is how many replicas of the operator run.
func (k *kubelet) running() int {
	k.lock.Lock()
	defer k.lock.Unlock()
	return len(k.pods)
}

func (k *kubelet) run(ctx context.Context, pod *corev1.Pod) (*podProcess, error) {
	account, err := k.plane.as(ctx, pod.Namespace, pod.Spec.ServiceAccountName)
	if err != nil {
		return nil, err
	}
	kubeconfig := filepath.Join(k.dir, string(pod.UID))
	if err := writeKubeconfig(kubeconfig, account); err != nil {
		return nil, err
	}
	probe, err := freeAddress()
	if err != nil {
		return nil, err
	}
	process := &podProcess{probe: probe}
	// Of a flag that is given twice the last counts: replicas share this machine's ports.
	args := append(append([]string(nil), pod.Spec.Containers[0].Args...),
		"--kubeconfig="+kubeconfig, "--health-probe-bind-address="+probe, "--metrics-bind-address=0",
		// There are no pods of an engine in a cluster without nodes.
		"--network-engine=calico")
	process.command = exec.Command(filepath.Join(programs, "operator"), args...)
	process.command.Env = append(os.Environ(), "POD_NAMESPACE="+pod.Namespace)
	process.command.Stdout, process.command.Stderr = &process.log, &process.log
	return process, process.command.Start()
}

// probe tells the API server when a pod is ready.
func (k *kubelet) probe(ctx context.Context, pod *corev1.Pod, process *podProcess) {
	if process.ready || !answers(ctx, "http://"+process.probe+"/readyz") {
		return
	}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{
		{Type: corev1.ContainersReady, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: corev1.ConditionTrue},
	}
	_, err := k.plane.clients.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	process.ready = err == nil
}

func answers(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode == http.StatusOK
}

// end ends a process as a kubelet does: first it asks.
func (p *podProcess) end() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.command.Wait() // That it ended is what matters.
	}()
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		_ = p.command.Process.Kill()
		<-ended
	}
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	address := listener.Addr().String()
	return address, listener.Close()
}

func writeKubeconfig(path string, config *rest.Config) error {
	if config.BearerToken == "" {
		return errors.New("no token")
	}
	const name = "segmentation"
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters[name] = &clientcmdapi.Cluster{
		Server: config.Host, CertificateAuthority: config.CAFile, CertificateAuthorityData: config.CAData,
	}
	kubeconfig.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	kubeconfig.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	kubeconfig.CurrentContext = name
	if err := clientcmd.WriteToFile(*kubeconfig, path); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return nil
}
