package controllers

import (
	"context"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
	if isGoing(err) {
		logr.FromContextOrDiscard(ctx).V(1).Info("The namespace is being deleted, which the cache does not show yet", "error", err.Error())
		result, err = reconcile.Result{RequeueAfter: goingRetry}, nil
	}
	result.Priority = ofReturn(result)
	if err == nil && result.RequeueAfter > 0 {
		r.backlog.note(time.Now().Add(result.RequeueAfter), request.Name)
	}
	return result, err
}

// goingRetry is how long a namespace that was found to be going is left alone, if the cache does not show it before.
const goingRetry = time.Second

// isGoing tells whether writes failed since the namespace is being deleted. Where namespaces come and go the cache
// often shows it too late, and it is nobody's mistake.
func isGoing(err error) bool {
	return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}
