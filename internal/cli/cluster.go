package cli

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// pageSize is how many objects are asked for in one request.
const pageSize = 2000

// readCluster reads a cluster into a world. What may not be read is told of, and left out.
func (i *input) readCluster(ctx context.Context, w *offline.World, withPods bool) error {
	config, err := i.config.ToRESTConfig()
	if err != nil {
		return fmt.Errorf("connecting to the cluster: %w", err)
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("connecting to the cluster: %w", err)
	}
	r := &reader{input: i, client: c}
	load(ctx, r, &v1alpha1.SegmentationProfileList{}, &w.Profiles, "",
		func(l *v1alpha1.SegmentationProfileList) []v1alpha1.SegmentationProfile { return l.Items })
	load(ctx, r, &corev1.NamespaceList{}, &w.Namespaces, "", func(l *corev1.NamespaceList) []corev1.Namespace { return l.Items })
	load(ctx, r, &corev1.ServiceList{}, &w.Services, "Services that dependencies and DNS name",
		func(l *corev1.ServiceList) []corev1.Service { return l.Items })
	load(ctx, r, &discoveryv1.EndpointSliceList{}, &w.EndpointSlices, "the API server's addresses",
		func(l *discoveryv1.EndpointSliceList) []discoveryv1.EndpointSlice { return l.Items },
		client.InNamespace(plan.APIServerService.Namespace),
		client.MatchingLabels{discoveryv1.LabelServiceName: plan.APIServerService.Name})
	load(ctx, r, &corev1.NodeList{}, &w.Nodes, "addresses of nodes and pods", func(l *corev1.NodeList) []corev1.Node { return l.Items })
	load(ctx, r, &networkingv1.ServiceCIDRList{}, &w.ServiceCIDRs, "addresses of Services",
		func(l *networkingv1.ServiceCIDRList) []networkingv1.ServiceCIDR { return l.Items })
	load(ctx, r, &networkingv1.NetworkPolicyList{}, &w.Policies, "NetworkPolicies",
		func(l *networkingv1.NetworkPolicyList) []networkingv1.NetworkPolicy { return l.Items })
	load(ctx, r, &rbacv1.RoleList{}, &w.Roles, offline.WhatRoles, func(l *rbacv1.RoleList) []rbacv1.Role { return l.Items })
	load(ctx, r, &rbacv1.RoleBindingList{}, &w.RoleBindings, offline.WhatBindings,
		func(l *rbacv1.RoleBindingList) []rbacv1.RoleBinding { return l.Items })
	load(ctx, r, &rbacv1.ClusterRoleList{}, &w.ClusterRoles, "what ClusterRoles hold",
		func(l *rbacv1.ClusterRoleList) []rbacv1.ClusterRole { return l.Items })
	if withPods {
		load(ctx, r, &corev1.PodList{}, &w.Pods, "pods", func(l *corev1.PodList) []corev1.Pod { return l.Items })
	}
	i.keep(w)
	w.Unread = r.unread
	return r.err
}

// keep takes note of the operator's own namespace, which owns policies beside their profiles.
func (i *input) keep(w *offline.World) {
	for j := range w.Namespaces {
		if n := &w.Namespaces[j]; n.Name == i.operatorNamespace {
			w.Keeper = &metav1.OwnerReference{APIVersion: "v1", Kind: "Namespace", Name: n.Name, UID: n.UID}
		}
	}
}

// reader lists one kind after the other, until something fails.
type reader struct {
	*input

	client client.Client
	err    error
	// unread is what may not be read.
	unread []string
}

// load adds all objects of a kind to a list. What may not be read is told of by what it is for, and left out; without
// that it cannot be done without.
func load[T any, L client.ObjectList](
	ctx context.Context, r *reader, list L, into *[]T, what string, items func(L) []T, opts ...client.ListOption,
) {
	for next, more := "", true; more && r.err == nil; more = next != "" {
		page := append([]client.ListOption{client.Limit(pageSize), client.Continue(next)}, opts...)
		switch err := r.client.List(ctx, list, page...); {
		case what != "" && apierrors.IsForbidden(err):
			fmt.Fprintf(r.streams.ErrOut, "not read, and left out: %s (%v)\n", what, err)
			r.unread = append(r.unread, what)
			return
		case err != nil:
			r.err = fmt.Errorf("reading the cluster: %w", err)
			return
		}
		*into = append(*into, items(list)...)
		next = list.GetContinue()
	}
}
