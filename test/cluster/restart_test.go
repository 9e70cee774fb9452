package cluster_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
)

func TestRestarts(t *testing.T) {
	c := start(t, cluster.WithAudit(cluster.AuditMetadata))
	admin := clientFor(t, c.AdminConfig())
	createNamespace(t, admin, "before")
	eventually(t, "there is a default service account", func(ctx context.Context) error {
		_, err := admin.CoreV1().ServiceAccounts("before").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	token, err := c.ServiceAccountConfig(t.Context(), "before", "default")
	noError(t, err)

	t.Run("the API server", func(t *testing.T) { testRestart(t, c, admin, token, c.RestartAPIServer) })
	t.Run("etcd", func(t *testing.T) { testRestart(t, c, admin, token, c.RestartEtcd) })
	t.Run("it ends with its context", func(t *testing.T) { testRestartEndsWithItsContext(t, c) })
}

func testRestart(
	t *testing.T, c *cluster.Cluster, admin kubernetes.Interface, token *rest.Config, restart func(context.Context) error,
) {
	from, err := c.Audit().Now(t.Context())
	noError(t, err)
	version := versionOf(t, admin, "before")
	refused := watchOutage(t, admin)
	begin := time.Now()
	noError(t, restart(t.Context()))
	took := time.Since(begin)
	t.Logf("restarted in %s", took.Round(time.Millisecond))
	if longest, err := refused(); err == nil && longest < took/4 {
		t.Errorf("no request failed meanwhile, and none took longer than %s, so nothing was restarted", longest)
	}

	// Addresses, keys and data are those of before.
	if got := versionOf(t, admin, "before"); got != version {
		t.Errorf("the namespace has version %s, had %s", got, version)
	}
	wantUser(t, token, "system:serviceaccount:before:default")
	testUser(t, c)
	events, err := c.Audit().Since(t.Context(), from)
	noError(t, err)
	if len(events) == 0 {
		t.Error("nothing is in the audit log")
	}
	testControllersGoOn(t, admin)
	noError(t, c.Err())
}

func versionOf(t *testing.T, client kubernetes.Interface, namespace string) string {
	t.Helper()
	got, err := client.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	noError(t, err)
	return got.ResourceVersion
}

// watchOutage writes until it is told to stop, and returns the error that came meanwhile, and how long the
// slowest request took: a short outage of etcd the API server sits out.
func watchOutage(t *testing.T, client kubernetes.Interface) (stop func() (time.Duration, error)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	found := make(chan error, 1)
	var longest time.Duration
	go func() {
		for {
			begin := time.Now()
			attempt, done := context.WithTimeout(ctx, time.Second)
			dryRun := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
			object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "x-"}}
			_, err := client.CoreV1().ConfigMaps("before").Create(attempt, object, dryRun)
			done()
			longest = max(longest, time.Since(begin))
			if ctx.Err() != nil {
				found <- nil
				return
			}
			if err != nil {
				found <- err
				return
			}
		}
	}()
	return func() (time.Duration, error) {
		cancel()
		err := <-found
		return longest, err
	}
}

func testControllersGoOn(t *testing.T, admin kubernetes.Interface) {
	t.Helper()
	created, err := admin.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "after-"}}, metav1.CreateOptions{})
	noError(t, err)
	eventually(t, "the controllers are at work again", func(ctx context.Context) error {
		_, err := admin.CoreV1().ServiceAccounts(created.Name).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// It leaves a dead cluster behind.
func testRestartEndsWithItsContext(t *testing.T, c *cluster.Cluster) {
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := c.RestartAPIServer(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want %v", err, context.DeadlineExceeded)
	}
	eventually(t, "the cluster says that it is dead", func(context.Context) error {
		if c.Err() == nil {
			return errors.New("it does not")
		}
		return nil
	})
	if err := c.RestartEtcd(t.Context()); err == nil || !strings.Contains(err.Error(), "has ended by itself") {
		t.Errorf("error = %v, want one that says that the cluster is dead", err)
	}
}
