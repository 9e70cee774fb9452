package gitops

import (
	"context"
	"testing"

	appv1 "github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/gitops-engine/pkg/health"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestTwoApplications tells the life of the two Applications that config/argocd ships, tracked by label, which is Argo
// CD's other way: a label on the profile that must not be on what the operator makes of it.
func TestTwoApplications(t *testing.T) { //nolint:tparallel // Its parts follow each other.
	t.Parallel()
	p := startPlane(t)
	kubelet := startKubelet(t, p)
	argo := installArgoCD(t, p, appv1.TrackingMethodLabel)
	operator := argo.deliver(shipped(t, "operator.yaml"), kustomize(t, "config", "default"))
	profiles := argo.deliver(shipped(t, "profile.yaml"), kustomize(t, "config", "samples"))
	// As shipped it leaves pruning to a person. What must not be pruned must not be with it either.
	profiles.spec.Spec.SyncPolicy.Automated.Prune = true

	arrive := func(t *testing.T) {
		t.Helper()
		operator.sync(t).succeeded(t)
		profiles.sync(t).succeeded(t)
		operator.settled(t, health.HealthStatusHealthy)
		profiles.settled(t, health.HealthStatusHealthy)
	}
	t.Run("both arrive", arrive)
	t.Run("what the operator writes is nobody's to prune", func(t *testing.T) { notListed(t, profiles) })
	t.Run("a second sync writes nothing", func(t *testing.T) { secondSync(t, profiles) })
	t.Run("self-heal and the operator leave each other in peace", func(t *testing.T) {
		peace(t, operator)
		peace(t, profiles)
	})
	t.Run("self-heal mends what a person did, and the operator follows", func(t *testing.T) { mended(t, profiles) })
	t.Run("the operator is deleted first, and profiles after it", func(t *testing.T) {
		p.bystander(t)
		before := len(p.written(t))
		t.Logf("the operator was deleted in %s", operator.delete(t))
		eventually(t, "no operator runs", func(context.Context) string { return none(kubelet.running()) })
		// With the operator's namespace policies lose one of two owners. The profile is the other.
		if now := len(p.written(t)); now != before {
			t.Errorf("deleting the operator left %d generated objects of %d", now, before)
		}
		t.Logf("the profiles were deleted in %s", profiles.delete(t))
		leavesNothing(t, p)
		// Nobody is left to take its labels off. They say nothing any more, and it is open.
		if diff := cmp.Diff(p.members(t), []string{"acme"}); diff != "" {
			t.Errorf("of the namespaces that git does not have, those with labels are (-got +want):\n%s", diff)
		}
	})
	t.Run("both arrive again", arrive)
	t.Run("all is deleted at once, without an order", func(t *testing.T) {
		both := argo.deliver(operator.spec, nil)
		check(t, both.takeOver(t, profiles))
		t.Logf("all was deleted in %s", both.delete(t))
		leavesNothing(t, p)
	})
}

// takeOver has the objects of another Application belong to this one, so that they are deleted together.
func (a *application) takeOver(t *testing.T, other *application) error {
	t.Helper()
	for _, obj := range other.live(t, other.spec.Name, nil) {
		moved := obj.DeepCopy()
		if err := a.resources.SetAppInstance(moved, a.labelKey, a.spec.Name, "", a.tracking, ""); err != nil {
			return err
		}
		gvr := corev1.SchemeGroupVersion.WithResource("namespaces")
		resource := a.plane.objects.Resource(gvr)
		var err error
		if obj.GetKind() == "SegmentationProfile" {
			_, err = a.plane.profiles().Update(t.Context(), moved, metav1.UpdateOptions{})
		} else {
			_, err = resource.Update(t.Context(), moved, metav1.UpdateOptions{})
		}
		if err != nil {
			return err
		}
	}
	eventually(t, "all belong to one Application", func(context.Context) string {
		return none(len(other.live(t, other.spec.Name, []*unstructured.Unstructured{})))
	})
	return nil
}
