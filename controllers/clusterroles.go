package controllers

import (
	"context"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/apply"
	"github.com/segmentation-dev/segmentation-operator/internal/audit"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// clusterRoles are the rules of the ClusterRoles that are bound in a namespace, or are to be, by name. One
// that does not exist is not among them.
type clusterRoles map[string][]rbacv1.PolicyRule

func (c clusterRoles) rules(name string) (rules []rbacv1.PolicyRule, found bool) {
	rules, found = c[name]
	return rules, found
}

// gatherClusterRoles reads from the cache the ClusterRoles that bindings bind.
func gatherClusterRoles(
	ctx context.Context, reader client.Reader, declared []*rbacv1.RoleBinding, there []rbacv1.RoleBinding,
) (clusterRoles, error) {
	out := clusterRoles{}
	for _, binding := range declared {
		if err := out.gather(ctx, reader, binding.RoleRef); err != nil {
			return nil, err
		}
	}
	for i := range there {
		if err := out.gather(ctx, reader, there[i].RoleRef); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c clusterRoles) gather(ctx context.Context, reader client.Reader, ref rbacv1.RoleRef) error {
	if _, known := c[ref.Name]; known || ref.Kind != "ClusterRole" {
		return nil
	}
	var role rbacv1.ClusterRole
	switch err := reader.Get(ctx, client.ObjectKey{Name: ref.Name}, &role); {
	case err == nil:
		c[ref.Name] = role.Rules
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("reading a ClusterRole: %w", err)
	}
	return nil
}

// undeclared finds what others grant in a namespace beyond what its profile declares.
func undeclared(rendered render.Objects, observed *apply.Observed, owner types.UID, roles clusterRoles) []audit.Undeclared {
	return audit.Access(audit.AccessInput{
		DeclaredRoles:    rendered.Roles,
		DeclaredBindings: rendered.Bindings,
		Roles:            observed.Roles,
		Bindings:         observed.Bindings,
		IsOurs: func(obj metav1.Object) bool {
			o, ok := obj.(client.Object)
			return ok && apply.IsOurs(o, owner)
		},
		ClusterRole: roles.rules,
	})
}
