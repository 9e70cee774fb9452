package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/apply"
)

// gather reads one namespace from the cache; nil if it is gone or going. A namespace that is
// being deleted keeps its policies until its pods are gone (KEP-5080), and nothing can be
// created in it.
func gather(ctx context.Context, reader client.Reader, name string) (*apply.Observed, error) {
	namespace, err := getNamespace(ctx, reader, name)
	if err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	if namespace.DeletionTimestamp != nil {
		return nil, nil
	}
	var policies networkingv1.NetworkPolicyList
	var roles rbacv1.RoleList
	var bindings rbacv1.RoleBindingList
	for _, list := range []client.ObjectList{&policies, &roles, &bindings} {
		if err := reader.List(ctx, list, client.InNamespace(name), client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("listing %T: %w", list, err)
		}
	}
	return &apply.Observed{
		Namespace: namespace,
		Policies:  policies.Items,
		Roles:     roles.Items,
		Bindings:  bindings.Items,
	}, nil
}

// gatherPolicies reads from the cache which policies are in a namespace.
func gatherPolicies(ctx context.Context, reader client.Reader, namespace *metav1.PartialObjectMetadata) (*apply.Observed, error) {
	var policies networkingv1.NetworkPolicyList
	if err := reader.List(ctx, &policies, client.InNamespace(namespace.Name), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing policies: %w", err)
	}
	return &apply.Observed{Namespace: namespace, Policies: policies.Items}, nil
}

// getNamespace returns the metadata of a namespace.
func getNamespace(ctx context.Context, reader client.Reader, name string) (*metav1.PartialObjectMetadata, error) {
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	return namespace, reader.Get(ctx, client.ObjectKey{Name: name}, namespace)
}

// listNamespaces returns the metadata of all namespaces that are not being deleted.
func listNamespaces(ctx context.Context, reader client.Reader) ([]metav1.PartialObjectMetadata, error) {
	var list metav1.PartialObjectMetadataList
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("NamespaceList"))
	if err := reader.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing namespaces: %w", err)
	}
	living := list.Items[:0]
	for _, n := range list.Items {
		if n.DeletionTimestamp == nil {
			living = append(living, n)
		}
	}
	return living, nil
}
