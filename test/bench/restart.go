package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// measureRestart starts the operator anew, and waits until it has looked at all namespaces. What it wrote
// meanwhile shows in the resource versions of objects and namespaces.
func (b *bed) measureRestart(ctx context.Context) ([]result, error) {
	took := result{measure: "5 restart until all was verified", n: b.n, unit: seconds}
	if b.n == 5000 {
		took.target = atMost(10)
	}
	writes := result{measure: "5 restart: objects written", n: b.n, unit: count, target: atMost(0), note: "profiles and their status, too"}
	resident := result{measure: "7 resident set after a restart", n: b.n, unit: mebibytes}
	perObject := result{measure: "7 resident set per managed object", n: b.n, unit: kibibytes}
	if b.n == 5000 {
		perObject.target = atMost(8)
	}
	if err := b.converged(ctx); err != nil {
		return nil, err
	}
	for range b.rounds {
		if err := b.stopOperator(); err != nil {
			return nil, err
		}
		before, err := b.versionsOfAll(ctx)
		if err != nil {
			return nil, err
		}
		start := time.Now()
		if err := b.startOperator(ctx); err != nil {
			return nil, err
		}
		took.ours = append(took.ours, since(start))
		if err := pause(ctx, settling); err != nil {
			return nil, err
		}
		bytes, err := b.residentBytes()
		if err != nil {
			return nil, err
		}
		resident.ours = append(resident.ours, bytes/(1<<20))
		perObject.ours = append(perObject.ours, bytes/float64(perNamespace*b.n)/(1<<10))
		after, err := b.versionsOfAll(ctx)
		if err != nil {
			return nil, err
		}
		writes.ours = append(writes.ours, float64(differing(before, after)+missing(before, after)))
	}
	return []result{took, writes, resident, perObject}, nil
}

// settling is how long the operator is left alone until its memory is looked at.
const settling = 5 * time.Second

// versionsOfAll are the resource versions of all that the operator writes: managed objects, namespaces, profiles, so that
// a status that is written shows, and the policies of its own namespace, where the bookmarks are, which are not labelled
// as managed.
func (b *bed) versionsOfAll(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	for kind, version := range versions {
		var options []client.ListOption
		if kind != "Namespace" {
			options = append(options, client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue})
		}
		if err := b.addVersions(ctx, out, version, kind, options...); err != nil {
			return nil, err
		}
	}
	if err := b.addVersions(ctx, out, v1alpha1.GroupVersion.String(), "SegmentationProfile"); err != nil {
		return nil, err
	}
	err := b.addVersions(ctx, out, versions["NetworkPolicy"], "NetworkPolicy", client.InNamespace(deploy.Namespace))
	return out, err
}

func (b *bed) addVersions(ctx context.Context, to map[string]string, version, kind string, options ...client.ListOption) error {
	gv, err := schema.ParseGroupVersion(version)
	if err != nil {
		return err
	}
	var list unstructured.UnstructuredList
	list.SetGroupVersionKind(gv.WithKind(kind + "List"))
	if err := b.admin.List(ctx, &list, options...); err != nil {
		return err
	}
	for i := range list.Items {
		item := &list.Items[i]
		to[fmt.Sprintf("%s %s/%s", kind, item.GetNamespace(), item.GetName())] = item.GetResourceVersion()
	}
	return nil
}

// missing counts what is no longer there.
func missing(before, after map[string]string) int {
	n := 0
	for name := range before {
		if _, found := after[name]; !found {
			n++
		}
	}
	return n
}
