package simulation

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// TestEveryStateBetweenTwoProfilesIsSafe draws clusters and pairs of profiles.
func TestEveryStateBetweenTwoProfilesIsSafe(t *testing.T) {
	all := &totals{}
	rapid.Check(t, func(t *rapid.T) { between(t, all) })
	t.Logf("prove: pairs = %d", all.pairs)
	t.Logf("prove: writes = %d, crashes = %d, flows = %d", all.writes, all.crashes, all.flows)
}

func between(t *rapid.T, all *totals) {
	s := newSimulated(t, all, nil)
	profiles := []string{"shop"}
	if rapid.IntRange(0, 2).Draw(t, "two profiles") == 0 {
		profiles = []string{"shop", "wiki"}
	}
	put := func() {
		for i, name := range profiles {
			s.store.putProfile(drawProfile(t, name, epoch.Add(time.Duration(i)*time.Hour)))
		}
	}
	s.transition(put)
	switch rapid.IntRange(0, 3).Draw(t, "change") {
	case 0:
		s.transition(func() {
			for _, name := range s.store.cluster() {
				if name != labelled && name != bare && rapid.Bool().Draw(t, "relabel") {
					s.store.label(name, map[string]string{"layer": drawLayer(t)})
				}
			}
		})
	case 1:
		s.transition(func() {
			s.store.deleteProfile(rapid.SampledFrom(profiles).Draw(t, "deleted"))
		})
	default:
		s.transition(put)
	}
	_ = v1alpha1.ProfileLabel
}
