package gitops

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// patience is how long anything that is waited for may take: far more than it does on a machine that does nothing else.
const patience = 3 * time.Minute

// controllers make pods of a Deployment, and look after its PodDisruptionBudget, which has a health for Argo CD.
const controllers = "deployment-controller,replicaset-controller,disruption-controller"

// plane is a control plane.
type plane struct {
	admin   *rest.Config
	clients kubernetes.Interface
	objects dynamic.Interface
}

// startPlane starts a control plane, and ends it with the test.
func startPlane(t *testing.T) *plane {
	t.Helper()
	needsCluster(t)
	process := exec.Command(filepath.Join(programs, "cluster"), "--controllers="+controllers)
	process.Stderr = os.Stderr
	input, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close() // It ends when its input does.
		if err := process.Wait(); err != nil {
			t.Errorf("the control plane: %v", err)
		}
	})
	kubeconfig, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the control plane did not start: %v", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", strings.TrimSpace(kubeconfig))
	if err != nil {
		t.Fatal(err)
	}
	return newPlane(t, config)
}

func newPlane(t *testing.T, config *rest.Config) *plane {
	t.Helper()
	config.QPS = -1
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return &plane{admin: config, clients: clients, objects: objects}
}

// profiles are the SegmentationProfiles.
func (p *plane) profiles() dynamic.ResourceInterface {
	return p.objects.Resource(schema.GroupVersionResource{Group: "segmentation.dev", Version: "v1alpha1", Resource: "segmentationprofiles"})
}

// as returns the configuration of a service account.
func (p *plane) as(ctx context.Context, namespace, name string) (*rest.Config, error) {
	seconds := int64(24 * 60 * 60)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	answer, err := p.clients.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	config := rest.AnonymousClientConfig(p.admin)
	config.BearerToken, config.QPS = answer.Status.Token, -1
	return config, nil
}

// createArgoUser creates the account that Argo CD syncs as, with the rights that its manifests give it.
func (p *plane) createArgoUser(t *testing.T) *rest.Config {
	t.Helper()
	ctx := t.Context()
	account := metav1.ObjectMeta{Namespace: argoNamespace, Name: "argocd-application-controller"}
	everything := metav1.ObjectMeta{Name: account.Name}
	_, err := p.clients.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: argoNamespace}}, metav1.CreateOptions{})
	check(t, err)
	_, err = p.clients.CoreV1().ServiceAccounts(argoNamespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: account}, metav1.CreateOptions{})
	check(t, err)
	_, err = p.clients.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: everything, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}, {NonResourceURLs: []string{"*"}, Verbs: []string{"*"}},
	}}, metav1.CreateOptions{})
	check(t, err)
	_, err = p.clients.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: everything,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: everything.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: account.Namespace, Name: account.Name}},
	}, metav1.CreateOptions{})
	check(t, err)
	config, err := p.as(ctx, account.Namespace, account.Name)
	check(t, err)
	return config
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until a function no longer finds a reason why something is not so.
func eventually(t *testing.T, what string, reason func(context.Context) string) {
	t.Helper()
	var last string
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		last = reason(ctx)
		return last == "", nil
	})
	if err != nil {
		t.Fatalf("waiting until %s: %v: %s", what, err, last)
	}
}
