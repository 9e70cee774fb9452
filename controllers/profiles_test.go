package controllers

import (
	"context"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/apply"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// oneProfile is a cache that shows one profile in its present generation, and one namespace at most.
type oneProfile struct {
	client.Reader

	generation atomic.Int64
	namespace  *metav1.PartialObjectMetadata
	// listed is told that somebody has listed and still has the list; who did goes on when it was taken note of.
	listed, goOn chan struct{}
}

// slowly marks the context of who is held up after listing.
type slowly struct{}

func (o *oneProfile) List(ctx context.Context, list client.ObjectList, _ ...client.ListOption) error {
	switch l := list.(type) {
	case *v1alpha1.SegmentationProfileList:
		profile := builders.MakeProfile("shop").UID("shop-uid").Generation(o.generation.Load()).Obj()
		l.Items = append(l.Items, *profile)
		if ctx.Value(slowly{}) != nil {
			o.listed <- struct{}{}
			<-o.goOn
		}
	case *metav1.PartialObjectMetadataList:
		if o.namespace != nil {
			l.Items = append(l.Items, *o.namespace)
		}
	case *networkingv1.NetworkPolicyList:
	}
	return nil
}

// Get finds nothing: no Service is there.
func (*oneProfile) Get(_ context.Context, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	return apierrors.NewNotFound(schema.GroupResource{Resource: "services"}, key.Name)
}

// TestAnOlderListOfProfilesNeverComesAfterANewerOne has somebody read the cache and be held up, while
// somebody else reads a newer generation.
func TestAnOlderListOfProfilesNeverComesAfterANewerOne(t *testing.T) {
	cache := &oneProfile{listed: make(chan struct{}), goOn: make(chan struct{})}
	cache.generation.Store(1)
	profiles := NewProfiles(cache, nil, transition.NewCensus(), "")
	taken := make(chan *snapshot, 2)
	take := func(ctx context.Context) {
		s, err := profiles.current(ctx)
		if err != nil {
			t.Error(err)
		}
		taken <- s
	}
	go take(context.WithValue(t.Context(), slowly{}, true))
	<-cache.listed
	cache.generation.Store(2)
	go take(t.Context())
	// The second one gets the time to overtake the first one, if it can.
	select {
	case early := <-taken:
		taken <- early
	case <-time.After(50 * time.Millisecond):
	}
	close(cache.goOn)

	older, newer := <-taken, <-taken
	if older == nil || newer == nil {
		t.Fatal("no snapshot was taken")
	}
	if older.serial > newer.serial {
		older, newer = newer, older
	}
	if older.profiles[0].generation > newer.profiles[0].generation {
		t.Errorf("generation %d was taken as number %d, and generation %d after it as number %d",
			older.profiles[0].generation, older.serial, newer.profiles[0].generation, newer.serial)
	}
}

// TestProfilesWaitForWritesUnderWay: after a change nobody goes by the new profiles before the writes
// have ended that were decided on by the old ones, and who waits for that is woken up.
func TestProfilesWaitForWritesUnderWay(t *testing.T) {
	cache := &oneProfile{}
	cache.generation.Store(1)
	census := transition.NewCensus()
	var woken []string
	census.WakeWith(func(namespaces []string) { woken = append(woken, namespaces...) })
	profiles := NewProfiles(cache, nil, census, "")
	before, err := profiles.current(t.Context())
	if err != nil || !census.Begin(before.serial) {
		t.Fatalf("a write may not begin: %v", err)
	}

	cache.generation.Store(2)
	if _, err := profiles.current(t.Context()); err == nil {
		t.Fatal("the new profiles are gone by while a write is under way")
	}
	if census.Begin(before.serial) {
		t.Error("a write may begin by the old profiles")
	}
	if !census.Await("one") || len(woken) > 0 {
		t.Errorf("namespace one need not wait; woken are %v", woken)
	}
	census.End()
	if len(woken) != 1 || census.Await("two") {
		t.Errorf("woken are %v, want one; or another one has to wait all the same", woken)
	}
	after, err := profiles.current(t.Context())
	if err != nil || after.serial <= before.serial || !census.Begin(after.serial) || census.Begin(before.serial) {
		t.Errorf("the new profiles are not gone by: %v", err)
	}
}

// TestLabelsCountAsTheyWereWritten, as long as the cache shows those of before, and not if it shows others.
func TestLabelsCountAsTheyWereWritten(t *testing.T) {
	web := transition.Membership{Profile: "shop", Tier: "web"}
	named := func(m transition.Membership) *metav1.PartialObjectMetadata {
		labels := map[string]string{"team": "a"}
		if m.Profile != "" {
			maps.Copy(labels, render.MembershipLabels(m.Profile, m.Tier))
		}
		return builders.MakeNamespace("one").Labels(labels).Metadata()
	}
	cases := map[string]struct{ before, wrote, shown, want transition.Membership }{
		"taken off":                {before: web, shown: web},
		"given":                    {wrote: web, want: web},
		"given, and shown":         {wrote: web, shown: web, want: web},
		"changed by somebody else": {wrote: web, shown: transition.Membership{Profile: "wiki", Tier: "web"}, want: transition.Membership{Profile: "wiki", Tier: "web"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			census := transition.NewCensus()
			census.Take(1, map[string]transition.Place{"one": {Has: c.before, Due: c.wrote}})
			census.Labelled("one", c.wrote, true)
			profiles := NewProfiles(nil, nil, census, "")
			cached := named(c.shown)
			before := cached.DeepCopy()
			if diff := cmp.Diff(named(c.want), profiles.asWritten(cached)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, cached); diff != "" {
				t.Errorf("what the cache holds was changed (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhatAHeldNamespaceHasReachedIsNotWhatItHasToReach once it is claimed: a profile that exists, and
// gets its bookmark later, is of the same generation before and after.
func TestWhatAHeldNamespaceHasReachedIsNotWhatItHasToReach(t *testing.T) {
	profile := builders.MakeProfile("shop").UID("u").Generation(1).Obj()
	s := &snapshot{byName: map[string]*compiled{"shop": {identity: identify(profile)}}}
	observed := &apply.Observed{Namespace: builders.MakeNamespace("one").Labels(render.MembershipLabels("shop", "web")).Metadata()}
	held := s.place(observed, claim.Decision{Outcome: claim.Held, Profile: "shop", Tier: "web"})
	claimed := s.place(observed, claim.Decision{Outcome: claim.Claimed, Profile: "shop", Tier: "web"})
	if held.Has != claimed.Has || held.Due != claimed.Due {
		t.Fatalf("held it is due to %v, claimed to %v", held.Due, claimed.Due)
	}
	if held.Basis == claimed.Basis {
		t.Error("what it reached while it was held counts once it is claimed")
	}
}

// TestWhenProfilesChangeLabelsCountAsTheyWereWritten: the cache shows the namespace as it was before.
func TestWhenProfilesChangeLabelsCountAsTheyWereWritten(t *testing.T) {
	cache := &oneProfile{namespace: builders.MakeNamespace("one").Labels(render.MembershipLabels("shop", "web")).Metadata()}
	cache.generation.Store(1)
	census := transition.NewCensus()
	profiles := NewProfiles(cache, nil, census, "")
	if _, err := profiles.current(t.Context()); err != nil {
		t.Fatal(err)
	}
	census.Labelled("one", transition.Membership{}, true)
	cache.generation.Store(2)
	if _, err := profiles.current(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, now, wrote := census.Wrote("one")
	if want := (transition.Membership{Profile: "shop", Tier: "web"}); !wrote || before != want || now != (transition.Membership{}) {
		t.Errorf("its labels said %v and say %v; the operator changed them: %t", before, now, wrote)
	}
}
