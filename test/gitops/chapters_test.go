package gitops

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/argoproj/gitops-engine/pkg/health"
	synccommon "github.com/argoproj/gitops-engine/pkg/sync/common"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// peaceful is how long nothing is to happen.
const peaceful = 5 * time.Second

// peace lets Argo CD's self-heal and the operator run side by side: neither finds anything to do.
func peace(t *testing.T, app *application) {
	before := app.versions(t)
	end := time.After(peaceful)
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-end:
			same(t, before, app.versions(t))
			return
		case <-again.C:
			if app.heal(t) {
				t.Error("Argo CD found something to sync")
			}
		}
	}
}

// mended has a person change what git has, so that a namespace leaves its tier and a profile admits pods early. Argo CD
// takes it back, the operator has the namespace join anew, and then both are at rest.
func mended(t *testing.T, app *application) {
	const name = "shop-api-orders"
	namespaces := app.plane.clients.CoreV1().Namespaces()
	versions, stop := app.countVersions(t, name)
	_, err := namespaces.Patch(t.Context(), name, types.MergePatchType, []byte(`{"metadata":{"labels":{"layer":null}}}`), metav1.PatchOptions{})
	check(t, err)
	_, err = app.plane.profiles().Patch(t.Context(), "shop", types.MergePatchType, []byte(`{"spec":{"admission":"Standard"}}`), metav1.PatchOptions{})
	check(t, err)
	eventually(t, "the operator takes the namespace's labels off", func(ctx context.Context) string {
		namespace, err := namespaces.Get(ctx, name, metav1.GetOptions{})
		check(t, err)
		return namespace.Labels["segmentation.dev/tier"]
	})
	eventually(t, "Argo CD finds both", func(context.Context) string {
		if c := app.compare(t); c.of("Namespace", name).synced || c.of("SegmentationProfile", "shop").synced {
			return "they are in sync"
		}
		return ""
	})
	app.heal(t)
	app.settled(t, health.HealthStatusHealthy)
	namespace, err := namespaces.Get(t.Context(), name, metav1.GetOptions{})
	check(t, err)
	if namespace.Labels["layer"] != "api" || namespace.Labels["segmentation.dev/tier"] != "api" {
		t.Errorf("the namespace has the labels %v", namespace.Labels)
	}
	peace(t, app)
	stop()
	// The person's change, the operator's removal of two labels, Argo CD's change and the operator's addition: each of
	// the operator's may take two writes.
	if n := <-versions; n < 4 || n > 6 {
		t.Errorf("the namespace was written %d times", n)
	}
}

// countVersions counts how often a namespace is written, until it is stopped.
func (a *application) countVersions(t *testing.T, name string) (versions <-chan int, stop func()) {
	t.Helper()
	now, err := a.plane.clients.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{})
	check(t, err)
	watcher, err := a.plane.clients.CoreV1().Namespaces().Watch(t.Context(), metav1.ListOptions{
		FieldSelector: "metadata.name=" + name, ResourceVersion: now.ResourceVersion,
	})
	check(t, err)
	counted := make(chan int, 1)
	go func() {
		n := 0
		for range watcher.ResultChan() {
			n++
		}
		counted <- n
	}()
	return counted, watcher.Stop
}

// withGit tells a part of the story with another state of git, and goes back to the old one.
func (a *application) withGit(t *testing.T, git []*unstructured.Unstructured, tell func()) {
	t.Helper()
	before := a.git
	defer func() { a.git = before }()
	a.git = git
	tell()
}

// changed are the manifests of git with one of them changed.
func (a *application) changed(kind, name string, change func(*unstructured.Unstructured)) []*unstructured.Unstructured {
	out := slices.Clone(a.git)
	for i, obj := range out {
		if obj.GetKind() == kind && obj.GetName() == name {
			out[i] = obj.DeepCopy()
			change(out[i])
		}
	}
	return out
}

// degraded adds a tier that selects namespaces of another one.
func degraded(t *testing.T, app *application) {
	overlapping := app.changed("SegmentationProfile", "shop", func(profile *unstructured.Unstructured) {
		tiers, _, err := unstructured.NestedSlice(profile.Object, "spec", "tiers")
		check(t, err)
		check(t, unstructured.SetNestedSlice(profile.Object, append(tiers, map[string]any{
			"name":       "payments",
			"namespaces": map[string]any{"names": []any{"shop-api-payments"}},
		}), "spec", "tiers"))
	})
	app.withGit(t, overlapping, func() {
		o := app.sync(t)
		if o.phase != synccommon.OperationFailed || !strings.Contains(o.failures(), "shop-api-payments") {
			t.Errorf("the sync, of which the next wave needs the profile, is %s: %s%s", o.phase, o.message, o.failures())
		}
		got := app.settled(t, health.HealthStatusDegraded).of("SegmentationProfile", "shop").health
		t.Logf("%s: %s", got.Status, got.Message)
		for _, word := range []string{"TiersOverlap", "namespace shop-api-payments", "api", "payments"} {
			if !strings.Contains(got.Message, word) {
				t.Errorf("the message does not say %q: %s", word, got.Message)
			}
		}
	})
	app.sync(t).succeeded(t)
	app.settled(t, health.HealthStatusHealthy)
}

// refused names a tier that is not there. Argo CD that compares on the server is told so already when it compares, which
// is an error of the Application; one that does not is told when it syncs.
func refused(t *testing.T, app *application) {
	const says = "names cache, which spec.tiers does not have"
	wrong := app.changed("SegmentationProfile", "shop", func(profile *unstructured.Unstructured) {
		dependencies, _, err := unstructured.NestedSlice(profile.Object, "spec", "dependencies")
		check(t, err)
		check(t, unstructured.SetNestedSlice(profile.Object, append(dependencies, map[string]any{
			"name": "web-cache", "from": map[string]any{"tier": "web"}, "to": map[string]any{"tier": "cache"},
		}), "spec", "dependencies"))
	})
	before := app.versions(t)
	app.withGit(t, wrong, func() {
		_, err := app.diffs(t, app.reconcile(t))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("comparing on the server says: %v", err)
		}
		t.Logf("comparing on the server: %v", err)
		annotations := app.spec.Annotations
		defer func() { app.spec.Annotations = annotations }()
		app.spec.Annotations = nil
		o := app.sync(t)
		if o.phase != synccommon.OperationFailed || !strings.Contains(o.failures(), says) {
			t.Errorf("the sync is %s: %s%s", o.phase, o.message, o.failures())
		}
		t.Logf("syncing: %s%s", o.message, o.failures())
	})
	app.settled(t, health.HealthStatusHealthy)
	same(t, before, app.versions(t))
}

// pruned takes a profile and its namespace out of git.
func pruned(t *testing.T, app *application) {
	app.git = slices.DeleteFunc(slices.Clone(app.git), func(obj *unstructured.Unstructured) bool { return obj.GetName() == "wiki" })
	app.sync(t).succeeded(t)
	app.settled(t, health.HealthStatusHealthy)
	_, err := app.plane.profiles().Get(t.Context(), "wiki", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the profile is still there: %v", err)
	}
	eventually(t, "its namespace and what was written there are gone", func(ctx context.Context) string {
		if _, err := app.plane.clients.CoreV1().Namespaces().Get(ctx, "wiki", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return "the namespace is there"
		}
		return ""
	})
	for _, key := range app.plane.written(t) {
		if key.Namespace == "wiki" {
			t.Errorf("%s is left", key.String())
		}
	}
}
