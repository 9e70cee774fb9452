package transitions

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// markers is the namespace, and the policy in it, that are changed only to know how far the
// watches have come. No profile selects the namespace.
const markers = "recorder-markers"

func (r *recorder) makeMarkers(ctx context.Context) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: markers}}
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: markers, Namespace: markers}}
	_, err := r.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	_, err = r.client.NetworkingV1().NetworkPolicies(markers).Create(ctx, policy, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return nil
}

// mark returns a revision up to which every version is known: that of a change to a
// namespace, once this change and a later one to a policy have been seen.
func (r *recorder) mark(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"mark":%q}}}`, strconv.FormatInt(time.Now().UnixNano(), 10))
	namespace, err := r.client.CoreV1().Namespaces().Patch(ctx, markers, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return "", fmt.Errorf("marking: %w", err)
	}
	policy, err := r.client.NetworkingV1().NetworkPolicies(markers).Patch(ctx, markers, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return "", fmt.Errorf("marking: %w", err)
	}
	return namespace.ResourceVersion, r.waitFor(ctx, namespace.ResourceVersion, policy.ResourceVersion)
}

func (r *recorder) waitFor(ctx context.Context, namespaces, policies string) error {
	for {
		r.mu.Lock()
		failure, more := r.failure, r.more
		behind := later(namespaces, r.namespaces.last) || later(policies, r.policies.last)
		r.mu.Unlock()
		if failure != nil {
			return failure
		}
		if !behind {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("the recorder does not see what was written")
		case <-more:
		case <-time.After(time.Second): // A bookmark wakes nobody.
		}
	}
}
