package gitops

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	synccommon "github.com/argoproj/gitops-engine/pkg/sync/common"
	resourceutil "github.com/argoproj/gitops-engine/pkg/sync/resource"
	"github.com/argoproj/gitops-engine/pkg/sync/syncwaves"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
)

// delete deletes the Application's objects as Argo CD does when an Application with its finalizer is deleted: the last
// wave first, in the foreground, and the next when nothing of it is left. It returns how long that took.
func (a *application) delete(t *testing.T) time.Duration {
	t.Helper()
	begin := time.Now()
	var left string
	err := wait.PollUntilContextTimeout(t.Context(), 500*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		var err error
		left, err = a.deleteWave(ctx, t)
		return left == "", err
	})
	if err != nil {
		t.Fatalf("the deletion hangs: %v; left are %s", err, left)
	}
	return time.Since(begin).Round(time.Second)
}

// deleteWave does one step, and returns what is left.
func (a *application) deleteWave(ctx context.Context, t *testing.T) (string, error) {
	t.Helper()
	objects := a.deletable(t)
	if len(objects) == 0 {
		return "", nil
	}
	names := make([]string, 0, len(objects))
	deleting := false
	last := syncwaves.Wave(objects[0])
	for _, obj := range objects {
		names = append(names, fmt.Sprintf("%s %s/%s %v", obj.GetKind(), obj.GetNamespace(), obj.GetName(), obj.GetFinalizers()))
		deleting = deleting || obj.GetDeletionTimestamp() != nil
		last = max(last, syncwaves.Wave(obj))
	}
	left := strings.Join(names, ", ")
	if deleting {
		return left, nil
	}
	foreground := metav1.DeletePropagationForeground
	for _, obj := range objects {
		if syncwaves.Wave(obj) != last {
			continue
		}
		err := a.kubectl.DeleteResource(ctx, a.config, obj.GroupVersionKind(), obj.GetName(), obj.GetNamespace(),
			metav1.DeleteOptions{PropagationPolicy: &foreground})
		if err != nil && !strings.Contains(err.Error(), "not found") {
			return left, err
		}
	}
	return left, nil
}

// deletable are the live objects of the Application, but for what Argo CD never deletes with it.
func (a *application) deletable(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	var out []*unstructured.Unstructured
	for _, obj := range a.live(t, a.spec.Name, nil) {
		if !kube.IsCRD(obj) && !resourceutil.HasAnnotationOption(obj, synccommon.AnnotationSyncOptions, synccommon.SyncOptionDisableDeletion) {
			out = append(out, obj)
		}
	}
	slices.SortFunc(out, func(x, y *unstructured.Unstructured) int { return strings.Compare(x.GetName(), y.GetName()) })
	return out
}
