package transitions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

// version is one version of a namespace or of a policy.
type version struct {
	revision  string
	namespace string
	// labels are those of a namespace.
	labels map[string]string
	// policy is set for a policy.
	policy  *networkingv1.NetworkPolicy
	deleted bool
	// seen is when the recorder saw it.
	seen time.Time
}

// String names what was changed.
func (v version) String() string {
	what := fmt.Sprintf("version %s: namespace %s", v.revision, v.namespace)
	if v.policy != nil {
		what = fmt.Sprintf("version %s: policy %s/%s", v.revision, v.namespace, v.policy.Name)
	}
	if v.deleted {
		return what + " deleted"
	}
	return what
}

// later tells whether one revision comes after another. Both resources are in one etcd, which
// counts revisions for all that is in it.
func later(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	if err != nil {
		panic(err) // The API server's own are well formed.
	}
	return order > 0
}

// recorder watches the namespaces and policies of the whole cluster and keeps every version.
type recorder struct {
	client kubernetes.Interface
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu sync.Mutex
	// streams are the versions of each resource, in their order.
	namespaces, policies stream
	failure              error
	// more is closed and made anew whenever a version comes.
	more chan struct{}
}

// stream is what is known of one resource.
type stream struct {
	versions []version
	// last is the revision from which the watch goes on.
	last string
}

// startRecorder begins with what is there.
func startRecorder(ctx context.Context, clients kubernetes.Interface) (*recorder, error) {
	r := &recorder{client: clients, more: make(chan struct{})}
	if err := r.makeMarkers(ctx); err != nil {
		return nil, err
	}
	namespaces, err := clients.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	policies, err := clients.NetworkingV1().NetworkPolicies("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	r.namespaces.last, r.policies.last = namespaces.ResourceVersion, policies.ResourceVersion
	for i := range namespaces.Items {
		r.namespaces.versions = append(r.namespaces.versions, versionOf(watch.Added, &namespaces.Items[i]))
	}
	for i := range policies.Items {
		r.policies.versions = append(r.policies.versions, versionOf(watch.Added, &policies.Items[i]))
	}
	running, cancel := context.WithCancel(context.Background()) // It runs until it is stopped.
	r.cancel = cancel
	r.ended.Go(func() { r.follow(running, &r.namespaces, clients.CoreV1().Namespaces().Watch) })
	r.ended.Go(func() { r.follow(running, &r.policies, clients.NetworkingV1().NetworkPolicies("").Watch) })
	return r, nil
}

func (r *recorder) stop() {
	r.cancel()
	r.ended.Wait()
}

// follow watches one resource, again whenever the watch ends, until a version is missed.
func (r *recorder) follow(ctx context.Context, s *stream, begin func(context.Context, metav1.ListOptions) (watch.Interface, error)) {
	for ctx.Err() == nil {
		w, err := begin(ctx, metav1.ListOptions{ResourceVersion: s.last, AllowWatchBookmarks: true})
		if err == nil {
			err = r.record(s, w)
		}
		if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
			r.fail(fmt.Errorf("versions after %s were missed: %w", s.last, err))
			return
		}
		if err != nil {
			// The API server may be away; it is asked again.
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

// record keeps all that a watch brings until it ends.
func (r *recorder) record(s *stream, w watch.Interface) error {
	defer w.Stop()
	for event := range w.ResultChan() {
		switch event.Type {
		case watch.Error:
			return apierrors.FromObject(event.Object)
		case watch.Bookmark:
			r.mu.Lock()
			s.last = revisionOf(event.Object)
			r.mu.Unlock()
		default:
			r.keep(s, versionOf(event.Type, event.Object))
		}
	}
	return nil
}

func (r *recorder) keep(s *stream, v version) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !later(v.revision, s.last) {
		r.failure = errors.Join(r.failure, fmt.Errorf("%s came after %s", v, s.last))
	}
	s.versions, s.last = append(s.versions, v), v.revision
	close(r.more)
	r.more = make(chan struct{})
}

func (r *recorder) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failure = errors.Join(r.failure, err)
	close(r.more)
	r.more = make(chan struct{})
}

func versionOf(kind watch.EventType, obj runtime.Object) version {
	v := version{revision: revisionOf(obj), deleted: kind == watch.Deleted, seen: time.Now()}
	switch o := obj.(type) {
	case *corev1.Namespace:
		v.namespace, v.labels = o.Name, o.Labels
	case *networkingv1.NetworkPolicy:
		v.namespace, v.policy = o.Namespace, o
	}
	return v
}

func revisionOf(obj runtime.Object) string {
	o, ok := obj.(metav1.Object)
	if !ok {
		return ""
	}
	return o.GetResourceVersion()
}

// upTo returns all versions up to a revision, in their order.
func (r *recorder) upTo(revision string) []version {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Concat(r.namespaces.versions, r.policies.versions)
	all = slices.DeleteFunc(all, func(v version) bool { return later(v.revision, revision) })
	slices.SortFunc(all, byRevision)
	return all
}

// after returns all versions after a revision that are known, in their order.
func (r *recorder) after(revision string) []version {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := append(r.namespaces.after(revision), r.policies.after(revision)...)
	slices.SortFunc(all, byRevision)
	return all
}

// after returns the versions of one resource after a revision.
func (s *stream) after(revision string) []version {
	first := len(s.versions)
	for first > 0 && later(s.versions[first-1].revision, revision) {
		first--
	}
	return slices.Clone(s.versions[first:])
}

func byRevision(a, b version) int {
	order, _ := resourceversion.CompareResourceVersion(a.revision, b.revision) // They are well formed.
	return order
}
