package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// arrivalTimes are when the parts of a namespace were seen.
type arrivalTimes struct {
	policy, role, binding, label time.Time
}

func (a *arrivalTimes) isComplete() bool {
	return !a.policy.IsZero() && !a.role.IsZero() && !a.binding.IsZero() && !a.label.IsZero()
}

func (a *arrivalTimes) last() time.Time {
	out := a.policy
	for _, t := range []time.Time{a.role, a.binding, a.label} {
		if t.After(out) {
			out = t
		}
	}
	return out
}

// observer sees by watches of its own what becomes of namespaces.
type observer struct {
	cancel context.CancelFunc
	events chan sighting
}

type sighting struct {
	namespace string
	at        time.Time
	of        func(*arrivalTimes) *time.Time
}

func (b *bed) observe(ctx context.Context) (*observer, error) {
	ctx, cancel := context.WithCancel(ctx)
	o := &observer{cancel: cancel, events: make(chan sighting, 1000)}
	managed := client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
	namespaces := &metav1.PartialObjectMetadataList{}
	namespaces.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("NamespaceList"))
	for _, watched := range []struct {
		list     client.ObjectList
		selector client.MatchingLabels
		of       func(*arrivalTimes) *time.Time
	}{
		{&networkingv1.NetworkPolicyList{}, managed, func(a *arrivalTimes) *time.Time { return &a.policy }},
		{&rbacv1.RoleList{}, managed, func(a *arrivalTimes) *time.Time { return &a.role }},
		{&rbacv1.RoleBindingList{}, managed, func(a *arrivalTimes) *time.Time { return &a.binding }},
		{namespaces, client.MatchingLabels{v1alpha1.ProfileLabel: profileName}, func(a *arrivalTimes) *time.Time { return &a.label }},
	} {
		w, err := b.watchFromNow(ctx, watched.list, watched.selector)
		if err != nil {
			cancel()
			return nil, err
		}
		go o.follow(w, watched.of)
	}
	return o, nil
}

func (o *observer) stop() { o.cancel() }

// follow tells of what appears.
func (o *observer) follow(w watch.Interface, of func(*arrivalTimes) *time.Time) {
	for e := range w.ResultChan() {
		obj, ok := e.Object.(client.Object)
		if !ok || e.Type != watch.Added {
			continue
		}
		namespace := obj.GetNamespace()
		if namespace == "" {
			namespace = obj.GetName()
		}
		o.events <- sighting{namespace, time.Now(), of}
	}
}

// await waits until a namespace is complete.
func (o *observer) await(ctx context.Context, namespace string) (*arrivalTimes, error) {
	out := &arrivalTimes{}
	limit := time.After(stepTimeout)
	for !out.isComplete() {
		select {
		case s := <-o.events:
			if at := s.of(out); s.namespace == namespace && at.IsZero() {
				*at = s.at
			}
		case <-limit:
			return nil, fmt.Errorf("namespace %s is not complete after %s: %+v", namespace, stepTimeout, out)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return out, nil
}
