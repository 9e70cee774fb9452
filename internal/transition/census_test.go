package transition

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// in reads a membership that is written as profile/tier; empty is none.
func in(text string) Membership {
	profile, tier, _ := strings.Cut(text, "/")
	return Membership{Profile: profile, Tier: tier}
}

// at is a namespace that has one membership and is due to have another.
func at(has, due string) Place { return Place{Has: in(has), Due: in(due)} }

// office is a census with what it did.
type office struct {
	*Census
	t     *testing.T
	woken []string
	// owed are the namespaces whose callers changed.
	owed []string
}

// epoch is when tests begin.
var epoch = time.Unix(0, 0)

// open begins a census with namespaces.
func open(t *testing.T, places map[string]Place) *office {
	t.Helper()
	o := &office{Census: NewCensus(), t: t}
	o.WakeWith(func(namespaces []string) { o.woken = append(o.woken, namespaces...) })
	o.Take(1, places)
	o.woken = nil
	return o
}

// looks is a look at a namespace of which nothing has changed since the census was taken.
func (o *office) looks(namespace string, progress Progress) (View, bool) {
	o.t.Helper()
	view, current := o.Enter(1, namespace, o.places[namespace])
	if !current {
		o.t.Fatalf("the look at %s is out of date", namespace)
	}
	return view, o.Report(1, namespace, view, progress, epoch)
}

func TestRole(t *testing.T) {
	cases := map[string]struct {
		place         Place
		want          Role
		first, second bool
	}{
		"no labels, and none due":            {place: at("", ""), want: Outside},
		"labels as they are due":             {place: at("shop/web", "shop/web"), want: Member},
		"no labels, but due":                 {place: at("", "shop/web"), want: Joining},
		"labels, and none due":               {place: at("shop/web", ""), want: Leaving},
		"another tier":                       {place: at("shop/web", "shop/api"), want: Moving},
		"a profile that comes before":        {place: at("shop/web", "blog/web"), want: Moving, first: true},
		"a profile that comes after":         {place: at("blog/web", "shop/web"), want: Moving, second: true},
		"a leaver moves to no other profile": {place: at("blog/web", ""), want: Leaving},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if c.place.Role() != c.want || c.place.first() != c.first || c.place.second() != c.second {
				t.Errorf("%s, first %t, second %t; want %s, %t, %t", c.place.Role(), c.place.first(), c.place.second(), c.want, c.first, c.second)
			}
		})
	}
}

func TestView(t *testing.T) {
	reached := func(place Place, reach Reach) Place {
		place.progress.Reached = reach
		return place
	}
	joiner, leaver, mover := at("", "shop/web"), at("shop/web", ""), at("shop/web", "shop/api")
	behind, web := at("shop/web", "shop/web"), reached(at("shop/web", "shop/web"), Settled)
	there, here := at("blog/web", "shop/web"), at("shop/web", "blog/web")
	stuck := behind
	stuck.progress.Stuck = true
	exact := web
	exact.progress.Exact = true

	isolated := func(has, due string) Place {
		place := at(has, due)
		place.Isolated = true
		return place
	}
	cases := map[string]struct {
		place  Place
		others []Place
		want   View
	}{
		"one that is no member, and is not due to be one, waits for nobody": {
			place: at("", ""), others: []Place{joiner, leaver, mover, behind},
			want: View{Alone: true, AloneOfAll: true, MayOpen: true, MayRelabel: true},
		},
		"a member with nobody to wait for": {
			place: exact, others: []Place{behind, at("", "")},
			want: View{Alone: true, AloneOfAll: true, MayOpen: true, WasExact: true},
		},
		"a member while others join its profile": {
			place: web, others: []Place{joiner}, want: View{AnyJoining: true, MayOpen: true, MayRelabel: true},
		},
		"a member while others join another profile": {
			place: web, others: []Place{at("", "blog/web")}, want: View{Alone: true, AnyJoining: true, MayOpen: true, MayRelabel: true},
		},
		"a member while others leave another profile, and are open": {
			place: web, others: []Place{reached(at("blog/web", ""), Wide)},
			want: View{Alone: true, AnyLeaving: true, MayOpen: true, MayRelabel: true},
		},
		"a member while others move inside its profile": {
			place: web, others: []Place{reached(mover, Settled)}, want: View{AnyMoving: true, MayOpen: true, MayRelabel: true},
		},
		"a member while others move inside another profile": {
			place: web, others: []Place{at("blog/web", "blog/api")}, want: View{Alone: true, MayOpen: true, MayRelabel: true},
		},
		"a member while others move away, to a profile before": {
			place: web, others: []Place{here}, want: View{AnyMoving: true, AnyFirst: true, MayOpen: true, MayRelabel: true},
		},
		"a member while others come from a profile before": {
			place: web, others: []Place{reached(there, Settled)}, want: View{AnySecond: true, MayOpen: true, MayRelabel: true},
		},
		"a joiner waits for members that do not allow what they should": {
			place: joiner, others: []Place{behind}, want: View{Alone: true, AloneOfAll: true, MayOpen: true},
		},
		"a joiner does not wait for members of other profiles": {
			place: joiner, others: []Place{at("blog/web", "blog/web"), reached(behind, Wide)},
			want: View{Alone: true, AloneOfAll: true, MayOpen: true, MayRelabel: true},
		},
		"a joiner waits for leavers that are not open, of any profile": {
			place: joiner, others: []Place{at("blog/web", "")}, want: View{Alone: true, AnyLeaving: true, MayOpen: true},
		},
		"a joiner does not wait for other joiners": {
			place: joiner, others: []Place{joiner}, want: View{AnyJoining: true, MayOpen: true, MayRelabel: true},
		},
		"a joiner does not wait for one that is stuck": {
			place: joiner, others: []Place{stuck}, want: View{Alone: true, AloneOfAll: true, MayOpen: true, MayRelabel: true},
		},
		"a leaver is not opened while a joiner is not isolated": {
			place: leaver, others: []Place{at("", "blog/web")}, want: View{Alone: true, AnyJoining: true},
		},
		"a leaver is not opened while a member of whatever profile has not been looked at": {
			place: leaver, others: []Place{at("blog/web", "blog/web")}, want: View{Alone: true, AloneOfAll: true},
		},
		"a joiner waits for another that has policies of before": {
			place: joiner, others: []Place{isolated("", "shop/web")}, want: View{AnyJoining: true, MayOpen: true},
		},
		"but not once it has those that are due": {
			place: joiner, others: []Place{reached(isolated("", "shop/web"), Wide)}, want: View{AnyJoining: true, MayOpen: true, MayRelabel: true},
		},
		"a leaver waits for one that has policies and is not to join any more": {
			place: leaver, others: []Place{isolated("", "")}, want: View{Alone: true, AnyLeaving: true, MayOpen: true},
		},
		"a leaver may be opened, and waits for joiners to have their labels": {
			place: leaver, others: []Place{reached(joiner, Wide)}, want: View{AnyJoining: true, MayOpen: true},
		},
		"a leaver waits for other leavers to be open": {
			place: leaver, others: []Place{leaver}, want: View{AnyLeaving: true, MayOpen: true},
		},
		"a leaver waits for members of all profiles": {
			place: leaver, others: []Place{reached(at("blog/web", "blog/web"), Wide)}, want: View{Alone: true, AloneOfAll: true, MayOpen: true},
		},
		"a leaver goes once all have switched": {
			place: leaver, others: []Place{reached(at("blog/web", "blog/web"), Switched), reached(leaver, Wide)},
			want: View{AnyLeaving: true, MayOpen: true, MayRelabel: true},
		},
		"a mover waits for leavers of its profile": {
			place: mover, others: []Place{reached(leaver, Wide)}, want: View{AnyLeaving: true, MayOpen: true},
		},
		"a mover waits for members that go by the tier labels of before": {
			place: mover, others: []Place{reached(behind, Switched)}, want: View{Alone: true, AloneOfAll: true, MayOpen: true},
		},
		"a mover goes once they do not": {
			place: mover, others: []Place{reached(behind, Steady)}, want: View{Alone: true, AloneOfAll: true, MayOpen: true, MayRelabel: true},
		},
		"of those that change places between profiles, the second waits for the first": {
			place: there, others: []Place{reached(here, Settled)}, want: View{AnyMoving: true, AnyFirst: true, MayOpen: true},
		},
		"and the first does not wait for the second": {
			place: here, others: []Place{reached(there, Steady)}, want: View{AnyMoving: true, AnySecond: true, MayOpen: true, MayRelabel: true},
		},
		"the second waits for members that go by labels of its old profile": {
			place: there, others: []Place{reached(behind, Steady)}, want: View{Alone: true, AloneOfAll: true, MayOpen: true},
		},
		"and for those of the old one to be ready for its labels": {
			place: there, others: []Place{web, reached(at("blog/web", "blog/web"), Behind)}, want: View{Alone: true, AloneOfAll: true, MayOpen: true},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := open(t, map[string]Place{"one": c.place})
			for i, other := range c.others {
				o.put(fmt.Sprint("other-", i), other)
			}
			c.want.Role, c.want.Has = c.place.Role(), c.place.Has
			got, current := o.Enter(1, "one", c.place)
			if diff := cmp.Diff(c.want, got); diff != "" || !current {
				t.Errorf("current %t, view (-want +got):\n%s", current, diff)
			}
		})
	}
}
