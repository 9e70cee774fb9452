package simulation

import (
	"slices"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/invariant"
)

// judge judges every state. Each state that was wanted for a while is one more state that flows
// may be as in: see docs/transitions.md.
func (s *simulated) judge() {
	if len(s.wanted)+len(s.exempt) == 0 {
		s.judgeLabels()
	}
	var bounds *invariant.Bounds
	for i, state := range s.states {
		s.totals.writes++
		s.totals.flows += s.world.Size()
		if i == 0 || !slices.Equal(state.absent, s.states[i-1].absent) {
			wanted := append(slices.Clone(s.wanted), s.states[len(s.states)-1].flows)
			bounds = invariant.Between(s.states[0].flows, wanted...).Except(state.absent...).Except(s.exempt...)
			if s.midway || s.uneven || s.mixed || len(s.wanted) > 0 || s.anyHeld() {
				bounds.BySides(s.interrupted...)
			}
			if (s.uneven || s.mixed) && s.changesLabels() {
				bounds.OneSided(s.states[len(s.states)-1].flows, s.joined()...)
			}
		}
		report := bounds.Check(state.flows)
		found := report.Counts[invariant.Opened]
		if !s.mayLose {
			found += report.Counts[invariant.Lost]
		}
		if s.totals.violations += found; found > 0 {
			if s.judged != nil {
				s.judged(&report)
			}
			s.t.Fatalf("after write %d (%s): %s\n%s", i, s.log[i], report.String(), s.describe())
		}
	}
}

// changesLabels tells whether the operator changed labels.
func (s *simulated) changesLabels() bool {
	return slices.ContainsFunc(s.log, func(line string) bool {
		return strings.HasPrefix(line, "label ") || strings.HasPrefix(line, "unlabel ")
	})
}

// joined are the members of profiles. Between them one side by itself closes only what goes to a Service that is not the
// same in all namespaces of its tier, and what two profiles declare in different ways: see docs/transitions.md.
func (s *simulated) joined() []string {
	return slices.DeleteFunc(s.store.cluster(), func(name string) bool {
		return s.store.namespaces[name].Labels[v1alpha1.ProfileLabel] == ""
	})
}

// judgeLabels sees to it that nothing flaps: where a transition is one change, and nothing is refused, no
// namespace gets other labels more than once.
func (s *simulated) judgeLabels() {
	for name := range s.store.namespaces {
		count := 0
		for _, line := range s.log {
			if strings.HasPrefix(line, "label "+name+" ") || strings.HasPrefix(line+" ", "unlabel "+name+" ") {
				count++
			}
		}
		if count > 1 {
			s.t.Fatalf("the labels of %s were changed %d times\n%s", name, count, s.describe())
		}
	}
}
