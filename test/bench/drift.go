package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// drifting is how many objects are deleted at once.
const drifting = 100

// measureDrift deletes objects of all kinds at once, and waits until all are back; the plain client is told
// of each deletion by a watch, and creates the object again.
func (b *bed) measureDrift(ctx context.Context) ([]result, error) {
	row := result{measure: fmt.Sprintf("4 drift: %d objects back", drifting), n: b.n, unit: milliseconds}
	for range b.rounds {
		if err := b.converged(ctx); err != nil {
			return nil, err
		}
		took, err := b.timeDrift(ctx, func(context.Context, client.Object) error { return nil })
		if err != nil {
			return nil, err
		}
		row.ours = append(row.ours, took.Seconds()*1000)
		if err := b.untilReady(ctx); err != nil {
			return nil, err
		}
		if err := b.stopOperator(); err != nil {
			return nil, err
		}
		if err := b.expect(ctx); err != nil {
			return nil, err
		}
		if took, err = b.timeDrift(ctx, b.mendPlainly); err != nil {
			return nil, err
		}
		row.plain = append(row.plain, took.Seconds()*1000)
	}
	return []result{row}, b.converged(ctx)
}

// mendPlainly creates an object again.
func (b *bed) mendPlainly(ctx context.Context, deleted client.Object) error {
	var i int
	if _, err := fmt.Sscanf(deleted.GetNamespace(), "bench-%d", &i); err != nil {
		return err
	}
	for _, obj := range objectsOf(b.expected.in(deleted.GetNamespace(), tierOf(i))) {
		if fmt.Sprintf("%T", obj) == fmt.Sprintf("%T", deleted) {
			return b.admin.Create(ctx, obj)
		}
	}
	return fmt.Errorf("nobody declared %s", deleted.GetName())
}

// timeDrift deletes the objects, and returns how long it takes from the first deletion until all are back.
func (b *bed) timeDrift(ctx context.Context, onDeletion func(context.Context, client.Object) error) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	managed := client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
	back := make(chan error, drifting)
	for _, list := range []client.ObjectList{&networkingv1.NetworkPolicyList{}, &rbacv1.RoleList{}, &rbacv1.RoleBindingList{}} {
		w, err := b.watchFromNow(ctx, list, managed) // It ends with the context.
		if err != nil {
			return 0, err
		}
		go follow(ctx, w, onDeletion, back)
	}
	victims := b.victims()
	start := time.Now()
	var deleting sync.WaitGroup
	for _, victim := range victims {
		deleting.Go(func() {
			if err := b.admin.Delete(ctx, victim); err != nil {
				back <- err
			}
		})
	}
	for range victims {
		select {
		case err := <-back:
			if err != nil {
				return 0, err
			}
		case <-ctx.Done():
			return 0, fmt.Errorf("not all objects came back: %w", ctx.Err())
		}
	}
	took := time.Since(start)
	deleting.Wait()
	return took, nil
}

// follow tells of each object that was deleted and has come back.
func follow(ctx context.Context, w watch.Interface, onDeletion func(context.Context, client.Object) error, back chan<- error) {
	gone := map[client.ObjectKey]bool{}
	for e := range w.ResultChan() {
		obj, ok := e.Object.(client.Object)
		if !ok {
			continue
		}
		key := client.ObjectKeyFromObject(obj)
		switch e.Type {
		case watch.Deleted:
			gone[key] = true
			go func() {
				if err := onDeletion(ctx, obj); err != nil {
					back <- err
				}
			}()
		case watch.Added:
			if gone[key] {
				back <- nil
			}
		case watch.Modified, watch.Bookmark, watch.Error:
		}
	}
}

// victims are objects of each kind by turns, in namespaces that are spread over all.
func (b *bed) victims() []client.Object {
	out := make([]client.Object, 0, drifting)
	for k := range drifting {
		i := k * b.n / drifting
		objects := objectsOf(b.expected.in(namespaceName(i), tierOf(i)))
		// Where there are fewer namespaces than that, some lose more than one.
		out = append(out, objects[(k+k*perNamespace/drifting)%perNamespace])
	}
	return out
}
