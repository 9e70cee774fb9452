package transitions

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

const (
	// flips is how often a namespace is relabelled between two profiles without a wait.
	flips = 8
	// between is how long it keeps a label at most meanwhile.
	between = 150 * time.Millisecond
)

// TestRaces lets two profiles quarrel about namespaces: created at once, an older one that claims
// what a younger one has, and a namespace that goes back and forth between them.
func TestRaces(t *testing.T) {
	tell(t, "races", func(s *scene) {
		unhit := func(state) int { return 0 }
		s.begin()
		var older, younger string
		s.step("two profiles that select the same namespaces are created at once", func() {
			older, younger = s.createAtOnce()
			s.conflicted(younger, "012345")
			s.conflicted(older, "")
		})
		if older == "" {
			t.FailNow()
		}
		s.once("the older one lets go of two of them", quarrel(older, younger, "01", "34", "2", "5"),
			func() { s.change(older, s.selects("01", "34")) }, unhit)
		s.conflicted(younger, "0134")
		s.once("the older one claims them again", quarrel(older, younger, "012", "345", "", ""),
			func() { s.change(older, s.selects("012", "345")) }, unhit)
		s.conflicted(younger, "012345")
		home := peace(older, younger, "012", "345", "67", "89")
		s.once("the younger one selects others", home, func() { s.change(younger, s.selects("67", "89")) }, unhit)
		s.conflicted(younger, "")
		away := peace(older, younger, "01", "345", "267", "89")
		s.once("a namespace is relabelled to the younger one", away, func() { s.relabel(2, 6) }, unhit)
		abroad := s.flowsAt(s.last)
		s.once("it is relabelled back", home, func() { s.relabel(2, 0) }, unhit)
		s.step("it is relabelled back and forth without a wait", func() {
			for i := range flips {
				s.relabel(2, 6*((i+1)%2))
				s.pause(between)
			}
			from := s.last
			s.last = s.settle(home)
			s.prove(from, s.last, abroad)
			s.bounded(from, map[int]int{2: flips})
		})
	})
}

// tiersOf are the members of the two tiers that the profiles of a quarrel have.
func tiersOf(profile, web, second string) map[string]string {
	if profile == "shop" {
		return shopOf(web, second, "")
	}
	return depotOf(web, second)
}

// peace is a state in which nobody loses anything.
func peace(older, younger, olderWeb, olderSecond, youngerWeb, youngerSecond string) state {
	st := state{members: tiersOf(older, olderWeb, olderSecond)}
	maps.Copy(st.members, tiersOf(younger, youngerWeb, youngerSecond))
	return st
}

// quarrel is a state in which both profiles select the same six namespaces.
func quarrel(older, younger, olderWeb, olderSecond, youngerWeb, youngerSecond string) state {
	st := peace(older, younger, olderWeb, olderSecond, youngerWeb, youngerSecond)
	st.lost = map[string]int{younger: len(olderWeb + olderSecond)}
	return st
}

// createAtOnce creates both profiles at the same time, and returns which of them has to get the
// namespaces: the one created first, and of two created in the same second the first by name. Each
// namespace gets its labels from it alone, or from the other one before.
func (s *scene) createAtOnce() (older, younger string) {
	s.t.Helper()
	var both sync.WaitGroup
	var failed [2]error
	both.Go(func() { failed[0] = env.admin.Create(s.ctx(), s.shop("012", "345", none)) })
	both.Go(func() { failed[1] = env.admin.Create(s.ctx(), s.depot("012", "345")) })
	both.Wait()
	s.Expect(errors.Join(failed[:]...)).To(Succeed())
	older, younger = "depot", "shop"
	if s.profile("shop").CreationTimestamp.Time.Before(s.profile("depot").CreationTimestamp.Time) {
		older, younger = "shop", "depot"
	}
	from := s.last
	s.last = s.settle(quarrel(older, younger, "012", "345", "", ""))
	// The younger one may have been there alone for a moment.
	s.prove(from, s.last, s.flowsOf(state{members: tiersOf(younger, "012", "345")}))
	for slot := range members {
		changes := s.memberships(slot, from, s.last)
		last := changes[len(changes)-1]
		of, tier := quarrel(older, younger, "012", "345", "", "").tierOf(slot)
		_, before := state{members: tiersOf(younger, "012", "345")}.tierOf(slot)
		direct := []string{"/", s.labelsOf(of, tier)}
		detour := []string{"/", s.labelsOf(younger, before), s.labelsOf(of, tier)}
		if of != "" && !slices.Equal(changes, direct) && !slices.Equal(changes, detour) || of == "" && last != "/" {
			s.t.Errorf("the labels of namespace %s went through %v", s.ns(slot), changes)
		}
	}
	return older, younger
}

// labelsOf is what memberships says of a member.
func (s *scene) labelsOf(profile, tier string) string { return s.name + "-" + profile + "/" + tier }

// bounded insists that the membership labels of each namespace have changed only so often since
// a revision.
func (s *scene) bounded(from string, most map[int]int) {
	s.t.Helper()
	for slot := range members {
		changes := s.memberships(slot, from, s.last)
		s.counts[labelChanges] += len(changes) - 1
		if len(changes)-1 > most[slot] {
			s.t.Errorf("the labels of namespace %s changed %d times, want %d at most: %v", s.ns(slot), len(changes)-1, most[slot], changes)
		}
	}
}
