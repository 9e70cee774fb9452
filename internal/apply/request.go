package apply

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// Permit tells whether a write may be made now. If so, end has to be called when it has been answered.
type Permit func() (end func(), ok bool)

// Labelled is told what the operator has made the labels of the namespace say; not sure, if the API server
// did not say whether they were changed.
type Labelled func(now transition.Membership, sure bool)

// requestTimeout is how long a write may take. When profiles change, all namespaces wait for the writes
// that are under way.
const requestTimeout = 30 * time.Second

// errPaused is what a write gets that comes before the API server wants to be asked again. Nothing is sent.
var errPaused = errors.New("the API server had no room for writes, and is asked again later")

// errGoing is what a write gets that comes after one from which it is known that the namespace is being deleted.
var errGoing = errors.New("the namespace is being deleted")

// errOutdated is what a write gets that is not permitted any more.
var errOutdated = errors.New("what was decided on has changed")

// request makes a write of an object, if it is still permitted. If it is not known what became of it, it
// counts as being under way until the cache has had the time to show it.
func (r *run) request(k key, write func(context.Context) error) error {
	if r.isPaused() {
		return errPaused
	}
	if r.IsGoing {
		return errGoing
	}
	end := func() {}
	if r.permit != nil && !r.Outdated {
		permitted, ok := r.permit()
		r.Outdated = !ok
		if ok {
			end = permitted
		}
	}
	if r.Outdated {
		return errOutdated
	}
	var err error
	defer func() {
		if !isUnsure(err) {
			end()
			return
		}
		r.expectEither(k)
		r.after(settling, end)
	}()
	ctx, cancel := context.WithTimeout(r.ctx, requestTimeout)
	defer cancel()
	r.Writes++
	err = write(ctx)
	r.IsGoing = apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
	r.pauses.Note(r.observed.Namespace.Name, err)
	r.Paused = r.pauses.Left(r.observed.Namespace.Name)
	return err
}

// isPaused tells whether the namespace is to make no write for now. A pass that was put off makes no other,
// though the pause may be over by then: what comes next in the order of writes counts on the one before. Passes
// that have nothing to write are made all the same, since others may wait for what they find.
func (r *run) isPaused() bool {
	if r.Paused == 0 {
		r.Paused = r.pauses.Left(r.observed.Namespace.Name)
	}
	return r.Paused > 0
}

// expectEither takes note that it is not known whether an object was written.
func (r *run) expectEither(k key) {
	seen := r.observed.find(k)
	_, written := r.written[k]
	r.expected.unsure(r.observed.Namespace.Name, k, r.version(k, seen), written && seen == nil)
}

// version is the resource version of an object as it was last written, or seen; empty if there is none.
func (r *run) version(k key, seen client.Object) string {
	if written, ok := r.written[k]; ok {
		return written.GetResourceVersion()
	}
	return versionOf(seen)
}

// fail takes note of a write to a policy or to the namespace that failed.
func (r *run) fail(kind Kind, err error) {
	r.Failures = append(r.Failures, classify(kind, "", err))
}
