package controllers

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/apply"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// inOrder returns the queue's namespaces in the order in which they are served.
func inOrder(q priorityqueue.PriorityQueue[reconcile.Request], n int) []string {
	names := make([]string, 0, n)
	for range n {
		request, _, _ := q.GetWithPriority()
		names = append(names, request.Name)
	}
	return names
}

func newQueue(t *testing.T) priorityqueue.PriorityQueue[reconcile.Request] {
	t.Helper()
	q := priorityqueue.New[reconcile.Request]("")
	t.Cleanup(q.ShutDown)
	return q
}

func reconcilerOf(applier *apply.Applier) *NamespaceReconciler {
	return &NamespaceReconciler{Applier: applier, Ledger: NewLedger()}
}

func changed(obj client.Object, version string) client.Object {
	out, ok := obj.DeepCopyObject().(client.Object)
	if !ok {
		panic("a copy of an object is an object")
	}
	out.SetResourceVersion(version)
	return out
}

// TestOrder lets everything happen at once, in the opposite of the order in which it is to be served.
func TestOrder(t *testing.T) {
	q, r := newQueue(t), reconcilerOf(apply.New(nil, nil))
	ctx := t.Context()
	namespaces, objects := r.enqueueItself(), r.enqueueNamespace()
	managed := map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
	policy := func(namespace string, labels map[string]string) client.Object {
		p := &networkingv1.NetworkPolicy{}
		p.Namespace, p.Name, p.Labels, p.ResourceVersion = namespace, "p", labels, "1"
		return p
	}
	member := builders.MakeNamespace("1-member").Member("shop", "web").Obj()
	member.ResourceVersion = "1"

	r.enqueue(q, declared, 0, "5-raised")
	namespaces.Create(ctx, event.CreateEvent{Object: member, IsInInitialList: true}, q)
	namespaces.Update(ctx, event.UpdateEvent{ObjectOld: changed(member, "1"), ObjectNew: changed(member, "1")}, q)
	namespaces.Create(ctx, event.CreateEvent{Object: builders.MakeNamespace("2-unlabelled").Obj(), IsInInitialList: true}, q)
	objects.Create(ctx, event.CreateEvent{Object: policy("2-unlabelled", managed), IsInInitialList: true}, q)
	objects.Create(ctx, event.CreateEvent{Object: policy("3-foreign", nil)}, q)
	r.enqueue(q, declared, 0, "4-declared-a", "4-declared-b")
	r.enqueue(q, unfinished, 0, "5-woken")
	objects.Update(ctx, event.UpdateEvent{ObjectOld: policy("6-drift", managed), ObjectNew: changed(policy("6-drift", nil), "2")}, q)
	namespaces.Create(ctx, event.CreateEvent{Object: builders.MakeNamespace("7-new").Obj()}, q)
	objects.Delete(ctx, event.DeleteEvent{Object: policy("8-drift", managed)}, q)
	// What waits already is raised, to the end of those of its new priority.
	r.enqueue(q, unfinished, 0, "5-raised")

	want := []string{
		"7-new", "6-drift", "8-drift", "5-woken", "5-raised", "4-declared-a", "4-declared-b", "3-foreign", "2-unlabelled", "1-member",
	}
	if diff := cmp.Diff(want, inOrder(q, len(want))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEchoesComeLate writes to two namespaces: the echo of the first of two writes to one leads to no look, and that
// of a last one to a look behind those that are urgent.
func TestEchoesComeLate(t *testing.T) {
	q, applier := newQueue(t), apply.New(echoing{}, nil)
	r := reconcilerOf(applier)
	events := r.enqueueNamespace()
	for _, namespace := range []string{"a", "b"} {
		applier.Release(t.Context(), transition.View{Alone: true, AloneOfAll: true}, &apply.Observed{
			Namespace: &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
			Policies:  []networkingv1.NetworkPolicy{*ownPolicy(namespace, "segmentation-x"), *ownPolicy(namespace, "segmentation-y")},
		})
	}
	deletion := func(namespace, name string) {
		events.Delete(t.Context(), event.DeleteEvent{Object: ownPolicy(namespace, name)}, q)
	}
	deletion("a", "segmentation-x")
	deletion("b", "segmentation-x")
	deletion("b", "segmentation-y")
	r.enqueue(q, unfinished, 0, "c")
	deletion("d", "drift")
	if diff := cmp.Diff([]string{"d", "c", "b"}, inOrder(q, 3)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if q.Len() > 0 {
		t.Errorf("%d more are enqueued", q.Len())
	}
}

func ownPolicy(namespace, name string) *networkingv1.NetworkPolicy {
	return builders.MakeNetworkPolicy(namespace, name).UID(types.UID(namespace+"/"+name)).
		Label(v1alpha1.ManagedByLabel, v1alpha1.ManagedByValue).ResourceVersion("1").Obj()
}

// echoing is an API server to which everything can be deleted.
type echoing struct{ client.Writer }

func (echoing) Delete(context.Context, client.Object, ...client.DeleteOption) error { return nil }

// TestWokenBeforeItWasLookedAt is about a namespace that came while profiles were changing.
func TestWokenBeforeItWasLookedAt(t *testing.T) {
	r := reconcilerOf(nil)
	if got := r.ofWoken("new"); got != arrived {
		t.Errorf("one that was never looked at is woken with %d", got)
	}
	var known entry
	known.Name = "known"
	r.Ledger.record(known)
	if got := r.ofWoken("known"); got != unfinished {
		t.Errorf("one that was looked at is woken with %d", got)
	}
}

// TestReturn is about the priority with which a namespace comes back: only what was refused or waits for others is
// behind what is declared meanwhile.
func TestReturn(t *testing.T) {
	failed := func(class apply.FailureClass) []apply.Failure {
		return []apply.Failure{{Kind: apply.KindNetworkPolicy, Class: class, Err: errors.New("no")}}
	}
	cases := map[string]struct {
		result apply.Result
		want   *int
	}{
		"nothing to come back for":      {},
		"a throttled arrival":           {result: apply.Result{Failures: failed(apply.Throttled), Paused: time.Minute}},
		"refused and throttled, as one": {result: apply.Result{Failures: append(failed(apply.Rejected), failed(apply.Throttled)...), Paused: time.Minute}},
		"was overtaken":                 {result: apply.Result{Failures: failed(apply.Overtaken)}},
		"is going":                      {result: apply.Result{IsGoing: true}},
		"was refused":                   {result: apply.Result{Failures: failed(apply.Rejected)}, want: new(reviewed)},
		"waits for others":              {result: apply.Result{Progress: transition.Progress{Waiting: true}}, want: new(reviewed)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := reconcilerOf(nil).next(t.Context(), &c.result)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got.Priority); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestNobodyWaitsForEver has new namespaces come faster than they are served.
func TestNobodyWaitsForEver(t *testing.T) {
	q, r := newQueue(t), reconcilerOf(nil)
	r.backlog.begin()
	r.raise(time.Now(), 2) // Before the sources have started.
	r.backlog.on(q)
	r.enqueue(q, declared, 0, "a", "b", "c", "d")
	r.enqueue(q, arrived, 0, "new-1", "new-2")
	start := time.Now()
	r.raise(start, 2)
	if diff := cmp.Diff([]string{"new-1"}, inOrder(q, 1)); diff != "" {
		t.Errorf("nobody waits for too long yet (-want +got):\n%s", diff)
	}
	r.backlog.served("a") // Something else had it looked at.
	r.raise(start.Add(overdueAfter+time.Second), 2)
	r.enqueue(q, arrived, 0, "new-3")
	if diff := cmp.Diff([]string{"new-2", "b", "c", "new-3", "a", "d"}, inOrder(q, 6)); diff != "" {
		t.Errorf("two were to be raised (-want +got):\n%s", diff)
	}
}

func TestBacklog(t *testing.T) {
	var b backlog
	b.begin()
	start := time.Now()
	b.note(start, "b", "a")
	b.note(start.Add(time.Second), "a", "late")
	b.note(start.Add(time.Minute), "delayed")
	b.served("unknown")
	steps := []struct {
		after time.Duration
		most  int
		want  []string
	}{
		{after: overdueAfter - 1, most: 9},
		{after: overdueAfter, most: 1, want: []string{"a"}},
		{after: overdueAfter + time.Second, most: 9, want: []string{"b", "late"}},
		{after: overdueAfter + time.Second, most: 9},
		{after: 2 * overdueAfter, most: 9, want: []string{"a"}},
	}
	for _, step := range steps {
		if diff := cmp.Diff(step.want, b.overdue(start.Add(step.after), step.most), cmp.Transformer("empty", func(s []string) []string {
			return append([]string{}, s...)
		})); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", step.after, diff)
		}
	}
	for _, name := range []string{"a", "b", "late", "delayed"} {
		b.served(name)
	}
	if len(b.since) > 0 {
		t.Errorf("%v are remembered", b.since)
	}
}

// TestShare is about how many are raised with 64 that are worked on at once.
func TestShare(t *testing.T) {
	cases := map[string]struct{ looks, want int }{
		"the API server is stuck": {looks: 0, want: 1},
		"very few were served":    {looks: 3, want: 1},
		"few were served":         {looks: 20, want: 5},
		"many were served":        {looks: 2000, want: 64},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var b backlog
			for range c.looks {
				b.served("a")
			}
			if got := b.share(64); got != c.want {
				t.Errorf("%d are raised, not %d", got, c.want)
			}
			if got := b.share(64); got != 1 {
				t.Errorf("%d are raised when nothing was served since", got)
			}
		})
	}
}

// TestStandby lets namespaces come and go on a standby, which takes over then.
func TestStandby(t *testing.T) {
	q, r := newQueue(t), reconcilerOf(nil)
	r.backlog.on(q)
	r.enqueue(q, unchanged, 0, "stays", "gone")
	r.enqueue(q, declared, 0, "gone")
	r.backlog.note(time.Now(), "gone")
	if len(r.backlog.since) > 0 {
		t.Errorf("a standby remembers %v", r.backlog.since)
	}
	scheme := runtime.NewScheme()
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	r.Reader = fake.NewClientBuilder().WithScheme(scheme).WithObjects(builders.MakeNamespace("stays").Obj()).Build()
	start := time.Now()
	if err := r.takeOver(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	r.enqueue(q, declared, 0, "later")
	if diff := cmp.Diff([]string{"stays", "later"}, r.backlog.overdue(start.Add(2*overdueAfter), 9)); diff != "" {
		t.Errorf("wait once it has taken over (-want +got):\n%s", diff)
	}
}
