package main

import (
	"context"
	"fmt"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// drifting is the namespace whose policy the demo changes by hand.
const drifting = "shop-postgres"

// showDrift deletes a generated policy, opens its successor to everybody, and measures how
// long it takes until each is mended. Only an admin in the break-glass group can do either.
func (d *demo) showDrift(ctx context.Context) error {
	d.screen.heading("Drift, measured from the request of the change to the news that it is mended")
	key := client.ObjectKey{Namespace: drifting, Name: render.Prefix}
	var rows [][]cell
	for _, change := range []struct {
		what string
		make func(context.Context, *networkingv1.NetworkPolicy) error
	}{
		{"deleted", func(ctx context.Context, p *networkingv1.NetworkPolicy) error { return d.breakGlass.Delete(ctx, p) }},
		{"opened to everybody", d.openToEverybody},
	} {
		took, err := d.measureMending(ctx, key, change.make)
		if err != nil {
			return fmt.Errorf("NetworkPolicy %s in %s, %s by hand: %w", key.Name, key.Namespace, change.what, err)
		}
		rows = append(rows, []cell{
			{text: fmt.Sprintf("NetworkPolicy %s in %s, %s by hand:", key.Name, key.Namespace, change.what)},
			{text: "mended after", style: green},
			{text: fmt.Sprintf("%d ms", took.Milliseconds()), style: green, right: true},
		})
	}
	d.screen.block(d.screen.table(nil, rows))
	return nil
}

func (d *demo) openToEverybody(ctx context.Context, policy *networkingv1.NetworkPolicy) error {
	opened := policy.DeepCopy()
	opened.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{}}
	return d.breakGlass.Update(ctx, opened)
}

// measureMending changes a policy and waits until one of the same content takes its place.
func (d *demo) measureMending(ctx context.Context, key client.ObjectKey,
	change func(context.Context, *networkingv1.NetworkPolicy) error,
) (time.Duration, error) {
	limited, cancel := context.WithTimeout(ctx, d.options.timeout)
	defer cancel()
	before := &networkingv1.NetworkPolicy{}
	if err := d.admin.Get(limited, key, before); err != nil {
		return 0, err
	}
	events, err := d.admin.Watch(limited, &networkingv1.NetworkPolicyList{},
		client.InNamespace(key.Namespace), client.MatchingFields{"metadata.name": key.Name})
	if err != nil {
		return 0, fmt.Errorf("watching: %w", err)
	}
	defer events.Stop()

	begin := time.Now()
	if err := change(limited, before); err != nil {
		return 0, err
	}
	for event := range events.ResultChan() {
		after, ok := event.Object.(*networkingv1.NetworkPolicy)
		if !ok || event.Type == watch.Deleted || after.ResourceVersion == before.ResourceVersion {
			continue
		}
		if equality.Semantic.DeepEqual(after.Spec, before.Spec) {
			return time.Since(begin), nil
		}
	}
	return 0, fmt.Errorf("it was not mended in %s", d.options.timeout)
}
