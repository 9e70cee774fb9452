package load

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// version is one version of a namespace or of a policy.
type version struct {
	revision  string
	namespace string
	// labels and isGoing are of a namespace.
	labels  map[string]string
	isGoing bool
	// policy is set for a policy.
	policy  *networkingv1.NetworkPolicy
	deleted bool
	// seen is when the recorder saw it.
	seen time.Time
}

// later tells whether one revision comes after another. Both resources are in one etcd, which counts revisions
// for all that is in it.
func later(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	if err != nil {
		panic(err) // The API server's own are well formed.
	}
	return order > 0
}

// recorder watches the namespaces and policies of the whole cluster and keeps every version.
type recorder struct {
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu       sync.Mutex
	versions []version
	failure  error
}

// startRecorder begins with what comes after the lists.
func startRecorder(ctx context.Context, admin client.WithWatch) (*recorder, error) {
	running, cancel := context.WithCancel(context.Background()) // It runs until it is stopped.
	r := &recorder{cancel: cancel}
	for _, list := range []client.ObjectList{&corev1.NamespaceList{}, &networkingv1.NetworkPolicyList{}} {
		if err := admin.List(ctx, list); err != nil {
			return nil, err
		}
		r.ended.Go(func() { r.follow(running, admin, list) })
	}
	return r, nil
}

func (r *recorder) stop() {
	r.cancel()
	r.ended.Wait()
}

// follow watches what comes after a list, and goes on whenever the watch ends: the API server cuts off who is slow.
func (r *recorder) follow(ctx context.Context, admin client.WithWatch, list client.ObjectList) {
	last := list.GetResourceVersion()
	for ctx.Err() == nil {
		w, err := admin.Watch(ctx, list, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: last, AllowWatchBookmarks: true}})
		if err == nil {
			last, err = r.record(w, last)
		}
		if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
			r.fail(fmt.Errorf("versions after %s were missed: %w", last, err))
			return
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// record keeps all that a watch brings until it ends, and returns the revision from which the next has to go on.
func (r *recorder) record(w watch.Interface, last string) (string, error) {
	defer w.Stop()
	for event := range w.ResultChan() {
		if event.Type == watch.Error {
			return last, apierrors.FromObject(event.Object)
		}
		if obj, ok := event.Object.(metav1.Object); ok {
			last = obj.GetResourceVersion()
		}
		if event.Type == watch.Bookmark {
			continue
		}
		v := version{deleted: event.Type == watch.Deleted, seen: time.Now()}
		switch obj := event.Object.(type) {
		case *corev1.Namespace:
			v.revision, v.namespace, v.labels = obj.ResourceVersion, obj.Name, obj.Labels
			v.isGoing = obj.DeletionTimestamp != nil
		case *networkingv1.NetworkPolicy:
			obj.ManagedFields = nil
			v.revision, v.namespace, v.policy = obj.ResourceVersion, obj.Namespace, obj
		}
		r.mu.Lock()
		r.versions = append(r.versions, v)
		r.mu.Unlock()
	}
	return last, nil
}

func (r *recorder) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failure = err
}

// count is how many versions there are so far, of those that a function picks.
func (r *recorder) count(from int, pick func(*version) bool) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for i := from; i < len(r.versions); i++ {
		if pick(&r.versions[i]) {
			n++
		}
	}
	return n
}

// position is how many versions there are so far.
func (r *recorder) position() int { return r.count(0, func(*version) bool { return true }) }

// all returns all versions, in their order.
func (r *recorder) all() ([]version, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Clone(r.versions)
	slices.SortFunc(all, func(a, b version) int {
		order, _ := resourceversion.CompareResourceVersion(a.revision, b.revision) // They are well formed.
		return order
	})
	return all, r.failure
}
