package transitions

import (
	"slices"
	"time"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// enough is how long one transition is repeated at most until it was struck often enough.
const enough = time.Minute

// way is a transition that can be made in both directions, each time by one request that changes
// one profile.
type way struct {
	name    string
	profile string
	change  func(*v1alpha1.SegmentationProfileSpec)
	// from and to are the settled states at its ends.
	from, to state
}

// strike lets something go wrong while the operator is on its way to a state, and returns how
// often it hit.
type strike func(want state) int

// begin settles the scene as it is, without profiles, with a running operator.
func (s *scene) begin() {
	s.t.Helper()
	s.start()
	s.last = s.settle(state{})
}

// arrive waits until the next state is settled, and judges all that was in between.
func (s *scene) arrive(want state) {
	s.t.Helper()
	from := s.last
	s.last = s.settle(want)
	s.prove(from, s.last)
	s.steady(from, s.last)
	s.counts[transitionsMade]++
}

// once makes a transition that has no way back.
func (s *scene) once(name string, want state, begin func(), hit strike) {
	s.t.Helper()
	s.step(name, func() {
		begin()
		s.t.Logf("hit %d times", hit(want))
		s.arrive(want)
	})
}

// hit goes a way, and back and again until it was hit often enough, and ends at its far end.
func (s *scene) hit(w way, least int, hit strike) {
	s.t.Helper()
	s.step(w.name, func() {
		deadline := time.Now().Add(enough)
		near := s.profile(w.profile).Spec
		there := func(spec *v1alpha1.SegmentationProfileSpec) { near = *spec.DeepCopy(); w.change(spec) }
		back := func(spec *v1alpha1.SegmentationProfileSpec) { *spec = *near.DeepCopy() }
		times, ways := 0, 0
		for ; ways == 0 || times < least && time.Now().Before(deadline); ways++ {
			if ways > 0 {
				s.change(w.profile, back)
				times += hit(w.from)
				s.arrive(w.from)
			}
			s.change(w.profile, there)
			times += hit(w.to)
			s.arrive(w.to)
		}
		s.t.Logf("hit %d times, there %d times and back %d times", times, ways, ways-1)
		if times < least {
			s.t.Errorf("the operator was hit only %d times while it was at work, want %d", times, least)
		}
	})
}

// steady insists that no membership label has changed and changed again: between two settled
// states there is one change at most.
func (s *scene) steady(from, to string) {
	s.t.Helper()
	for slot := range members {
		changes := s.memberships(slot, from, to)
		s.counts[labelChanges] += len(changes) - 1
		if len(changes) > 2 {
			s.t.Errorf("the labels of namespace %s went from one to the other: %v", s.ns(slot), changes)
		}
	}
}

// memberships are what the membership labels of a namespace said one after the other between two
// revisions, the first of them included.
func (s *scene) memberships(slot int, from, to string) []string {
	var all []string
	for _, v := range env.recorder.upTo(to) {
		if v.namespace != s.ns(slot) || v.policy != nil {
			continue
		}
		if !later(v.revision, from) {
			all = nil
		}
		all = append(all, v.labels[v1alpha1.ProfileLabel]+"/"+v.labels[v1alpha1.TierLabel])
	}
	return slices.Compact(all)
}
