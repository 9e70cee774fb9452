package cli

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// pageSize is how many objects are asked for in one request.
const pageSize = 2000

// readCluster reads what a command needs of a cluster into a world. What may not be read is told of, and left out.
func (i *input) readCluster(ctx context.Context, w *offline.World, of needs) error {
	c, err := i.client()
	if err != nil {
		return fmt.Errorf("connecting to the cluster: %w", err)
	}
	r := &reader{input: i, client: c, world: w, needs: of}
	load(ctx, r, offline.Profiles, &v1alpha1.SegmentationProfileList{}, &w.Profiles,
		func(l *v1alpha1.SegmentationProfileList) []v1alpha1.SegmentationProfile { return l.Items })
	load(ctx, r, offline.Namespaces, &corev1.NamespaceList{}, &w.Namespaces,
		func(l *corev1.NamespaceList) []corev1.Namespace { return l.Items })
	load(ctx, r, offline.Services, &corev1.ServiceList{}, &w.Services, func(l *corev1.ServiceList) []corev1.Service { return l.Items })
	load(ctx, r, offline.EndpointSlices, &discoveryv1.EndpointSliceList{}, &w.EndpointSlices,
		func(l *discoveryv1.EndpointSliceList) []discoveryv1.EndpointSlice { return l.Items },
		client.InNamespace(plan.APIServerService.Namespace),
		client.MatchingLabels{discoveryv1.LabelServiceName: plan.APIServerService.Name})
	load(ctx, r, offline.Nodes, &corev1.NodeList{}, &w.Nodes, func(l *corev1.NodeList) []corev1.Node { return l.Items })
	load(ctx, r, offline.ServiceCIDRs, &networkingv1.ServiceCIDRList{}, &w.ServiceCIDRs,
		func(l *networkingv1.ServiceCIDRList) []networkingv1.ServiceCIDR { return l.Items })
	load(ctx, r, offline.Policies, &networkingv1.NetworkPolicyList{}, &w.Policies,
		func(l *networkingv1.NetworkPolicyList) []networkingv1.NetworkPolicy { return l.Items })
	load(ctx, r, offline.ClusterPolicies, &policyv1alpha2.ClusterNetworkPolicyList{}, &w.ClusterPolicies,
		func(l *policyv1alpha2.ClusterNetworkPolicyList) []policyv1alpha2.ClusterNetworkPolicy { return l.Items })
	load(ctx, r, offline.Roles, &rbacv1.RoleList{}, &w.Roles, func(l *rbacv1.RoleList) []rbacv1.Role { return l.Items })
	load(ctx, r, offline.RoleBindings, &rbacv1.RoleBindingList{}, &w.RoleBindings,
		func(l *rbacv1.RoleBindingList) []rbacv1.RoleBinding { return l.Items })
	load(ctx, r, offline.ClusterRoles, &rbacv1.ClusterRoleList{}, &w.ClusterRoles,
		func(l *rbacv1.ClusterRoleList) []rbacv1.ClusterRole { return l.Items })
	load(ctx, r, offline.Pods, &corev1.PodList{}, &w.Pods, func(l *corev1.PodList) []corev1.Pod { return l.Items })
	i.keep(w)
	return r.err
}

func (i *input) client() (client.Client, error) {
	config, err := i.config.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := policyv1alpha2.Install(scheme); err != nil {
		return nil, err
	}
	return client.New(config, client.Options{Scheme: scheme})
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
	world  *offline.World
	needs  needs
	err    error
}

// load adds all objects of a kind to a list, if the command needs it. A list that could be read is not nil.
func load[T any, L client.ObjectList](
	ctx context.Context, r *reader, kind offline.Kind, list L, into *[]T, items func(L) []T, opts ...client.ListOption,
) {
	means, isNeeded := r.needs[kind]
	if !isNeeded {
		return
	}
	for next, more := "", true; more && r.err == nil; more = next != "" {
		page := append([]client.ListOption{client.Limit(pageSize), client.Continue(next)}, opts...)
		switch err := r.client.List(ctx, list, page...); {
		case means != "" && (meta.IsNoMatchError(err) || apierrors.IsNotFound(err)):
			r.world.Missing = append(r.world.Missing, kind)
			return
		case means != "" && apierrors.IsForbidden(err):
			r.leaveOut(r.world, "not read", kind, means)
			return
		case err != nil:
			r.err = fmt.Errorf("reading %s of the cluster: %w", kind, err)
			return
		}
		*into = append(*into, items(list)...)
		next = list.GetContinue()
	}
	*into = orEmpty(*into)
}

// leaveOut takes note of a kind that a command does without, and tells of it.
func (i *input) leaveOut(w *offline.World, why string, kind offline.Kind, means string) {
	w.Unread = append(w.Unread, kind)
	i.unread = append(i.unread, fmt.Sprintf("%s: %s", kind, means))
	fmt.Fprintf(i.streams.ErrOut, "%s, and left out: %s: %s\n", why, kind, means)
}
