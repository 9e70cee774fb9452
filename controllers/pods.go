package controllers

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// enqueuePods has members, and namespaces in which pods are asked for, looked at again, after a moment, when their pods
// come to have other ports or labels. Those that say which engine there is have what the cluster says looked at again.
func (r *NamespaceReconciler) enqueuePods() handler.EventHandler {
	enqueue := func(q queue, objects ...client.Object) {
		namespace := objects[0].GetNamespace()
		if r.Profiles.podsChanged(objects...) {
			r.enqueue(q, declared, 0, plan.APIServerService.Namespace)
		}
		known, ok := r.Ledger.get(namespace)
		if ok && (known.Decision.Outcome == claim.Claimed || known.isCalled) || r.Profiles.asksPods(namespace) {
			r.enqueue(q, reviewed, moment, namespace)
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) {
			if !e.IsInInitialList {
				enqueue(q, e.Object)
			}
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) { enqueue(q, e.ObjectNew, e.ObjectOld) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { enqueue(q, e.Object) },
	}
}

// portsChange passes events in which a pod may have come to have other ports or labels, or to its end. The cache keeps
// nothing else, but of pods that say which engine there is.
func portsChange() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, wasPod := e.ObjectOld.(*corev1.Pod)
		now, isPod := e.ObjectNew.(*corev1.Pod)
		return !wasPod || !isPod || !equality.Semantic.DeepEqual(before.Labels, now.Labels) ||
			!equality.Semantic.DeepEqual(before.Spec, now.Spec) || before.Status.Phase != now.Status.Phase
	}}
}

// podsChanged takes note that pods have come, gone or changed. It tells whether what the cluster says has to be looked at
// again: they may say which engine enforces policies, or answer names by the names of their ports.
func (p *Profiles) podsChanged(objects ...client.Object) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.snapshot == nil {
		return false
	}
	matters := p.names.dns[objects[0].GetNamespace()]
	for _, obj := range objects {
		pod, isPod := obj.(*corev1.Pod)
		matters = matters || isPod && p.enforced.given.Name == "" && engine.Tells(pod)
	}
	p.touched = p.touched || matters
	return matters
}

// asksPods tells whether what dependencies say depends on the pods of a namespace.
func (p *Profiles) asksPods(namespace string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.names.asked[namespace]
}
