package gitops

import (
	"context"
	"maps"
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
func TestRenderedManifests(t *testing.T) { //nolint:tparallel // Its parts follow each other.
	t.Parallel()
	p := startPlane(t)
	git := rendered(t, "shop.yaml", "namespaces.yaml")
	kubelet := startKubelet(t, p)
	argo := installArgoCD(t, p, "")
	app := argo.deliver(shipped(t, "together.yaml"), git)
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
	t.Run("an operator that comes with the same profile takes them over", func(t *testing.T) {
		before := len(p.written(t))
		argo.deliver(shipped(t, "operator.yaml"), kustomize(t, "config", "default")).sync(t).succeeded(t)
		profiles := argo.deliver(shipped(t, "profile.yaml"), objectsOf(t, read(t, filepath.Join(root, "config", "samples", "shop.yaml"))))
		profiles.sync(t).succeeded(t)
		profiles.settled(t, health.HealthStatusHealthy)
		if kubelet.running() == 0 {
			t.Error("no operator runs")
		}
		policy, err := policies.Get(t.Context(), name, metav1.GetOptions{})
		check(t, err)
		if len(policy.OwnerReferences) != 2 {
			t.Errorf("the policy has the owners %v", policy.OwnerReferences)
		}
		if now := len(p.written(t)); now != before {
			t.Errorf("there are %d objects, and there were %d", now, before)
		}
		// It replaces the objects, and Argo CD's marks on them with that. One more sync puts these back, and they stay.
		app.sync(t).succeeded(t)
		app.settled(t, health.HealthStatusHealthy)
		peace(t, app)
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
		maps.Copy(merged, labels[obj.GetName()])
		obj.SetLabels(merged)
	}
	return objects
}
