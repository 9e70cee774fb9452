package controllers

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// What the cluster says is watched as follows. A Service has only its own namespace looked at: what that finds is
// compared with what was known, and others are looked at if that is something else for them. All else concerns no
// namespace more than another, so any will do to have it looked at again: that of the API server's Service.

// enqueueService enqueues the namespace of a Service that dependencies name, or names are resolved by.
func (r *NamespaceReconciler) enqueueService() handler.EventHandler {
	enqueue := func(q queue, priority int, obj client.Object) {
		name := client.ObjectKeyFromObject(obj)
		if r.Profiles.ServiceChanged(name) {
			r.enqueue(q, priority, 0, name.Namespace)
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { enqueue(q, ofCreation(e, urgent), e.Object) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			if !sameService(e.ObjectOld, e.ObjectNew) {
				enqueue(q, urgent, e.ObjectNew)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { enqueue(q, urgent, e.Object) },
	}
}

func sameService(a, b client.Object) bool {
	before, wasService := a.(*corev1.Service)
	now, isService := b.(*corev1.Service)
	return wasService && isService && equality.Semantic.DeepEqual(before.Spec, now.Spec) &&
		(before.DeletionTimestamp == nil) == (now.DeletionTimestamp == nil)
}

// enqueueCluster has what the cluster says looked at again.
func (r *NamespaceReconciler) enqueueCluster() handler.EventHandler {
	enqueue := func(q queue) {
		r.Profiles.touch()
		r.enqueue(q, declared, 0, plan.APIServerService.Namespace)
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) {
			if !e.IsInInitialList {
				enqueue(q)
			}
		},
		UpdateFunc: func(_ context.Context, _ event.UpdateEvent, q queue) { enqueue(q) },
		DeleteFunc: func(_ context.Context, _ event.DeleteEvent, q queue) { enqueue(q) },
	}
}

// addressesChange passes events in which the addresses that a node stands for may have changed.
func addressesChange() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, wasNode := e.ObjectOld.(*corev1.Node)
		now, isNode := e.ObjectNew.(*corev1.Node)
		return !wasNode || !isNode || !slices.Equal(before.Spec.PodCIDRs, now.Spec.PodCIDRs) ||
			!slices.Equal(before.Status.Addresses, now.Status.Addresses)
	}}
}

// specChanges passes events in which more than the metadata has changed.
func specChanges() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration()
	}}
}

// isOfAPIServer passes events of the endpoints of the API server.
func isOfAPIServer() predicate.Predicate {
	return predicate.And(isIn(plan.APIServerService.Namespace), predicate.NewPredicateFuncs(func(obj client.Object) bool {
		return obj.GetLabels()[discoveryv1.LabelServiceName] == plan.APIServerService.Name
	}), predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetResourceVersion() != e.ObjectNew.GetResourceVersion()
	}})
}

// toldOf enqueues namespaces to which something else is due, as the cluster says something else.
func (r *NamespaceReconciler) toldOf() source.Source {
	return source.Func(func(_ context.Context, q queue) error {
		r.Profiles.ChangedWith(func(namespaces []string) { r.enqueue(q, declared, 0, namespaces...) })
		return nil
	})
}
