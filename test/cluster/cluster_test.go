package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
)

const (
	// startLimit bounds a start on a machine that does much else.
	startLimit = 3 * time.Minute
	// effectLimit bounds how long a controller may take to do something.
	effectLimit = time.Minute
)

// One cluster shows all that a cluster is there for: a start takes seconds.
func TestCluster(t *testing.T) {
	c := start(t, cluster.WithAudit(cluster.AuditRequest), cluster.WithCRDs("testdata"))
	admin := clientFor(t, c.AdminConfig())

	t.Run("garbage is collected", func(t *testing.T) { testGarbageCollection(t, c, admin) })
	t.Run("a deleted namespace goes away", func(t *testing.T) { testNamespaceDeletion(t, admin) })
	t.Run("cluster roles are aggregated", func(t *testing.T) { testAggregation(t, admin) })
	t.Run("a service account is itself", func(t *testing.T) { testServiceAccount(t, c, admin) })
	t.Run("a user is itself", func(t *testing.T) { testUser(t, c) })
	t.Run("a kubeconfig works", func(t *testing.T) { testKubeconfig(t, c) })
	t.Run("requests are in the audit log", func(t *testing.T) { testAudit(t, c, admin) })
	t.Run("the API server has endpoints", func(t *testing.T) { testAPIServerEndpoints(t, admin) })
	t.Run("it stops without a trace", func(t *testing.T) { testStop(t, c) })
}

// The owner is cluster-scoped and of a kind that Kubernetes does not have, as a
// SegmentationProfile is.
func testGarbageCollection(t *testing.T, c *cluster.Cluster, admin kubernetes.Interface) {
	ctx := t.Context()
	client, err := dynamic.NewForConfig(c.AdminConfig())
	noError(t, err)
	owners := client.Resource(schema.GroupVersionResource{Group: "test.segmentation.dev", Version: "v1", Resource: "owners"})
	owner := &unstructured.Unstructured{}
	owner.SetAPIVersion("test.segmentation.dev/v1")
	owner.SetKind("Owner")
	owner.SetName("owner")
	owner, err = owners.Create(ctx, owner, metav1.CreateOptions{})
	noError(t, err)
	dependent := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: "dependent",
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: owner.GetAPIVersion(), Kind: owner.GetKind(), Name: owner.GetName(), UID: owner.GetUID(),
		}},
	}}
	configMaps := admin.CoreV1().ConfigMaps(metav1.NamespaceDefault)
	_, err = configMaps.Create(ctx, dependent, metav1.CreateOptions{})
	noError(t, err)
	noError(t, owners.Delete(ctx, owner.GetName(), metav1.DeleteOptions{}))

	eventually(t, "the dependent is gone", func(ctx context.Context) error {
		_, err := configMaps.Get(ctx, dependent.Name, metav1.GetOptions{})
		return wantNotFound(err)
	})
}

func testNamespaceDeletion(t *testing.T, admin kubernetes.Interface) {
	ctx := t.Context()
	createNamespace(t, admin, "doomed")
	_, err := admin.CoreV1().ConfigMaps("doomed").Create(ctx,
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "content"}}, metav1.CreateOptions{})
	noError(t, err)
	noError(t, admin.CoreV1().Namespaces().Delete(ctx, "doomed", metav1.DeleteOptions{}))

	eventually(t, "the namespace is gone", func(ctx context.Context) error {
		_, err := admin.CoreV1().Namespaces().Get(ctx, "doomed", metav1.GetOptions{})
		return wantNotFound(err)
	})
}

func testAggregation(t *testing.T, admin kubernetes.Interface) {
	ctx := t.Context()
	labels := map[string]string{"test.segmentation.dev/aggregate": "true"}
	rules := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get"}}}
	for _, role := range []*rbacv1.ClusterRole{
		{
			ObjectMeta:      metav1.ObjectMeta{Name: "whole"},
			AggregationRule: &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: labels}}},
		},
		{ObjectMeta: metav1.ObjectMeta{Name: "part", Labels: labels}, Rules: rules},
	} {
		_, err := admin.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{})
		noError(t, err)
	}

	eventually(t, "the rules are aggregated", func(ctx context.Context) error {
		whole, err := admin.RbacV1().ClusterRoles().Get(ctx, "whole", metav1.GetOptions{})
		if err == nil && len(whole.Rules) != len(rules) {
			err = fmt.Errorf("it has the rules %v", whole.Rules)
		}
		return err
	})
}

func testServiceAccount(t *testing.T, c *cluster.Cluster, admin kubernetes.Interface) {
	createNamespace(t, admin, "accounts")
	// Every namespace has this one, which is what serviceaccount-controller is for.
	eventually(t, "there is a default service account", func(ctx context.Context) error {
		_, err := admin.CoreV1().ServiceAccounts("accounts").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	cfg, err := c.ServiceAccountConfig(t.Context(), "accounts", "default")
	noError(t, err)
	wantUser(t, cfg, "system:serviceaccount:accounts:default")
	wantForbidden(t, cfg)

	if _, err := c.ServiceAccountConfig(t.Context(), "accounts", "nobody"); !apierrors.IsNotFound(err) {
		t.Errorf("error for an account that does not exist = %v, want not found", err)
	}
}

func testUser(t *testing.T, c *cluster.Cluster) {
	cfg, err := c.UserConfig("jane", "developers")
	noError(t, err)
	wantUser(t, cfg, "jane")
	wantForbidden(t, cfg)
	wantUser(t, c.AdminConfig(), "admin")
}

func testKubeconfig(t *testing.T, c *cluster.Cluster) {
	account, err := c.ServiceAccountConfig(t.Context(), "accounts", "default")
	noError(t, err)
	for user, cfg := range map[string]*rest.Config{
		"admin":                                  c.AdminConfig(),
		"system:serviceaccount:accounts:default": account,
	} {
		path := filepath.Join(t.TempDir(), "kubeconfig")
		noError(t, cluster.WriteKubeconfig(path, cfg))
		read, err := clientcmd.BuildConfigFromFlags("", path)
		noError(t, err)
		wantUser(t, read, user)
	}
}

func testAudit(t *testing.T, c *cluster.Cluster, admin kubernetes.Interface) {
	ctx := t.Context()
	createNamespace(t, admin, "before")
	from, err := c.Audit().Now(ctx)
	noError(t, err)

	cfg, err := c.UserConfig("auditee")
	noError(t, err)
	user, written := clientFor(t, cfg), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "written"}}
	_, _ = user.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
	_, _ = user.CoreV1().Pods("default").Get(ctx, "x", metav1.GetOptions{})
	_, _ = user.CoreV1().ConfigMaps("default").Create(ctx, written, metav1.CreateOptions{})
	noError(t, user.Discovery().RESTClient().Get().AbsPath("/version").Do(ctx).Error())
	_, err = admin.CoreV1().ConfigMaps("default").Create(ctx, written, metav1.CreateOptions{})
	noError(t, err)
	acting := rest.CopyConfig(c.AdminConfig())
	acting.Impersonate = rest.ImpersonationConfig{UserName: "auditee"}
	_, _ = clientFor(t, acting).CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
	dryRun := metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}}
	_, err = admin.CoreV1().ConfigMaps("default").Update(ctx, written, dryRun)
	noError(t, err)

	events, err := c.Audit().Since(ctx, from)
	noError(t, err)
	want := []string{
		"auditee list pods default/ 403 write=false body=false",
		"auditee get pods default/x 403 write=false body=false",
		// Neither name nor body is read of what is forbidden.
		"auditee create configmaps default/ 403 write=true body=false",
		"auditee get  / 200 write=false body=false",
		"admin create configmaps default/written 201 write=true body=true",
		"admin as auditee list pods default/ 403 write=false body=false",
		"admin update configmaps default/written 200 write=false body=true",
	}
	var got []string
	for _, e := range events {
		if e.User == "auditee" || e.User == "admin" {
			who := e.User
			if e.Impersonated != "" {
				who += " as " + e.Impersonated
			}
			got = append(got, fmt.Sprintf("%s %s %s %s/%s %d write=%v body=%v",
				who, e.Verb, e.Resource, e.Namespace, e.Name, e.Code, e.IsWrite(), len(e.Body) > 0))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("events:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	for _, e := range events {
		if said := strings.Contains(e.Message, `User "auditee" cannot`); said != (e.Code == 403) {
			t.Errorf("%s: the message is %q", e, e.Message)
		}
	}

	all, err := c.Audit().Since(ctx, cluster.AuditPosition{})
	noError(t, err)
	if !slices.ContainsFunc(all, func(e cluster.AuditEvent) bool { return e.User == cluster.ManagerUser && e.IsWrite() }) {
		t.Error("nothing that the controllers did is in the whole log")
	}
}

// What a profile with an apiServer peer is compiled from.
func testAPIServerEndpoints(t *testing.T, admin kubernetes.Interface) {
	eventually(t, "default/kubernetes has an endpoint", func(ctx context.Context) error {
		slice, err := admin.DiscoveryV1().EndpointSlices(metav1.NamespaceDefault).Get(ctx, "kubernetes", metav1.GetOptions{})
		if err == nil && (len(slice.Endpoints) != 1 || len(slice.Ports) != 1) {
			err = fmt.Errorf("it has endpoints %v, ports %v", slice.Endpoints, slice.Ports)
		}
		return err
	})
}

func testStop(t *testing.T, c *cluster.Cluster) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// Clients that still watch must not hold up the end.
	watch, err := clientFor(t, c.AdminConfig()).CoreV1().Namespaces().Watch(ctx, metav1.ListOptions{})
	noError(t, err)
	defer watch.Stop()
	dir := filepath.Dir(c.Audit().Path())
	pids := processes(t, dir)
	if len(pids) != 3 {
		t.Fatalf("processes %v, want three", pids)
	}

	begin := time.Now()
	noError(t, c.Stop())
	t.Logf("stopped in %s", time.Since(begin).Round(time.Millisecond))
	wantGone(t, dir, pids)
	noError(t, c.Stop())
	if _, err := c.UserConfig("late"); err == nil || !strings.Contains(err.Error(), "was stopped") {
		t.Errorf("error after the end = %v, want one that says so", err)
	}
}

// start starts a cluster for a test, which takes a control plane that only the
// short tests can do without.
func start(t *testing.T, options ...cluster.Option) *cluster.Cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("a control plane takes seconds to start: not with -short")
	}
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	begin := time.Now()
	c, err := cluster.Start(ctx, append(options, cluster.WithProgress(func(step string) {
		t.Logf("%6s %s", time.Since(begin).Round(time.Millisecond), step)
	}))...)
	noError(t, err)
	t.Logf("%6s ready", time.Since(begin).Round(time.Millisecond))
	// Tests that kill a part of it get an error here, which is right.
	t.Cleanup(func() { _ = c.Stop() })
	return c
}

func clientFor(t *testing.T, cfg *rest.Config) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(cfg)
	noError(t, err)
	return client
}

func createNamespace(t *testing.T, client kubernetes.Interface, name string) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
	noError(t, err)
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantNotFound(err error) error {
	if err == nil {
		return errors.New("it is still there")
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// eventually waits until a check passes.
func eventually(t *testing.T, what string, check func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), effectLimit)
	defer cancel()
	begin := time.Now()
	for {
		err := check(ctx)
		if err == nil {
			t.Logf("%s after %s", what, time.Since(begin).Round(time.Millisecond))
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not true in %s: %s: %v", effectLimit, what, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// processes returns the ids of the processes that a cluster in a directory runs.
func processes(t *testing.T, dir string) []int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "pids", "*"))
	noError(t, err)
	var pids []int
	for _, file := range files {
		content, err := os.ReadFile(file)
		noError(t, err)
		var pid int
		_, err = fmt.Sscan(string(content), &pid)
		noError(t, err)
		noError(t, syscall.Kill(pid, 0))
		pids = append(pids, pid)
	}
	return pids
}

func wantGone(t *testing.T, dir string, pids []int) {
	t.Helper()
	for _, pid := range pids {
		eventually(t, fmt.Sprintf("process %d is gone", pid), func(context.Context) error { return wantNoProcess(pid) })
	}
	eventually(t, "the directory is gone", func(context.Context) error {
		_, err := os.Stat(dir)
		if err == nil {
			return fmt.Errorf("%s is there", dir)
		}
		if os.IsNotExist(err) {
			return nil
		}
		return err
	})
}

// wantNoProcess returns an error if a process runs. One that has ended and that
// nobody has waited for does not run: in a container without an init, that is
// what becomes of a process whose parent was killed.
func wantNoProcess(pid int) error {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return nil
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err == nil && strings.Contains(string(stat), ") Z ") {
		return nil
	}
	return fmt.Errorf("process %d runs", pid)
}
