package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
)

// byClusterRole is the index of RoleBindings by the ClusterRole that they bind.
const byClusterRole = "clusterRole"

// discovery is how long an API server may fail to tell which resources it has, when the operator starts.
const discovery = time.Minute

// indexClusterRoles has the cache find RoleBindings by their ClusterRole.
func indexClusterRoles(ctx context.Context, indexer client.FieldIndexer) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, time.Second, discovery, true, func(ctx context.Context) (bool, error) {
		last = indexer.IndexField(ctx, &rbacv1.RoleBinding{}, byClusterRole, boundClusterRole)
		// An API server that fails now may answer the next time.
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("indexing RoleBindings: %w", errors.Join(err, last))
	}
	return nil
}

// boundClusterRole returns the ClusterRole that a RoleBinding binds.
func boundClusterRole(obj client.Object) []string {
	if binding, ok := obj.(*rbacv1.RoleBinding); ok && binding.RoleRef.Kind == "ClusterRole" {
		return []string{binding.RoleRef.Name}
	}
	return nil
}

// enqueueBound enqueues the namespaces in which a ClusterRole is bound, or is to be, when it comes, goes or
// gets other rules. What is there at the start is read with each namespace.
func (r *NamespaceReconciler) enqueueBound() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) {
			if !e.IsInInitialList {
				r.enqueueClusterRole(ctx, q, e.Object.GetName())
			}
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			if !equality.Semantic.DeepEqual(rulesOf(e.ObjectOld), rulesOf(e.ObjectNew)) {
				r.enqueueClusterRole(ctx, q, e.ObjectNew.GetName())
			}
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) {
			r.enqueueClusterRole(ctx, q, e.Object.GetName())
		},
	}
}

func rulesOf(obj client.Object) []rbacv1.PolicyRule {
	if role, ok := obj.(*rbacv1.ClusterRole); ok {
		return role.Rules
	}
	return nil
}

func (r *NamespaceReconciler) enqueueClusterRole(ctx context.Context, q queue, name string) {
	var bindings rbacv1.RoleBindingList
	if err := r.Reader.List(ctx, &bindings, client.MatchingFields{byClusterRole: name}, client.UnsafeDisableDeepCopy); err != nil {
		// The cache is stopping, and with it the operator.
		ctrl.LoggerFrom(ctx).Error(err, "RoleBindings of a changed ClusterRole could not be listed")
		return
	}
	concerned := r.Census.In(r.Profiles.naming(name)...)
	for i := range bindings.Items {
		concerned = append(concerned, bindings.Items[i].Namespace)
	}
	r.enqueue(q, declared, 0, concerned...)
}
