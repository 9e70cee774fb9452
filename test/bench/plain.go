package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// plainClient writes what a namespace gets, one after the other: its policy, its labels, its Role and its RoleBinding.
type plainClient struct {
	*bed
	name string
	// network writes policies and labels, and access Roles and RoleBindings.
	network, access client.Client
}

// asAdmin is the plain client that everything is compared with. It may do anything, so the API server does not
// look whether it may grant what it grants.
func (b *bed) asAdmin() plainClient {
	return plainClient{b, "plain client", b.admin, b.admin}
}

// asOperator is the same client with the operator's rights: it acts as the same accounts, and the API
// server checks each Role and RoleBinding for what is granted.
func (b *bed) asOperator() plainClient {
	return plainClient{b, "plain client with the operator's rights", b.asAccount, b.asGranter}
}

// write writes in the order of the operator, so that the times until a namespace is isolated, is a member and has
// access can be compared.
func (p plainClient) write(ctx context.Context, namespace, tier string) error {
	objects := p.expected.in(namespace, tier)
	if err := create(ctx, p.network, objectsOf(render.Objects{Policies: objects.Policies})); err != nil {
		return err
	}
	if err := label(ctx, p.network, namespace, render.MembershipLabels(profileName, tier)); err != nil {
		return err
	}
	return create(ctx, p.access, objectsOf(render.Objects{Roles: objects.Roles, Bindings: objects.Bindings}))
}

func create(ctx context.Context, by client.Client, objects []client.Object) error {
	for _, obj := range objects {
		if err := by.Create(ctx, obj); err != nil {
			return fmt.Errorf("creating a %T: %w", obj, err)
		}
	}
	return nil
}

func label(ctx context.Context, by client.Client, namespace string, labels any) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": labels}})
	if err != nil {
		return err
	}
	target := &corev1.Namespace{}
	target.Name = namespace
	return by.Patch(ctx, target, client.RawPatch(types.MergePatchType, patch))
}

// objectsOf are copies of the objects, in the order in which they are written.
func objectsOf(o render.Objects) []client.Object {
	out := make([]client.Object, 0, perNamespace)
	for _, policy := range o.Policies {
		out = append(out, policy.DeepCopy())
	}
	for _, role := range o.Roles {
		out = append(out, role.DeepCopy())
	}
	for _, binding := range o.Bindings {
		out = append(out, binding.DeepCopy())
	}
	return out
}

// erasePlainly removes what was written to a namespace.
func (b *bed) erasePlainly(ctx context.Context, namespace, tier string) error {
	if err := label(ctx, b.admin, namespace, map[string]any{
		"segmentation.dev/profile": nil, "segmentation.dev/tier": nil,
	}); err != nil {
		return err
	}
	for _, obj := range objectsOf(b.expected.in(namespace, tier)) {
		if err := client.IgnoreNotFound(b.admin.Delete(ctx, obj)); err != nil {
			return err
		}
	}
	return nil
}

// time has the client write to the first n namespaces, and returns how long that took.
func (p plainClient) time(ctx context.Context, n, concurrency int) (time.Duration, error) {
	start := time.Now()
	err := each(ctx, n, concurrency, func(ctx context.Context, i int) error {
		return p.write(ctx, namespaceName(i), tierOf(i))
	})
	return time.Since(start), err
}

func (b *bed) eraseAllPlainly(ctx context.Context, n int) error {
	return each(ctx, n, b.concurrency(), func(ctx context.Context, i int) error {
		return b.erasePlainly(ctx, namespaceName(i), tierOf(i))
	})
}

// calibrate finds the concurrency at which the client is fastest.
func (p plainClient) calibrate(ctx context.Context, concurrencies ...int) (best int, err error) {
	const sample = 300
	n := min(p.n, sample)
	shortest := time.Duration(0)
	// The first time warms up.
	for i, concurrency := range append(concurrencies[:1:1], concurrencies...) {
		took, err := p.time(ctx, n, concurrency)
		if err != nil {
			return 0, err
		}
		if err := p.eraseAllPlainly(ctx, n); err != nil {
			return 0, err
		}
		if i == 0 {
			continue
		}
		p.sayf("%s, %d at a time: %.0f objects and labels a second", p.name, concurrency, float64(n*(perNamespace+1))/took.Seconds())
		if shortest == 0 || took < shortest {
			shortest, best = took, concurrency
		}
	}
	return best, nil
}
