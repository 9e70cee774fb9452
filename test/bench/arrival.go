package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// blocks is how often the operator and the plain client take turns with arrivals.
const blocks = 4

// measureArrival creates namespaces one by one among those that are there, and waits for each until it is a
// member and has all its objects. The plain client is told of the namespace by a watch. The first arrival of each
// turn is not counted: it warms up connections and caches.
func (b *bed) measureArrival(ctx context.Context) ([]result, error) {
	if err := b.converged(ctx); err != nil {
		return nil, err
	}
	seen, err := b.observe(ctx)
	if err != nil {
		return nil, err
	}
	defer seen.stop()
	ours, plain, limited := &arrivals{kind: "ours"}, &arrivals{kind: "plain"}, &arrivals{kind: "limited"}
	n := b.arrivals / blocks
	for block := range blocks {
		turns := []func() error{
			func() error { return b.arrive(ctx, seen, ours, n) },
			func() error { return b.asAdmin().arrive(ctx, seen, plain, n) },
			func() error { return b.asOperator().arrive(ctx, seen, limited, n) },
		}
		for i := range turns {
			if err := turns[(i+block)%len(turns)](); err != nil {
				return nil, err
			}
		}
	}
	return arrivalRows(b.n, n, ours, plain, limited), nil
}

// arrivals are how long namespaces took, each from when its creation was sent.
type arrivals struct {
	isolated, member, complete []time.Duration
	kind                       string
	// writes are the operator's requests of objects and labels, status those of the status, and others all the rest.
	writes, status, others float64
	made                   int
}

// arrive has the operator see to namespaces.
func (b *bed) arrive(ctx context.Context, seen *observer, a *arrivals, n int) error {
	if err := b.converged(ctx); err != nil {
		return err
	}
	if _, _, err := b.arriveOne(ctx, seen, a); err != nil {
		return err
	}
	before, err := b.scrapeSettled(ctx)
	if err != nil {
		return err
	}
	if err := b.arriveEach(ctx, seen, a, n); err != nil {
		return err
	}
	after, err := b.scrapeSettled(ctx)
	if err != nil {
		return err
	}
	writes, status := after.writes()-before.writes(), after.statusWrites()-before.statusWrites()
	a.writes += writes
	a.status += status
	a.others += after.allRequests() - before.allRequests() - writes - status
	return nil
}

// scrapeSettled looks at the operator's counts once the status of what was done is written, too: that happens once a
// second.
func (b *bed) scrapeSettled(ctx context.Context) (metrics, error) {
	if err := pause(ctx, 2*time.Second); err != nil {
		return nil, err
	}
	if err := b.converged(ctx); err != nil {
		return nil, err
	}
	return b.scrape(ctx)
}

// arrive has the plain client see to namespaces.
func (p plainClient) arrive(ctx context.Context, seen *observer, a *arrivals, n int) error {
	if err := p.stopOperator(); err != nil {
		return err
	}
	if err := p.expect(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("NamespaceList"))
	w, err := p.watchFromNow(ctx, list, client.MatchingLabels{"bench": "shop"})
	if err != nil {
		return err
	}
	defer w.Stop()
	failed := make(chan error, 1)
	go p.serve(ctx, w, failed)
	if _, _, err = p.arriveOne(ctx, seen, a); err == nil {
		err = p.arriveEach(ctx, seen, a, n)
	}
	select {
	case failure := <-failed:
		return errors.Join(failure, err)
	default:
		return err
	}
}

// serve writes to each namespace that a watch shows to be new.
func (p plainClient) serve(ctx context.Context, w watch.Interface, failed chan<- error) {
	for e := range w.ResultChan() {
		obj, ok := e.Object.(client.Object)
		if !ok || e.Type != watch.Added || obj.GetLabels()[v1alpha1.ProfileLabel] != "" {
			continue
		}
		go func() {
			if err := p.write(ctx, obj.GetName(), obj.GetLabels()["layer"]); err != nil && ctx.Err() == nil {
				failed <- err
			}
		}()
	}
}

// arriveEach creates namespaces, one after the other.
func (b *bed) arriveEach(ctx context.Context, seen *observer, a *arrivals, n int) error {
	for range n {
		start, at, err := b.arriveOne(ctx, seen, a)
		if err != nil {
			return err
		}
		a.isolated = append(a.isolated, at.policy.Sub(start))
		a.member = append(a.member, at.label.Sub(start))
		a.complete = append(a.complete, at.last().Sub(start))
	}
	return nil
}

// arriveOne creates a namespace, and returns when that was sent, and when its parts were seen.
func (b *bed) arriveOne(ctx context.Context, seen *observer, a *arrivals) (start time.Time, at *arrivalTimes, err error) {
	name, tier := fmt.Sprintf("arrival-%s-%05d", a.kind, a.made), tierOf(a.made)
	a.made++
	start = time.Now()
	if err := b.admin.Create(ctx, makeNamespace(name, tier)); err != nil {
		return start, nil, err
	}
	if at, err = seen.await(ctx, name); err != nil {
		return start, nil, err
	}
	return start, at, pause(ctx, 20*time.Millisecond) // Each arrives alone.
}
