package cli

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
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
	r := reader{input: i, client: c}
	r.must(ctx, &v1alpha1.SegmentationProfileList{}, func(l client.ObjectList) {
		w.Profiles = append(w.Profiles, l.(*v1alpha1.SegmentationProfileList).Items...) //nolint:forcetypeassert // It is what was listed.
	})
	r.must(ctx, &corev1.NamespaceList{}, func(l client.ObjectList) {
		w.Namespaces = append(w.Namespaces, l.(*corev1.NamespaceList).Items...) //nolint:forcetypeassert // It is what was listed.
	})
	r.may(ctx, &corev1.ServiceList{}, "Services that dependencies and DNS name", func(l client.ObjectList) {
		w.Services = append(w.Services, l.(*corev1.ServiceList).Items...) //nolint:forcetypeassert // It is what was listed.
	})
	r.may(ctx, &discoveryv1.EndpointSliceList{}, "the API server's addresses", func(l client.ObjectList) {
		w.EndpointSlices = append(w.EndpointSlices, l.(*discoveryv1.EndpointSliceList).Items...) //nolint:forcetypeassert // It is what was listed.
	}, client.InNamespace("default"), client.MatchingLabels{discoveryv1.LabelServiceName: "kubernetes"})
	r.may(ctx, &corev1.NodeList{}, "addresses of nodes and pods", func(l client.ObjectList) {
		w.Nodes = append(w.Nodes, l.(*corev1.NodeList).Items...) //nolint:forcetypeassert // It is what was listed.
	})
	r.may(ctx, &networkingv1.ServiceCIDRList{}, "addresses of Services", func(l client.ObjectList) {
		w.ServiceCIDRs = append(w.ServiceCIDRs, l.(*networkingv1.ServiceCIDRList).Items...) //nolint:forcetypeassert // It is what was listed.
	})
	r.may(ctx, &networkingv1.NetworkPolicyList{}, "policies that are there", func(l client.ObjectList) {
		w.Policies = append(w.Policies, l.(*networkingv1.NetworkPolicyList).Items...) //nolint:forcetypeassert // It is what was listed.
	})
	r.may(ctx, &rbacv1.RoleList{}, "Roles that are there", func(l client.ObjectList) {
		w.Roles = append(w.Roles, l.(*rbacv1.RoleList).Items...) //nolint:forcetypeassert // It is what was listed.
	})
	r.may(ctx, &rbacv1.RoleBindingList{}, "RoleBindings that are there", func(l client.ObjectList) {
		w.RoleBindings = append(w.RoleBindings, l.(*rbacv1.RoleBindingList).Items...) //nolint:forcetypeassert // It is what was listed.
	})
	r.may(ctx, &rbacv1.ClusterRoleList{}, "what ClusterRoles hold", func(l client.ObjectList) {
		w.ClusterRoles = append(w.ClusterRoles, l.(*rbacv1.ClusterRoleList).Items...) //nolint:forcetypeassert // It is what was listed.
	})
	if withPods {
		r.may(ctx, &corev1.PodList{}, "pods", func(l client.ObjectList) {
			w.Pods = append(w.Pods, l.(*corev1.PodList).Items...) //nolint:forcetypeassert // It is what was listed.
		})
	}
	return r.err
}

// reader lists one kind after the other, until something fails.
type reader struct {
	*input

	client client.Client
	err    error
}

// must lists what cannot be done without.
func (r *reader) must(ctx context.Context, list client.ObjectList, take func(client.ObjectList), opts ...client.ListOption) {
	if r.err != nil {
		return
	}
	next := ""
	for {
		page := append([]client.ListOption{client.Limit(pageSize), client.Continue(next)}, opts...)
		if err := r.client.List(ctx, list, page...); err != nil {
			r.err = fmt.Errorf("reading the cluster: %w", err)
			return
		}
		take(list)
		if next = list.GetContinue(); next == "" {
			return
		}
	}
}

// may lists what is told of and left out if it may not be read.
func (r *reader) may(ctx context.Context, list client.ObjectList, what string, take func(client.ObjectList), opts ...client.ListOption) {
	if r.err != nil {
		return
	}
	r.must(ctx, list, take, opts...)
	if apierrors.IsForbidden(r.err) {
		fmt.Fprintf(r.streams.ErrOut, "not read, and left out: %s (%v)\n", what, r.err)
		r.err = nil
	}
}
