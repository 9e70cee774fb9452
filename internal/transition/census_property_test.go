package transition

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// sequence drives a census by drawn operations.
type sequence struct {
	t      *rapid.T
	census *Census
	serial int64
	now    time.Time
	// looking are the namespaces that are looked at, with what they saw.
	looking map[string]look
	// asleep are the namespaces that wait, with what they saw when they began to.
	asleep map[string]View
}

type look struct {
	serial int64
	view   View
}

func (s *sequence) namespace() string {
	return fmt.Sprint("n", rapid.IntRange(0, 4).Draw(s.t, "namespace"))
}

func (s *sequence) place() Place {
	memberships := []string{"", "a/x", "a/y", "b/x"}
	some := func(label string) Membership { return in(rapid.SampledFrom(memberships).Draw(s.t, label)) }
	place := Place{Has: some("has"), Due: some("due"), Basis: rapid.IntRange(0, 1).Draw(s.t, "basis")}
	place.Kept = rapid.Bool().Draw(s.t, "kept") && place.Due != Membership{}
	for _, of := range memberships[1:] {
		if in(of) != place.Due && rapid.IntRange(0, 3).Draw(s.t, "mistaken") == 0 {
			place.Mistaken = append(place.Mistaken, in(of))
		}
	}
	return place
}

// take takes all namespaces anew.
func (s *sequence) take(*rapid.T) {
	places := map[string]Place{}
	for range rapid.IntRange(0, 5).Draw(s.t, "places") {
		places[s.namespace()] = s.place()
	}
	s.serial++
	s.census.Take(s.serial, places)
}

// link links profiles, or does so no longer, and takes all namespaces anew some time later.
func (s *sequence) link(*rapid.T) {
	s.census.Link(rapid.SampledFrom([]Groups{nil, GroupsOf(map[string][]string{"b": {"a"}})}).Draw(s.t, "groups"))
}

// enter begins a look at a namespace. It is where it was, most of the time.
func (s *sequence) enter(*rapid.T) {
	name := s.namespace()
	place, known := s.census.places[name]
	if !known || rapid.IntRange(0, 3).Draw(s.t, "elsewhere") == 0 {
		place = s.place()
	}
	view, current := s.census.Enter(s.serial, name, place)
	if !current {
		s.t.Fatalf("the look at %s is out of date", name)
	}
	delete(s.asleep, name)
	s.looking[name] = look{s.serial, view}
}

// report ends the look at a namespace.
func (s *sequence) report(*rapid.T) {
	if len(s.looking) == 0 {
		return
	}
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(s.looking))).Draw(s.t, "looked at")
	progress := Progress{
		Reached:  Reach(rapid.IntRange(0, int(Settled)).Draw(s.t, "reached")),
		Exact:    rapid.Bool().Draw(s.t, "exact"),
		Labelled: rapid.IntRange(0, 3).Draw(s.t, "labelled") == 0,
		Waiting:  rapid.IntRange(0, 3).Draw(s.t, "waiting") > 0,
		Failing:  rapid.IntRange(0, 3).Draw(s.t, "failing") == 0,
		Stuck:    rapid.IntRange(0, 3).Draw(s.t, "stuck") == 0,
	}
	s.now = s.now.Add(time.Duration(rapid.IntRange(0, 40).Draw(s.t, "seconds")) * time.Second)
	seen := s.looking[name]
	delete(s.looking, name)
	again := s.census.Report(seen.serial, name, seen.view, progress, s.now)
	place, known := s.census.places[name]
	if known && progress.Waiting && !again && place.Role() != Outside {
		s.asleep[name] = s.census.view(&place)
	}
}

func (s *sequence) forget(*rapid.T) {
	name := s.namespace()
	s.census.Forget(name)
	delete(s.asleep, name)
	delete(s.looking, name)
}

// checkCounts counts anew.
func (s *sequence) checkCounts(*rapid.T) {
	type tally struct {
		Counts         map[string]counts
		Mistaken, Kept map[Membership][]string
		Leaving        []string
	}
	got := tally{map[string]counts{}, listOf(s.census.mistaken), listOf(s.census.kept), slices.Sorted(maps.Keys(s.census.leaving))}
	for profile, of := range s.census.counts {
		if *of != (counts{}) {
			got.Counts[profile] = *of
		}
	}
	want := tally{map[string]counts{}, map[Membership][]string{}, map[Membership][]string{}, nil}
	for _, name := range slices.Sorted(maps.Keys(s.census.places)) {
		place := s.census.places[name]
		for _, profile := range s.census.groups.of(&place) {
			of := want.Counts[profile]
			of.add(place.countsIn(profile, s.census.groups), 1)
			want.Counts[profile] = of
		}
		if place.Role() == Leaving {
			want.Leaving = append(want.Leaving, name)
		}
		for _, of := range place.Mistaken {
			if place.Has != (Membership{}) || place.Due != (Membership{}) {
				want.Mistaken[of] = append(want.Mistaken[of], name)
			}
		}
		if place.Kept {
			want.Kept[place.Due] = append(want.Kept[place.Due], name)
		}
	}
	maps.DeleteFunc(want.Counts, func(_ string, of counts) bool { return of == counts{} })
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(counts{})); diff != "" {
		s.t.Fatalf("counts (-counted anew +kept):\n%s", diff)
	}
}

func listOf(b byTier) map[Membership][]string {
	out := map[Membership][]string{}
	for tier, namespaces := range b {
		out[tier] = slices.Sorted(maps.Keys(namespaces))
	}
	return out
}

// checkAsleep finds those that wait for something that is over.
func (s *sequence) checkAsleep(*rapid.T) {
	for name, saw := range s.asleep {
		place := s.census.places[name]
		sees := s.census.view(&place)
		over := sees.MayRelabel && !saw.MayRelabel || sees.MayOpen && !saw.MayOpen ||
			sees.Alone && !saw.Alone || sees.AloneOfAll && !saw.AloneOfAll ||
			saw.AnyJoining && !sees.AnyJoining || saw.AnyLeaving && !sees.AnyLeaving || saw.AnyMoving && !sees.AnyMoving ||
			saw.AnyFirst && !sees.AnyFirst || saw.AnySecond && !sees.AnySecond
		if over {
			s.t.Fatalf("%s sleeps on: it saw %+v and would see %+v\n%s", name, saw, sees, s.census)
		}
	}
}

func TestACensusCountsRightAndLosesNoWakeUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := &sequence{t: t, census: NewCensus(), now: epoch, looking: map[string]look{}, asleep: map[string]View{}}
		s.census.WakeWith(func(namespaces []string) {
			for _, name := range namespaces {
				delete(s.asleep, name)
			}
		})
		t.Repeat(map[string]func(*rapid.T){
			"take": s.take, "enter": s.enter, "look": s.enter, "report": s.report, "tell": s.report, "forget": s.forget, "link": s.link,
			"": func(t *rapid.T) {
				s.checkCounts(t)
				s.checkAsleep(t)
			},
		})
	})
}
