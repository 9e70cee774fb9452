package controllers

import (
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/apply"
)

// Of the namespaces that are to be looked at, those that are most open come first. A namespace keeps the
// highest priority that it was given since the last look, and waits behind all others of the same. Who waits
// for long is not left behind for ever: see backlog.
const (
	// arrived: the namespace is no member, and came or got other labels. Nothing may isolate it, and it costs the
	// writes of one namespace.
	arrived = 10
	// urgent: it is a member and got other labels, or is going, or somebody has changed what the operator wrote in it.
	urgent = 0
	// unfinished: it waited for others. It may allow more than is declared as long as it is not done, and is
	// done before others begin.
	unfinished = -10
	// declared: something else is declared for many namespaces, or the rules of a ClusterRole have changed, or the
	// cache shows all that was written to it: mostly nothing is left to be done, which is to be found out.
	declared = -20
	// reviewed: others have changed what they open or grant in it, which is only reported, or the last try was refused, or it
	// waits for others and was not woken.
	reviewed = -30
	// unlabelled: it was there when the operator started, and is no member. It may be new.
	unlabelled = -90
	// unchanged: it was there when the operator started, or the cache is looked at again.
	unchanged = handler.LowPriority
)

// ofCreation is the priority of a namespace after something was created. What is there when the operator starts
// comes as a creation, too.
func ofCreation(e event.CreateEvent, otherwise int) int {
	if e.IsInInitialList {
		return unchanged
	}
	return otherwise
}

// ofUpdate is the priority of a namespace after something has changed. What is only looked at again comes as a
// change, too.
func ofUpdate(e event.UpdateEvent, otherwise int) int {
	if e.ObjectOld.GetResourceVersion() == e.ObjectNew.GetResourceVersion() {
		return unchanged
	}
	return otherwise
}

// ofArrival is the priority of a namespace that was created.
func ofArrival(e event.CreateEvent) int {
	if e.IsInInitialList && e.Object.GetLabels()[v1alpha1.ProfileLabel] == "" {
		return unlabelled
	}
	return ofCreation(e, ofNamespace(e.Object))
}

// ofNamespace is the priority of a namespace that came or has changed.
func ofNamespace(namespace client.Object) int {
	if namespace.GetLabels()[v1alpha1.ProfileLabel] == "" && namespace.GetDeletionTimestamp() == nil {
		return arrived
	}
	return urgent
}

// ofObjects is the priority of a namespace in which objects came, changed or went: drift if one of them is the
// operator's.
func ofObjects(objects ...client.Object) int {
	if slices.ContainsFunc(objects, apply.IsManaged) {
		return urgent
	}
	return reviewed
}

// behind has a namespace come back behind what is declared meanwhile: it was refused, or waits for others, and what
// it waits for has its own priority. All others come back with the priority that they had. One that the API server
// had no room for, or whose writes the cache does not show yet, may wait as long, but is perhaps not isolated yet.
func behind(after time.Duration) reconcile.Result {
	return reconcile.Result{RequeueAfter: after, Priority: new(reviewed)}
}

// enqueue enqueues namespaces with a priority, after a delay.
func (r *NamespaceReconciler) enqueue(q queue, priority int, after time.Duration, names ...string) {
	requests := make([]reconcile.Request, 0, len(names))
	for _, name := range names {
		requests = append(requests, requestFor(name))
	}
	if priority < arrived {
		r.backlog.note(time.Now().Add(after), names...)
	}
	if prioritized, ok := q.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		prioritized.AddWithOpts(priorityqueue.AddOpts{Priority: &priority, After: after}, requests...)
		return
	}
	for _, request := range requests {
		q.AddAfter(request, after)
	}
}

// enqueueAfter enqueues a namespace after an event in it, with a priority if it was not the operator's doing. For each
// of its own writes to be looked at, there would be several looks at each arrival, before the first look at others.
func (r *NamespaceReconciler) enqueueAfter(q queue, echo apply.Echo, otherwise int, namespace string) {
	switch echo {
	case apply.OneOfSeveral:
	case apply.LastEcho:
		r.enqueue(q, min(declared, otherwise), 0, namespace)
	default:
		r.enqueue(q, otherwise, 0, namespace)
	}
}

// ofWoken is the priority of a namespace that waited for others. One that was never looked at to the end has
// come while profiles were changing: it is as urgent as it was then.
func (r *NamespaceReconciler) ofWoken(namespace string) int {
	if _, known := r.Ledger.get(namespace); !known {
		return arrived
	}
	return unfinished
}
