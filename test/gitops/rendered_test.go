package gitops

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/argoproj/gitops-engine/pkg/health"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestRenderedManifests delivers what kubectl segmentation renders to a cluster that has neither operator nor
// CustomResourceDefinition.
func TestRenderedManifests(t *testing.T) {
	t.Parallel()
	p := startPlane(t)
	git := rendered(t, "shop.yaml", "namespaces.yaml")
	app := installArgoCD(t, p, "").deliver(shipped(t, "together.yaml"), git)
	app.sync(t).succeeded(t)
	app.settled(t, health.HealthStatusHealthy)
	const namespace, name = "shop-web-admin", "segmentation"
	policies := p.clients.NetworkingV1().NetworkPolicies(namespace)
	policy, err := policies.Get(t.Context(), name, metav1.GetOptions{})
	check(t, err)
	if len(policy.OwnerReferences) > 0 {
		t.Errorf("a rendered policy has owners that are not there: %v", policy.OwnerReferences)
	}
	t.Run("a second sync writes nothing", func(t *testing.T) {
		before := app.versions(t)
		if len(before) < 60 {
			t.Fatalf("only %d objects", len(before))
		}
		app.sync(t).succeeded(t)
		same(t, before, app.versions(t))
	})
	t.Run("self-heal mends what the operator would", func(t *testing.T) {
		check(t, policies.Delete(t.Context(), name, metav1.DeleteOptions{}))
		eventually(t, "the policy is back", func(ctx context.Context) string {
			app.heal(t)
			if _, err := policies.Get(ctx, name, metav1.GetOptions{}); apierrors.IsNotFound(err) {
				return "it is not"
			}
			return ""
		})
		app.settled(t, health.HealthStatusHealthy)
	})
}

// rendered is what is rendered of samples, with the namespaces' two labels merged into their own manifests.
func rendered(t *testing.T, samples ...string) []*unstructured.Unstructured {
	t.Helper()
	args := []string{"render"}
	labels := map[string]map[string]string{}
	for _, sample := range samples {
		file := filepath.Join(root, "config", "samples", sample)
		args = append(args, "-f", file)
		for _, obj := range objectsOf(t, read(t, file)) {
			labels[obj.GetName()] = obj.GetLabels()
		}
	}
	render := exec.Command(filepath.Join(programs, "kubectl-segmentation"), args...)
	var complaints strings.Builder
	render.Stderr = &complaints
	out, err := render.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	objects := objectsOf(t, out)
	for _, obj := range objects {
		if obj.GetKind() != "Namespace" {
			continue
		}
		merged := obj.GetLabels()
		for key, value := range labels[obj.GetName()] {
			merged[key] = value
		}
		obj.SetLabels(merged)
	}
	return objects
}
