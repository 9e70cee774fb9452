package controllers

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// inTurn is the reconciler as the controller calls it: with what is known of the order.
type inTurn struct {
	*NamespaceReconciler
}

// Reconcile looks at a namespace whose turn it is.
func (r inTurn) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	r.backlog.served(request.Name)
	result, err := r.NamespaceReconciler.Reconcile(ctx, request)
	if err == nil && result.RequeueAfter > 0 {
		r.backlog.note(time.Now().Add(result.RequeueAfter), request.Name)
	}
	return result, err
}
