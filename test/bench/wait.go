package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// each does something n times, some at a time, and ends with the first error.
func each(ctx context.Context, n, atATime int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	next := make(chan int)
	group.Go(func() error {
		defer close(next)
		for i := range n {
			select {
			case next <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range min(atATime, n) {
		group.Go(func() error {
			for i := range next {
				if err := do(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// pause does nothing for a while.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func poll(ctx context.Context, condition func(context.Context) (bool, error)) error {
	return wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, stepTimeout, true, condition)
}

// count counts objects of a kind, as the API server's own cache shows them.
func (b *bed) count(ctx context.Context, version, kind string, selector client.MatchingLabels) (int, error) {
	var list metav1.PartialObjectMetadataList
	gv, err := schema.ParseGroupVersion(version)
	if err != nil {
		return 0, err
	}
	list.SetGroupVersionKind(gv.WithKind(kind + "List"))
	err = b.admin.List(ctx, &list, selector, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: "0"}})
	return len(list.Items), err
}

// watchFromNow watches from where a list is now. A watch without a resource version would first tell of all that is
// there, one by one, and what happens would have to wait behind that.
func (b *bed) watchFromNow(ctx context.Context, list client.ObjectList, selector client.MatchingLabels) (watch.Interface, error) {
	if err := b.admin.List(ctx, list, client.Limit(1), selector); err != nil {
		return nil, err
	}
	from := &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.GetResourceVersion()}}
	return b.admin.Watch(ctx, list, from, selector)
}

// readiness follows the profile by a watch.
type readiness struct {
	watch watch.Interface
}

func (b *bed) followProfile(ctx context.Context) (*readiness, error) {
	w, err := b.admin.Watch(ctx, &v1alpha1.SegmentationProfileList{})
	return &readiness{w}, err
}

// until waits until the status says that a generation is ready, and returns when that was seen.
func (r *readiness) until(ctx context.Context, generation int64) (time.Time, error) {
	defer r.watch.Stop()
	limit := time.After(stepTimeout)
	for {
		select {
		case e, open := <-r.watch.ResultChan():
			if !open {
				return time.Time{}, errors.New("the watch of the profile ended")
			}
			if profile, ok := e.Object.(*v1alpha1.SegmentationProfile); ok && isReady(profile, generation) {
				return time.Now(), nil
			}
		case <-limit:
			return time.Time{}, fmt.Errorf("the profile is not ready after %s", stepTimeout)
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}

func isReady(profile *v1alpha1.SegmentationProfile, generation int64) bool {
	ready := meta.FindStatusCondition(profile.Status.Conditions, v1alpha1.ConditionReady)
	return ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration >= generation &&
		profile.Status.ObservedGeneration >= generation
}

func (b *bed) untilReady(ctx context.Context) error {
	return poll(ctx, func(ctx context.Context) (bool, error) {
		var profile v1alpha1.SegmentationProfile
		err := b.admin.Get(ctx, client.ObjectKeyFromObject(b.profile), &profile)
		return err == nil && isReady(&profile, b.profile.Generation), err
	})
}
