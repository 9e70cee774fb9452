package transition

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// waits lets namespace one, that joins, wait.
func (o *office) waits() {
	o.t.Helper()
	if _, again := o.looks("one", Progress{Reached: Wide, Waiting: true}); again {
		o.t.Fatal("nothing has changed, and it is to look again")
	}
	o.woken = nil
}

func TestWaking(t *testing.T) {
	joiner, behind := at("", "shop/web"), at("shop/web", "shop/web")
	cases := map[string]struct {
		others []Place
		// happens is what happens while namespace one waits.
		happens func(*office)
		want    []string
	}{
		"when the last of those that it waits for is ready": {
			others:  []Place{behind},
			happens: func(o *office) { o.looks("other-0", Progress{Reached: Wide}) },
			want:    []string{"one"},
		},
		"not when many others are not": {
			others:  []Place{behind, behind, behind},
			happens: func(o *office) { o.looks("other-0", Progress{Reached: Wide}) },
		},
		"not when one was looked at and is no further": {
			others:  []Place{behind},
			happens: func(o *office) { o.looks("other-0", Progress{}) },
		},
		"not when one gets worse": {
			others:  []Place{at("", "")},
			happens: func(o *office) { o.Enter(1, "other-0", behind) },
		},
		"not for what happens in another profile": {
			others:  []Place{behind, at("blog/web", "blog/web"), at("blog/web", "blog/web"), at("blog/web", "blog/web")},
			happens: func(o *office) { o.looks("other-1", Progress{Reached: Settled}) },
		},
		"when the last one that leaves, of any profile, is open": {
			others:  []Place{at("blog/web", "")},
			happens: func(o *office) { o.looks("other-0", Progress{Reached: Wide}) },
			want:    []string{"one"},
		},
		"when the last one has its labels": {
			others:  []Place{joiner},
			happens: func(o *office) { o.looks("other-0", Progress{Reached: Settled, Labelled: true}) },
			want:    []string{"one"},
		},
		"when the last one is stuck": {
			others:  []Place{behind},
			happens: func(o *office) { o.looks("other-0", Progress{Stuck: true}) },
			want:    []string{"one"},
		},
		"when the last one is gone": {
			others:  []Place{behind},
			happens: func(o *office) { o.Forget("other-0") },
			want:    []string{"one"},
		},
		"not when one is gone that nobody knows": {
			others:  []Place{behind},
			happens: func(o *office) { o.Forget("nobody") },
		},
		"when the last one is somewhere else": {
			others:  []Place{behind},
			happens: func(o *office) { o.Enter(1, "other-0", at("", "")) },
			want:    []string{"one"},
		},
		"once, and not again before it has been looked at": {
			others: []Place{behind, at("blog/web", "")},
			happens: func(o *office) {
				o.looks("other-0", Progress{Reached: Wide})
				o.looks("other-1", Progress{Reached: Wide})
			},
			want: []string{"one"},
		},
		"not by its own progress": {
			happens: func(o *office) { o.looks("one", Progress{Reached: Settled}) },
		},
		"whenever profiles have changed": {
			happens: func(o *office) { o.Take(2, map[string]Place{"one": joiner}) },
			want:    []string{"one"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			places := map[string]Place{"one": joiner}
			for i, other := range c.others {
				places[fmt.Sprint("other-", i)] = other
			}
			o := open(t, places)
			o.waits()
			c.happens(o)
			if diff := cmp.Diff(c.want, o.woken); diff != "" {
				t.Errorf("woken (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReport(t *testing.T) {
	joiner, behind := at("", "shop/web"), at("shop/web", "shop/web")
	cases := map[string]struct {
		// between is what happens while namespace one is looked at.
		between  func(*office)
		progress Progress
		serial   int64
		again    bool
	}{
		"nothing has changed":                             {progress: Progress{Waiting: true}},
		"what it waits for is over by now":                {between: func(o *office) { o.looks("two", Progress{Reached: Wide}) }, progress: Progress{Waiting: true}, again: true},
		"somebody else joins by now":                      {between: func(o *office) { o.Enter(1, "three", joiner) }, progress: Progress{Waiting: true}, again: true},
		"something has changed, and it waits for nothing": {between: func(o *office) { o.looks("two", Progress{Reached: Wide}) }},
		"profiles have changed":                           {between: func(o *office) { o.Take(2, o.places) }, progress: Progress{Waiting: true}, again: true},
		"profiles have changed, and it waits for nothing": {between: func(o *office) { o.Take(2, o.places) }, again: true},
		"it is gone": {between: func(o *office) { o.Forget("one") }, progress: Progress{Waiting: true}},
		"somebody saw that it is as declared in the meantime": {between: func(o *office) { o.looks("one", Progress{Exact: true}) }, progress: Progress{Waiting: true}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := open(t, map[string]Place{"one": joiner, "two": behind})
			view, _ := o.Enter(1, "one", joiner)
			if c.between != nil {
				c.between(o)
			}
			if again := o.Report(1, "one", view, c.progress, epoch); again != c.again {
				t.Errorf("to be looked at again: %t, want %t", again, c.again)
			}
		})
	}
}

func TestALookThatIsOutOfDateIsRefused(t *testing.T) {
	t.Parallel()
	o := open(t, map[string]Place{"one": at("", "shop/web")})
	o.Take(2, map[string]Place{"one": at("", "")})
	if view, current := o.Enter(1, "one", at("", "shop/web")); current {
		t.Errorf("it sees %+v by profiles of before", view)
	}
	if place := o.places["one"]; place.Role() != Outside {
		t.Errorf("it is %s by profiles of before", place.Role())
	}
}

func TestWhatFailsForLongIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	behind, joiner := at("shop/web", "shop/web"), at("", "shop/web")
	o := open(t, map[string]Place{"one": joiner, "two": behind})
	fails := func(failing bool, after time.Duration) {
		view, _ := o.Enter(1, "two", behind)
		o.Report(1, "two", view, Progress{Failing: failing}, epoch.Add(after))
	}
	mayGoOn := func(when string, want bool) {
		t.Helper()
		if view, _ := o.Enter(1, "one", joiner); view.MayRelabel != want {
			t.Errorf("%s: the others go on without it: %t, want %t", when, view.MayRelabel, want)
		}
	}
	fails(true, 0)
	fails(true, Patience-1)
	mayGoOn("when it has failed for less", false)
	fails(false, Patience)
	fails(true, Patience+1)
	mayGoOn("when it has failed again for a moment", false)
	o.waits()
	fails(true, 2*Patience+1)
	mayGoOn("when it has failed for long", true)
	if view, _ := o.Enter(1, "two", behind); !view.FailsForLong {
		t.Error("it is not told that it fails for long")
	}
	if diff := cmp.Diff([]string{"one"}, o.woken); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	fails(false, 3*Patience)
	mayGoOn("when it does not fail any more", false)
	if view, _ := o.Enter(1, "two", behind); view.FailsForLong {
		t.Error("it is told that it fails for long, and does not fail any more")
	}
}

func TestANamespaceWaitsOnlySoLong(t *testing.T) {
	t.Parallel()
	member, mover := at("shop/web", "shop/web"), at("shop/api", "shop/web")
	o := open(t, map[string]Place{"one": member, "two": mover})
	waits := func(waiting bool, after time.Duration) {
		view, _ := o.Enter(1, "one", member)
		o.Report(1, "one", view, Progress{Waiting: waiting}, epoch.Add(after))
	}
	alone := func(when string, want bool) {
		t.Helper()
		if view, _ := o.Enter(1, "one", member); view.AloneOfAll != want || view.AnyMoving == want {
			t.Errorf("%s: it goes on: %t, want %t", when, view.AloneOfAll, want)
		}
	}
	waits(true, 0)
	waits(true, Longest-1)
	alone("when it has waited for less", false)
	waits(false, Longest)
	waits(true, Longest+1)
	alone("when it has not waited for a moment", false)
	waits(true, 2*Longest+1)
	alone("when it has waited for long", true)
	view, _ := o.Enter(1, "one", member)
	o.Report(1, "one", view, Progress{Failing: true}, epoch.Add(2*Longest+2))
	alone("when what it went on to has failed", true)
	waits(false, 2*Longest+3)
	alone("when it has gone on", false)
}

// TestTheClocksOutlastAChangeOfTheProfile, which may come now and then.
func TestTheClocksOutlastAChangeOfTheProfile(t *testing.T) {
	t.Parallel()
	member, mover := at("shop/web", "shop/web"), at("shop/api", "shop/web")
	o := open(t, map[string]Place{"one": member, "two": mover})
	for generation := range 6 {
		changed := member
		changed.Basis = generation
		view, _ := o.Enter(1, "one", changed)
		if want := generation == 5; view.FailsForLong != want || view.AloneOfAll != want {
			t.Errorf("generation %d: it fails for long: %t, and goes on: %t; want %t", generation, view.FailsForLong, view.AloneOfAll, want)
		}
		after := Longest - Patience/2
		if generation == 4 {
			after = Longest + Patience/2
		}
		o.Report(1, "one", view, Progress{Failing: generation >= 3, Waiting: true}, epoch.Add(time.Duration(generation)*after/4))
	}
}

// TestWhoIsRelabelledAgainAndAgain is about somebody who may label a namespace, and so could keep others
// from going on.
func TestWhoIsRelabelledAgainAndAgain(t *testing.T) {
	t.Parallel()
	places := []Place{at("shop/web", "shop/api"), at("shop/web", "shop/data"), at("shop/web", "shop/web"), at("", "shop/web")}
	look := func(o *office, i int, progress Progress, after time.Duration) {
		place := places[i%len(places)]
		view, _ := o.Enter(1, "two", place)
		o.Report(1, "two", view, progress, epoch.Add(after))
	}
	t.Run("is not waited for when it fails", func(t *testing.T) {
		t.Parallel()
		o := open(t, map[string]Place{"one": at("shop/db", "shop/db"), "two": places[0]})
		for i := range 5 {
			look(o, i, Progress{Failing: true}, time.Duration(i)*Patience/4)
		}
		if view, _ := o.Enter(1, "one", at("shop/db", "shop/db")); !view.AloneOfAll {
			t.Errorf("others wait for it: %+v", view)
		}
	})
	t.Run("does not wait for longer than others", func(t *testing.T) {
		t.Parallel()
		o := open(t, map[string]Place{"one": at("shop/db", "shop/api"), "two": places[0]})
		for i := range 5 {
			look(o, i, Progress{Waiting: true}, time.Duration(i)*Longest/4)
		}
		if view, _ := o.Enter(1, "two", places[1]); !view.AloneOfAll {
			t.Errorf("it waits for others: %+v", view)
		}
	})
}

func TestTakeKeepsWhatIsKnownOfThoseThatStay(t *testing.T) {
	with := func(place Place, basis any) Place {
		place.Basis = basis
		return place
	}
	was := with(at("shop/web", "shop/web"), 1)
	cases := map[string]struct {
		place Place
		want  Reach
	}{
		"the same":                        {was, Settled},
		"another generation of a profile": {with(was, 2), Behind},
		"due elsewhere":                   {with(at("shop/web", "shop/api"), 1), Behind},
		"other labels":                    {with(at("", "shop/web"), 1), Behind},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := open(t, map[string]Place{"one": was})
			o.looks("one", Progress{Reached: Settled})
			o.Take(2, map[string]Place{"one": c.place, "new": at("", "")})
			if got := o.places["one"].progress.Reached; got != c.want {
				t.Errorf("it has reached %d, want %d", got, c.want)
			}
			o.Take(3, nil)
			if len(o.places) > 0 || len(o.counts) > 0 {
				t.Errorf("of nobody, places are %v and counts %v", o.places, o.counts)
			}
		})
	}
}

func TestACensusSaysWhatItCounts(t *testing.T) {
	t.Parallel()
	o := open(t, map[string]Place{"one": at("", "shop/web")})
	o.waits()
	for _, want := range []string{"one: ", "Joining", `for "shop" wait [one]`} {
		if !strings.Contains(o.String(), want) {
			t.Errorf("%q is not in\n%s", want, o.String())
		}
	}
}

// TestWhoWritesWhatLooksLikeTheOperatorsHoldsNobodyUp: a namespace of no profile was rid of its policies.
// Somebody writes others there, as often as he likes.
func TestWhoWritesWhatLooksLikeTheOperatorsHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	isolated, outside, joiner := at("", ""), at("", ""), at("", "shop/web")
	isolated.Isolated = true
	o := open(t, map[string]Place{"one": isolated, "two": joiner})
	joinerWaits := func(when string, want bool) {
		t.Helper()
		if view, _ := o.Enter(1, "two", joiner); view.AloneOfAll == want {
			t.Errorf("%s: the other one reckons with it: %t, want %t", when, !view.AloneOfAll, want)
		}
	}
	joinerWaits("isolated by earlier profiles, for all that is known", true)
	view, _ := o.Enter(1, "one", isolated)
	o.Report(1, "one", view, Progress{Released: true}, epoch)
	joinerWaits("released", false)
	o.Enter(1, "one", isolated)
	joinerWaits("isolated by somebody", false)
	o.Take(1, map[string]Place{"one": isolated, "two": joiner})
	joinerWaits("isolated by somebody when profiles change", false)
	o.Enter(1, "one", outside)
	joinerWaits("open", false)

	o.Enter(1, "one", joiner)
	joinerWaits("about to join", true)
	o.Enter(1, "one", isolated)
	joinerWaits("isolated, and not to join after all", true)
}

// TestWhatWasWrittenAndIsNotSeenYet: profiles change, and the cache is behind.
func TestWhatWasWrittenAndIsNotSeenYet(t *testing.T) {
	t.Parallel()
	leaver, joiner, outside := at("shop/web", ""), at("", "shop/web"), at("", "")
	o := open(t, map[string]Place{"one": leaver, "two": joiner, "three": joiner})
	o.Enter(1, "one", leaver)
	o.Labelled("one", Membership{}, true)
	o.Enter(1, "two", joiner)

	before, now, wrote := o.Wrote("one")
	if !wrote || before != leaver.Has || now != (Membership{}) {
		t.Errorf("of one it is known that its labels said %v, and say %v: %t", before, now, wrote)
	}
	o.Take(2, map[string]Place{"one": at("", "shop/web"), "two": outside, "three": outside})
	if before, _, wrote := o.Wrote("one"); !wrote || before != leaver.Has {
		t.Error("it is not known any more, and was not looked at")
	}
	if two, three := o.places["two"], o.places["three"]; two.Role() != Leaving || three.Role() != Outside {
		t.Errorf("one that may have been isolated is %s, and one that was not looked at %s", two.Role(), three.Role())
	}

	o.Enter(2, "one", at("", "shop/web"))
	o.Enter(2, "two", outside)
	if _, _, wrote := o.Wrote("one"); wrote {
		t.Error("it was looked at, and still counts as not seen")
	}
	if two := o.places["two"]; two.Role() != Outside {
		t.Errorf("one that turned out not to be isolated is %s", two.Role())
	}
}

// TestLabelsThatMayHaveBeenChanged: the API server did not say. Others reckon with either.
func TestLabelsThatMayHaveBeenChanged(t *testing.T) {
	t.Parallel()
	joiner, member := at("", "shop/web"), at("shop/api", "shop/api")
	o := open(t, map[string]Place{"one": joiner, "two": member})
	o.Enter(1, "one", joiner)
	o.Labelled("one", Membership{}, false)
	sees := func(when string, want bool) {
		t.Helper()
		view, _ := o.Enter(1, "two", member)
		if view.AnyJoining != want || view.AnyLeaving != want || view.AnyMoving != want || view.Alone == want {
			t.Errorf("%s, another one sees %+v", when, view)
		}
	}
	sees("before it was looked at again", true)
	o.Take(2, map[string]Place{"one": at("shop/web", "shop/web"), "two": member})
	if view, _ := o.Enter(2, "two", member); !view.AnyLeaving {
		t.Error("when profiles have changed, it does not count any more")
	}
	o.Take(3, map[string]Place{"one": joiner, "two": member})
	o.Enter(3, "one", at("shop/web", "shop/web"))
	if view, _ := o.Enter(3, "two", member); view.AnyLeaving || view.AnyJoining || view.AnyMoving {
		t.Errorf("when it was looked at again, another one sees %+v", view)
	}
}

// TestLabelsThatTheOperatorWasNotAboutToWriteAreForged, whatever the base policy says.
func TestLabelsThatTheOperatorWasNotAboutToWriteAreForged(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		before, after Place
		do            func(*office)
		want          bool
	}{
		"a member's, changed to another tier":       {before: at("shop/web", "shop/web"), after: at("shop/api", "shop/web"), want: true},
		"a leaver's, changed to another tier":       {before: at("shop/web", ""), after: at("shop/api", ""), want: true},
		"a newcomer's, changed to another tier":     {before: at("", "shop/web"), after: at("shop/api", "shop/web"), want: true},
		"a mover's, changed to what they are to be": {before: at("shop/api", "shop/web"), after: at("shop/web", "shop/web")},
		"and the namespace is due elsewhere now":    {before: at("shop/api", "shop/web"), after: at("shop/web", "shop/api")},
		"a mover's, as they were":                   {before: at("shop/web", "shop/web"), after: at("shop/web", "shop/api")},
		"taken off":                                 {before: at("shop/web", "shop/web"), after: at("", "shop/web")},
		"perhaps changed by the operator, as it seems": {
			before: at("shop/api", "shop/web"), after: at("shop/web", "shop/data"),
			do: func(o *office) {
				o.Labelled("one", Membership{Profile: "shop", Tier: "web"}, false)
				o.Take(2, map[string]Place{"one": at("shop/api", "shop/data")})
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t, map[string]Place{"one": c.before})
			o.Enter(1, "one", c.before)
			serial := int64(1)
			if c.do != nil {
				c.do(o)
				serial = 2
			}
			for range 2 {
				if view, _ := o.Enter(serial, "one", c.after); view.IsForged != c.want {
					t.Errorf("forged: %t, want %t", view.IsForged, c.want)
				}
			}
			o.Labelled("one", Membership{}, true)
			if view, _ := o.Enter(serial, "one", at("", c.after.Due.Profile+"/"+c.after.Due.Tier)); view.IsForged {
				t.Error("they were taken off, and count as forged")
			}
		})
	}
}
