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

// The plain client: it creates the objects of a namespace one after the other, and then labels it.

func (b *bed) writePlainly(ctx context.Context, namespace, tier string) error {
	for _, obj := range objectsOf(b.expected.in(namespace, tier)) {
		if err := b.admin.Create(ctx, obj); err != nil {
			return fmt.Errorf("creating a %T: %w", obj, err)
		}
	}
	return b.labelPlainly(ctx, namespace, render.MembershipLabels(profileName, tier))
}

func (b *bed) labelPlainly(ctx context.Context, namespace string, labels any) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": labels}})
	if err != nil {
		return err
	}
	target := &corev1.Namespace{}
	target.Name = namespace
	return b.admin.Patch(ctx, target, client.RawPatch(types.MergePatchType, patch))
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
	if err := b.labelPlainly(ctx, namespace, map[string]any{
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

// timePlainly has the plain client write to the first n namespaces, and returns how long that took.
func (b *bed) timePlainly(ctx context.Context, n, concurrency int) (time.Duration, error) {
	start := time.Now()
	err := each(ctx, n, concurrency, func(ctx context.Context, i int) error {
		return b.writePlainly(ctx, namespaceName(i), tierOf(i))
	})
	return time.Since(start), err
}

func (b *bed) eraseAllPlainly(ctx context.Context, n int) error {
	return each(ctx, n, b.best, func(ctx context.Context, i int) error {
		return b.erasePlainly(ctx, namespaceName(i), tierOf(i))
	})
}

// calibrate finds the concurrency at which the plain client is fastest.
func (b *bed) calibrate(ctx context.Context) error {
	const sample = 300
	n := min(b.n, sample)
	b.best = 32
	if err := b.warmUp(ctx, n); err != nil {
		return err
	}
	shortest := time.Duration(0)
	best := b.best
	for _, concurrency := range []int{8, 16, 32, 64} {
		took, err := b.timePlainly(ctx, n, concurrency)
		if err != nil {
			return err
		}
		if err := b.eraseAllPlainly(ctx, n); err != nil {
			return err
		}
		b.sayf("plain client, %d at a time: %.0f objects and labels a second", concurrency, float64(n*(perNamespace+1))/took.Seconds())
		if shortest == 0 || took < shortest {
			shortest, best = took, concurrency
		}
	}
	b.best = best
	return nil
}

// warmUp lets the API server do once what it is to do.
func (b *bed) warmUp(ctx context.Context, n int) error {
	if _, err := b.timePlainly(ctx, n, b.best); err != nil {
		return err
	}
	return b.eraseAllPlainly(ctx, n)
}
