package transition

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// vouched is a namespace whose own policies bear out its labels.
func vouched(has, due string) Place {
	return Place{Has: in(has), Due: in(due), Vouched: true}
}

// calling begins a census in which the service accounts of shop's tier web have roles in its tier api.
func calling(t *testing.T, places map[string]Place) *office {
	t.Helper()
	o := &office{Census: NewCensus(), t: t}
	o.WakeWith(func(namespaces []string) { o.woken = append(o.woken, namespaces...) })
	o.OweWith(func(namespace string) { o.owed = append(o.owed, namespace) })
	o.WakeSoonWith(func(namespaces []string) {
		for _, name := range namespaces {
			o.woken = append(o.woken, name+" soon")
		}
	})
	o.Called(map[Membership][]Membership{in("shop/web"): {in("shop/api")}})
	o.Take(1, places)
	o.woken = nil
	return o
}

func TestCallersAreMembersThatRemainSo(t *testing.T) {
	cases := map[string]struct {
		place Place
		want  bool
	}{
		"a member":                             {vouched("shop/web", "shop/web"), true},
		"a member that nobody vouches for":     {at("shop/web", "shop/web"), false},
		"one that is to leave":                 {vouched("shop/web", ""), false},
		"one that is to move":                  {vouched("shop/web", "shop/api"), false},
		"one that is to join":                  {vouched("", "shop/web"), false},
		"one that is to move here":             {vouched("shop/api", "shop/web"), false},
		"a member of another tier":             {vouched("shop/api", "shop/api"), false},
		"a member of another profile's tier":   {vouched("wiki/web", "wiki/web"), false},
		"one of whose labels nothing is known": {Place{Has: in("shop/web"), Due: in("shop/web"), Vouched: true, isDoubtful: true}, false},
		"one whose labels somebody forged":     {Place{Has: in("shop/web"), Due: in("shop/web"), Vouched: true, isForged: true}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := calling(t, map[string]Place{"one": c.place})
			if got := slices.Contains(o.Callers(in("shop/web")), "one"); got != c.want {
				t.Errorf("it is a caller: %t, want %t", got, c.want)
			}
		})
	}
}

// TestWhoLeavesWaitsForThoseWhomItCalled: one leaves, and two and three are called.
func TestWhoLeavesWaitsForThoseWhomItCalled(t *testing.T) {
	o := calling(t, map[string]Place{
		"one": vouched("shop/web", "shop/web"), "two": vouched("shop/api", "shop/api"), "three": vouched("shop/api", "shop/api"),
	})
	early, _ := o.Enter(1, "two", o.places["two"]) // It looked before it could know.
	view, _ := o.Enter(1, "one", vouched("shop/web", ""))
	if view.MayOpen || view.MayRelabel {
		t.Errorf("it may go on at once: %+v", view)
	}
	if diff := cmp.Diff([]string{"three", "two"}, o.woken); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	if got := o.Callers(in("shop/web")); len(got) > 0 {
		t.Errorf("it is still a caller: %v", got)
	}
	o.Report(1, "one", view, Progress{Waiting: true}, epoch)
	if !o.IsOwed("two") || !slices.Contains(o.owed, "two") {
		t.Error("two is not taken to be out of date")
	}
	o.Report(1, "two", early, Progress{Reached: Settled, Labelled: true}, epoch)
	o.looks("three", Progress{Reached: Settled, Labelled: true})
	view, _ = o.Enter(1, "one", vouched("shop/web", ""))
	if view.MayOpen {
		t.Error("it does not wait for one that looked before it could know")
	}
	o.Report(1, "one", view, Progress{Waiting: true}, epoch)
	o.woken = nil
	o.looks("two", Progress{Reached: Settled, Labelled: true})
	if diff := cmp.Diff([]string{"one"}, o.woken); diff != "" {
		t.Errorf("woken at the end (-want +got):\n%s", diff)
	}
	if view, _ := o.Enter(1, "one", vouched("shop/web", "")); !view.MayOpen || !view.MayRelabel {
		t.Errorf("it still waits: %+v", view)
	}
	if o.IsOwed("two") || o.IsOwed("three") {
		t.Error("those that were looked at are taken to be out of date")
	}
}

func TestOneThatCallsItselfDoesNotWaitForEver(t *testing.T) {
	o := calling(t, map[string]Place{"one": vouched("shop/web", "shop/web")})
	o.Called(map[Membership][]Membership{in("shop/web"): {in("shop/web")}})
	view, _ := o.Enter(1, "one", vouched("shop/web", ""))
	if again := o.Report(1, "one", view, Progress{Waiting: true}, epoch); !again {
		t.Error("it is not looked at again, though it need not wait any more")
	}
	if view, _ := o.Enter(1, "one", vouched("shop/web", "")); !view.MayOpen {
		t.Error("it still waits")
	}
}

func TestWhoIsGoneIsNotWaitedFor(t *testing.T) {
	o := calling(t, map[string]Place{"one": vouched("shop/web", "shop/web"), "two": vouched("shop/api", "shop/api")})
	o.Enter(1, "one", vouched("shop/web", ""))
	o.Forget("two")
	if view, _ := o.Enter(1, "one", vouched("shop/web", "")); !view.MayOpen {
		t.Error("it waits for one that is gone")
	}
}

func TestForgedLabelsWakeNobody(t *testing.T) {
	o := calling(t, map[string]Place{"one": at("", ""), "two": vouched("shop/api", "shop/api")})
	o.looks("one", Progress{})
	o.Enter(1, "one", at("shop/web", ""))
	if len(o.woken) > 0 {
		t.Errorf("woken are %v", o.woken)
	}
}

func TestWhoJoinsIsLetIn(t *testing.T) {
	cases := map[string]struct {
		others map[string]Place
		want   []string
	}{
		"alone, at once":                             {want: []string{"two"}},
		"among others, after a while, together":      {map[string]Place{"four": at("", "shop/web")}, []string{"two soon"}},
		"while others join another profile, at once": {map[string]Place{"four": at("", "wiki/web")}, []string{"two"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			places := map[string]Place{"one": at("", "shop/web"), "two": vouched("shop/api", "shop/api")}
			maps.Copy(places, c.others)
			o := calling(t, places)
			o.Enter(1, "one", at("", "shop/web"))
			o.woken = nil
			o.Labelled("one", in("shop/web"), true)
			got := slices.DeleteFunc(o.woken, func(name string) bool { return name == "four" })
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("woken (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"one"}, o.Callers(in("shop/web"))); diff != "" {
				t.Errorf("callers (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAProfileThatCallsNobodyAnyMore changes so that nobody is called, and one leaves by it.
func TestAProfileThatCallsNobodyAnyMore(t *testing.T) {
	o := calling(t, map[string]Place{"one": vouched("shop/web", "shop/web"), "two": vouched("shop/api", "shop/api")})
	o.Called(nil)
	o.Take(2, map[string]Place{"one": vouched("shop/web", ""), "two": vouched("shop/api", "shop/api")})
	if view, _ := o.Enter(2, "one", vouched("shop/web", "")); view.MayOpen {
		t.Error("what it called before need not be looked at")
	}
	view, _ := o.Enter(2, "two", vouched("shop/api", "shop/api"))
	o.Report(2, "two", view, Progress{Reached: Settled, Labelled: true}, epoch)
	if view, _ := o.Enter(2, "one", vouched("shop/web", "")); !view.MayOpen {
		t.Error("it still waits")
	}
}

// TestWhatIsThereCountsAsCalled: no profile says that the tier api is called, but a namespace of it has what one said.
func TestWhatIsThereCountsAsCalled(t *testing.T) {
	o := calling(t, map[string]Place{"one": vouched("shop/web", "shop/web"), "two": vouched("shop/api", "shop/api")})
	o.Called(nil)
	o.Called(nil)
	o.NoteCalled(in("shop/api"), []Membership{in("shop/web")})
	o.NoteCalled(in("shop/api"), []Membership{in("shop/web")})
	if view, _ := o.Enter(1, "one", vouched("shop/web", "")); view.MayOpen || !slices.Contains(o.woken, "two") {
		t.Errorf("it does not wait for one that it may still have access to; woken are %v", o.woken)
	}
}

func TestANamespaceThatLosesItsPolicyRemainsACaller(t *testing.T) {
	o := calling(t, map[string]Place{"one": vouched("shop/web", "shop/web")})
	o.Enter(1, "one", at("shop/web", "shop/web"))
	if got := o.Callers(in("shop/web")); len(got) != 1 {
		t.Errorf("callers are %v", got)
	}
}

// TestCallersAreWhatThePlacesMakeOfThem compares what is kept up to date with what it is made from.
func TestCallersAreWhatThePlacesMakeOfThem(t *testing.T) {
	memberships := rapid.SampledFrom([]string{"", "shop/web", "shop/api", "wiki/web"})
	rapid.Check(t, func(rt *rapid.T) {
		draw := func() Place {
			return Place{
				Has: in(memberships.Draw(rt, "has")), Due: in(memberships.Draw(rt, "due")), Vouched: rapid.Bool().Draw(rt, "vouched"),
			}
		}
		o := calling(t, map[string]Place{"a": draw(), "b": draw()})
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "namespace")
			switch rapid.IntRange(0, 4).Draw(rt, "step") {
			case 0:
				o.Forget(name)
			case 1:
				o.Labelled(name, in(memberships.Draw(rt, "labels")), rapid.Bool().Draw(rt, "sure"))
			case 2:
				o.serial++
				o.Take(o.serial, map[string]Place{"a": draw(), "c": draw()})
			default:
				view, _ := o.Enter(o.serial, name, draw())
				o.Report(o.serial, name, view, Progress{Labelled: rapid.Bool().Draw(rt, "labelled"), Waiting: rapid.Bool().Draw(rt, "waiting")}, epoch)
			}
			for _, tier := range []string{"shop/web", "shop/api", "wiki/web"} {
				var callers, all []string
				for name, place := range o.places {
					if place.isCaller() && place.Has == in(tier) {
						callers = append(callers, name)
					}
					if place.Has == in(tier) || place.Due == in(tier) {
						all = append(all, name)
					}
				}
				slices.Sort(callers)
				slices.Sort(all)
				if got := o.Callers(in(tier)); !slices.Equal(got, callers) {
					rt.Fatalf("callers of %s are %v, want %v", tier, got, callers)
				}
				if got := o.In(in(tier)); !slices.Equal(got, all) {
					rt.Fatalf("in %s are %v, want %v", tier, got, all)
				}
			}
		}
	})
}

// TestForgedLabelsOfAHeldNamespaceMakeNoCaller: two tiers select it, so it stays as it is. Somebody writes labels, and
// a policy that bears them out.
func TestForgedLabelsOfAHeldNamespaceMakeNoCaller(t *testing.T) {
	o := calling(t, map[string]Place{"one": at("", ""), "two": vouched("shop/api", "shop/api")})
	o.looks("one", Progress{})
	forged := vouched("shop/web", "shop/web")
	forged.Held = true
	if view, _ := o.Enter(1, "one", forged); !view.IsForged {
		t.Error("it is not taken for forged")
	}
	if got := o.Callers(in("shop/web")); len(got) > 0 {
		t.Errorf("callers are %v", got)
	}
}
