package apply

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// patience is how long the cache may take to show a write before the write is taken to have
// been overtaken by something that the watch did not show, such as a deletion while
// the watch was down.
const patience = 5 * time.Second

// settling is how long the cache may take to show a write of which the API server did not say what became
// of it. If it shows none, none was made.
const settling = time.Second

// While writes of a namespace have no answer again and again, it is tried again later each time, twice as
// late up to this.
const (
	longestSettling = time.Minute
	longestDoubt    = 6
)

// expectations remembers what was written to each namespace until the cache shows it. A
// reconcile that came between the write and its echo would otherwise write again.
type expectations struct {
	mu   sync.Mutex
	byNS map[string]map[key]expectation
	// doubts are how many writes in a row had no answer, in each namespace.
	doubts map[string]int
	clock  func() time.Time
}

type expectation struct {
	// resourceVersion is the version that was written; empty for a deletion.
	resourceVersion string
	// deleted is the UID of the object that was deleted.
	deleted types.UID
	// unsure is set if it is not known whether the object was written or deleted. The resource version is
	// the one before that; empty if there was no object. created is set if that one was written just before,
	// when there was none, and need not be seen yet either.
	unsure, created bool
	// shown is set once the watch has told of the write.
	shown bool
	until time.Time
}

func newExpectations() *expectations {
	return &expectations{byNS: map[string]map[key]expectation{}, doubts: map[string]int{}, clock: time.Now}
}

func (e *expectations) wrote(namespace string, k key, resourceVersion string) {
	e.set(namespace, k, expectation{resourceVersion: resourceVersion})
}

func (e *expectations) deleted(namespace string, k key, uid types.UID) {
	e.set(namespace, k, expectation{deleted: uid})
}

func (e *expectations) unsure(namespace string, k key, before string, created bool) {
	e.set(namespace, k, expectation{resourceVersion: before, unsure: true, created: created})
}

func (e *expectations) set(namespace string, k key, x expectation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x.until = e.clock().Add(patience)
	if x.unsure {
		x.until = e.clock().Add(min(settling<<min(e.doubts[namespace], longestDoubt), longestSettling))
		e.doubts[namespace]++
	} else {
		delete(e.doubts, namespace)
	}
	if e.byNS[namespace] == nil {
		e.byNS[namespace] = map[key]expectation{}
	}
	e.byNS[namespace][k] = x
}

// forget drops what is expected of a namespace.
func (e *expectations) forget(namespace string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.byNS, namespace)
	delete(e.doubts, namespace)
}

// saw takes note of what the watch told of an object, and tells what that says of the operator's own writes.
func (e *expectations) saw(obj client.Object, deleted bool) Echo {
	e.mu.Lock()
	defer e.mu.Unlock()
	namespace, k := obj.GetNamespace(), keyOf(obj)
	if k.kind == KindNamespace {
		namespace = obj.GetName()
	}
	x, expected := e.byNS[namespace][k]
	if !expected {
		return NoEcho
	}
	if deleted && x.isPast(obj) {
		delete(e.byNS[namespace], k)
		return NoEcho
	}
	if x.unsure || x.resourceVersion != obj.GetResourceVersion() && (!deleted || x.deleted != obj.GetUID()) {
		return NoEcho
	}
	x.shown = true
	e.byNS[namespace][k] = x
	for _, other := range e.byNS[namespace] {
		if !other.shown {
			return OneOfSeveral
		}
	}
	return LastEcho
}

// isPast tells whether an object was deleted after it was written.
func (x expectation) isPast(obj client.Object) bool {
	return (x.unsure || x.resourceVersion != "") && notOlder(obj.GetResourceVersion(), x.resourceVersion)
}

// outstanding tells how long to wait at most for the cache to show what was written; zero
// if it shows all of it.
func (e *expectations) outstanding(observed *Observed) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	namespace := observed.Namespace.Name
	expected := e.byNS[namespace]
	if len(expected) == 0 {
		return 0
	}
	seen := map[key]client.Object{{KindNamespace, namespace}: observed.Namespace}
	for _, obj := range observed.objects() {
		seen[keyOf(obj)] = obj
	}
	var wait time.Duration
	var isBehind bool
	now := e.clock()
	for k, x := range expected {
		if x.isMet(seen[k]) || !now.Before(x.until) {
			delete(expected, k)
			continue
		}
		if x.shown {
			isBehind = true // It was shown after the cache was read, and will not be told of again.
		}
		wait = max(wait, x.until.Sub(now))
	}
	if len(expected) == 0 {
		delete(e.byNS, namespace)
	}
	if isBehind {
		return time.Millisecond
	}
	return wait
}

func (x expectation) isMet(obj client.Object) bool {
	if x.unsure {
		return x.isSettled(obj)
	}
	if x.deleted != "" {
		return obj == nil || obj.GetUID() != x.deleted || obj.GetDeletionTimestamp() != nil
	}
	return obj != nil && notOlder(obj.GetResourceVersion(), x.resourceVersion)
}

// isSettled tells whether the cache shows that a write without an answer was made.
func (x expectation) isSettled(obj client.Object) bool {
	switch {
	case obj == nil:
		return x.resourceVersion != "" && !x.created
	case x.resourceVersion == "":
		return true
	default:
		return obj.GetResourceVersion() != x.resourceVersion && notOlder(obj.GetResourceVersion(), x.resourceVersion)
	}
}

// versionOf is the resource version of an object; empty if there is none.
func versionOf(obj client.Object) string {
	if obj == nil {
		return ""
	}
	return obj.GetResourceVersion()
}

// notOlder tells whether a resource version is that of a write or a later one. Versions of
// one resource are ordered (KEP-5504); where they cannot be read, waiting would be for
// nothing.
func notOlder(seen, written string) bool {
	order, err := resourceversion.CompareResourceVersion(seen, written)
	return err != nil || order >= 0
}
