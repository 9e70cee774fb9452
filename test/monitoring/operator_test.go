package monitoring

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// operator is a running operator whose metrics are read.
type operator struct {
	*deploy.Process

	admin client.Client
	token string
}

// startOperator starts a control plane, and the operator under its own service account.
func startOperator(t *testing.T) *operator {
	t.Helper()
	if err := deploy.DependOnSources(); err != nil {
		t.Fatal(err)
	}
	root := repository(t)
	plane := must(cluster.Start(t.Context(), cluster.WithCRDs(filepath.Join(root, "config", "crd", "bases"))))(t)
	t.Cleanup(func() { _ = plane.Stop() })
	scheme := must(deploy.Scheme())(t)
	admin := must(client.New(plane.AdminConfig(), client.Options{Scheme: scheme}))(t)
	if err := deploy.Install(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	binary := must(deploy.Build(t.Context(), dir))(t)
	config := must(plane.ServiceAccountConfig(t.Context(), deploy.Namespace, deploy.ServiceAccount))(t)
	o := &operator{Process: must(deploy.NewProcess(binary, dir, "operator", config))(t), admin: admin}
	if err := o.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		o.Kill()
		if t.Failed() {
			o.PrintLog()
		}
	})
	o.token = o.scraper(t, plane)
	return o
}

// must returns a value, or ends the test.
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// scraper makes Prometheus' service account, as config/rbac/metrics.yaml says, and returns its token.
func (o *operator) scraper(t *testing.T, plane *cluster.Cluster) string {
	t.Helper()
	o.create(t,
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: deploy.Namespace, Name: "prometheus"}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "prometheus-reads-segmentation-operator"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "segmentation-operator-metrics-reader"},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: deploy.Namespace, Name: "prometheus"}},
		})
	return must(plane.ServiceAccountConfig(t.Context(), deploy.Namespace, "prometheus"))(t).BearerToken
}

// metrics reads the operator's metrics, in the text format.
func (o *operator) metrics(ctx context.Context) ([]byte, error) {
	// The operator serves a certificate that it signs itself.
	insecure := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+o.Metrics()+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+o.token)
	response, err := insecure.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("metrics: %s", response.Status)
	}
	return io.ReadAll(response.Body)
}

// scrape reads the metrics into the storage, as soon as they are served.
func (o *operator) scrape(t *testing.T, into *memory) {
	t.Helper()
	o.wait(t, "metrics that can be read", func(ctx context.Context) bool {
		text, err := o.metrics(ctx)
		return err == nil && into.scrape(text) == nil
	})
}

// wait waits until something is so.
func (o *operator) wait(t *testing.T, what string, isSo func(context.Context) bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		return isSo(ctx), nil
	})
	if err != nil {
		t.Fatalf("no %s: %v", what, err)
	}
}

func (o *operator) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, obj := range objects {
		if err := o.admin.Create(t.Context(), obj); err != nil {
			t.Fatalf("creating %T %s: %v", obj, obj.GetName(), err)
		}
	}
}

// shop is a profile of which everything is measured: a role above the ceiling, and a namespace that two tiers
// select.
func shop() *v1alpha1.SegmentationProfile {
	developers := builders.Group("developers")
	return builders.MakeProfile("shop").
		Role(builders.MakeRole("viewer").Read("pods").Obj()).
		Role(builders.MakeRole("reader").Read("secrets").Obj()).
		Tier(
			builders.MakeTier("web").Names("web", "both").Access("viewer", developers).Obj(),
			builders.MakeTier("data").Selector(map[string]string{"layer": "data"}).Access("reader", developers).Obj(),
		).Obj()
}

// live has happen to the operator what there are metrics for, and reads them in between.
func (o *operator) live(t *testing.T, into *memory) {
	t.Helper()
	o.scrape(t, into)
	layer := map[string]string{"layer": "data"}
	o.create(t, namespace("web", nil), namespace("data", layer), namespace("both", layer), shop())
	o.wait(t, "namespace of the tier web", o.isMember("web"))
	o.wait(t, "finding", func(ctx context.Context) bool {
		var p v1alpha1.SegmentationProfile
		err := o.admin.Get(ctx, client.ObjectKey{Name: "shop"}, &p)
		return err == nil && p.Status.FindingsTotal >= 2 && meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionConflicted)
	})
	o.scrape(t, into)
	drift := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "segmentation"}}
	if err := o.admin.Delete(t.Context(), drift); err != nil {
		t.Fatal(err)
	}
	o.wait(t, "policy that was deleted", func(ctx context.Context) bool {
		return o.admin.Get(ctx, client.ObjectKeyFromObject(drift), &networkingv1.NetworkPolicy{}) == nil
	})
	o.create(t, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "debug"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "mallory"}},
	})
	o.wait(t, "undeclared access", func(ctx context.Context) bool {
		var p v1alpha1.SegmentationProfile
		return o.admin.Get(ctx, client.ObjectKey{Name: "shop"}, &p) == nil && p.Status.UndeclaredAccess.RoleBindings > 0
	})
	o.create(t, namespace("late", layer))
	o.wait(t, "namespace that came late", o.isMember("late"))
	for range 2 {
		o.scrape(t, into)
	}
}

func (o *operator) isMember(name string) func(context.Context) bool {
	return func(ctx context.Context) bool {
		var n corev1.Namespace
		return o.admin.Get(ctx, client.ObjectKey{Name: name}, &n) == nil && n.Labels[v1alpha1.ProfileLabel] == "shop"
	}
}

func namespace(name string, labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}
