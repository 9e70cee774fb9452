package main

import (
	"context"
	"errors"
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

// blocks is how often the operator and the plain client take turns with arrivals.
const blocks = 4

// measureArrival creates namespaces one by one among those that are there, and waits for each until it is a
// member and has all its objects. The plain client is told of the namespace by a watch.
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
	return b.rowsOf(ours, plain, limited), nil
}

func (b *bed) rowsOf(ours, plain, limited *arrivals) []result {
	row := func(what string, plain *arrivals, most float64, of func(*arrivals) []time.Duration, p int) result {
		r := result{
			measure: "2 arrival: " + what, n: b.n, unit: milliseconds,
			ours:  []float64{percentile(inMilliseconds(of(ours)), p)},
			plain: []float64{percentile(inMilliseconds(of(plain)), p)},
		}
		if most > 0 {
			r.target = atMost(most)
		}
		return r
	}
	isolated := func(a *arrivals) []time.Duration { return a.isolated }
	member := func(a *arrivals) []time.Duration { return a.member }
	complete := func(a *arrivals) []time.Duration { return a.complete }
	return []result{
		row("until isolated, p50", plain, 2, isolated, 50), row("until isolated, p99", plain, 3, isolated, 99),
		row("until member, p50", plain, 2, member, 50), row("until member, p99", plain, 3, member, 99),
		row("with access, p50", plain, 2, complete, 50), row("with access, p99", plain, 3, complete, 99),
		row("with access, same rights, p50", limited, 2, complete, 50), row("with access, same rights, p99", limited, 3, complete, 99),
		{
			measure: "2 arrival: requests", n: b.n, unit: count, target: atMost(1),
			ours: []float64{ours.writes / float64(len(ours.complete))}, plain: []float64{perNamespace + 1},
			note: fmt.Sprintf("of objects and labels; %d arrivals", len(ours.complete)),
		},
	}
}

// arrivals are how long namespaces took, each from when its creation was sent.
type arrivals struct {
	isolated, member, complete []time.Duration
	kind                       string
	writes                     float64
	made                       int
}

// arrive has the operator see to namespaces.
func (b *bed) arrive(ctx context.Context, seen *observer, a *arrivals, n int) error {
	if err := b.converged(ctx); err != nil {
		return err
	}
	before, err := b.scrape(ctx)
	if err != nil {
		return err
	}
	if err := b.arriveEach(ctx, seen, a, n); err != nil {
		return err
	}
	if err := b.untilReady(ctx); err != nil {
		return err
	}
	after, err := b.scrape(ctx)
	a.writes += after.writes() - before.writes()
	return err
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
	w, err := p.admin.Watch(ctx, list, client.MatchingLabels{"bench": "shop"})
	if err != nil {
		return err
	}
	defer w.Stop()
	failed := make(chan error, 1)
	go func() {
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
	}()
	err = p.arriveEach(ctx, seen, a, n)
	select {
	case failure := <-failed:
		return errors.Join(failure, err)
	default:
		return err
	}
}

// arriveEach creates namespaces, one after the other.
func (b *bed) arriveEach(ctx context.Context, seen *observer, a *arrivals, n int) error {
	for range n {
		name, tier := fmt.Sprintf("arrival-%s-%05d", a.kind, a.made), tierOf(a.made)
		a.made++
		start := time.Now()
		if err := b.admin.Create(ctx, makeNamespace(name, tier)); err != nil {
			return err
		}
		at, err := seen.await(ctx, name)
		if err != nil {
			return err
		}
		a.isolated = append(a.isolated, at.policy.Sub(start))
		a.member = append(a.member, at.label.Sub(start))
		a.complete = append(a.complete, at.last().Sub(start))
		if err := pause(ctx, 20*time.Millisecond); err != nil { // Each arrives alone.
			return err
		}
	}
	return nil
}

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
		w, err := b.admin.Watch(ctx, watched.list, watched.selector)
		if err != nil {
			cancel()
			return nil, err
		}
		go o.follow(w, watched.of)
	}
	o.skip()
	return o, nil
}

// skip passes over what is told of what was there already.
func (o *observer) skip() {
	const quiet = time.Second
	for {
		select {
		case <-o.events:
		case <-time.After(quiet):
			return
		}
	}
}

func (o *observer) stop() { o.cancel() }

// follow tells of what appears. The first events of the watch are of what was there already.
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
