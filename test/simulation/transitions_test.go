package simulation

import (
	"flag"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/test/invariant"
)

// checks is how many clusters are drawn; each goes through two transitions, or three.
const checks = "4000"

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		// The same clusters each time: a change is not to fail for what another one brought in. A longer
		// run, make prove, draws others each time.
		for name, value := range map[string]string{"rapid.checks": checks, "rapid.seed": "20261124"} {
			if err := flag.Set(name, value); err != nil {
				panic(err)
			}
		}
	}
	os.Exit(m.Run())
}

// TestEveryStateBetweenTwoProfilesIsSafe draws clusters and pairs of profiles.
func TestEveryStateBetweenTwoProfilesIsSafe(t *testing.T) {
	all := &totals{}
	// What was counted is told also if a violation ends the test. Then the same cluster is drawn again and
	// again, to make it smaller, and counts each time.
	defer all.tell(t)
	rapid.Check(t, func(t *rapid.T) { between(t, newSimulated(t, all)) })
}

func (all *totals) tell(t *testing.T) {
	t.Helper()
	for _, line := range []struct {
		name  string
		count int
	}{
		{"pairs", all.pairs},
		{"simulated writes checked", all.writes},
		{"simulated flows compared", all.flows},
		{"simulated crashes", all.crashes},
		{"simulated faults", all.faults},
		{"simulated changes on the way", all.interrupted},
		{"simulated changes of labels and policies by somebody else", all.forged},
		{"simulated transitions of an operator that goes on", all.warm},
		{"simulated transitions with refused writes", all.refusals},
		{"simulated transitions with late watches", all.late},
		{"simulated transitions with paths between profiles", all.linked},
		{"simulated transitions with uneven paths between profiles", all.uneven},
		{"simulated transitions with Services in several forms", all.mixed},
		{"simulated changes of Services", all.services},
		{"simulated changes of labels after access", all.departures},
		{"simulated violations", all.violations},
	} {
		t.Logf("prove: %s = %d", line.name, line.count)
	}
}

// between takes a cluster to one or two profiles, and then to a change of them.
func between(t *rapid.T, s *simulated) {
	if rapid.Bool().Draw(t, "two profiles") {
		s.profiles = append(s.profiles, "wiki")
	}
	put := func() {
		for i, name := range s.profiles {
			s.putProfile(name, epoch.Add(time.Duration(i)*time.Hour))
		}
	}
	s.transition(put)
	switch rapid.IntRange(0, 7).Draw(t, "change") {
	case 0:
		s.transition(func() {
			if s.warm {
				s.relabelOneByOne()
			} else {
				s.relabel()
			}
		})
	case 1:
		s.transition(func() {
			s.deleteProfile(rapid.SampledFrom(s.profiles).Draw(t, "deleted"))
		})
	case 2:
		s.transition(func() { s.changeServices() })
	case 3: // One of two profiles changes by itself: it may answer what the other declares, or withdraw that.
		s.transition(func() {
			name := rapid.SampledFrom(s.profiles).Draw(t, "changed")
			s.putProfile(name, s.created(name))
		})
	default:
		s.transition(put)
	}
	if s.isHeld() && rapid.Bool().Draw(t, "repaired") {
		s.transition(put)
	}
}

// TestABrokenOrderIsFoundOut makes the writes of each namespace in another order than the
// operator wants them. If that were not found out, the test above would show nothing.
func TestABrokenOrderIsFoundOut(t *testing.T) {
	if lost, _ := findOut(t, func(m *machine) { m.swap = true }); lost < 6 {
		t.Errorf("of 60 clusters with a broken order only %d were found to lose flows", lost)
	}
}

// TestWhatIsOpenForAMomentIsFoundOut has every change deleted and created anew.
func TestWhatIsOpenForAMomentIsFoundOut(t *testing.T) {
	if _, opened := findOut(t, func(m *machine) { m.recreate = true }); opened < 4 {
		t.Errorf("of 60 clusters only %d were found to open flows", opened)
	}
}

// TestABrokenOrderAcrossNamespacesIsFoundOut lets no namespace wait for another.
func TestABrokenOrderAcrossNamespacesIsFoundOut(t *testing.T) {
	if lost, _ := findOut(t, func(m *machine) { m.alone = true }); lost < 6 {
		t.Errorf("of 60 clusters in which nobody waits only %d were found to lose flows", lost)
	}
}

// findOut breaks an order, and counts the clusters of 60 that are found to lose or open flows.
func findOut(t *testing.T, breakOrder func(*machine)) (lost, opened int) {
	t.Helper()
	for seed := range 60 {
		said := &said{}
		func() {
			defer func() { _ = recover() }()
			rapid.Custom(func(t *rapid.T) bool {
				s := newSimulated(t, &totals{})
				breakOrder(s.machine)
				s.machine.faults, s.mayLose = 0, false
				s.judged = said.note
				between(t, s)
				return true
			}).Example(seed)
		}()
		lost, opened = lost+min(said.lost, 1), opened+min(said.opened, 1)
	}
	t.Logf("of 60 clusters %d were found to lose flows, and %d to open some", lost, opened)
	return lost, opened
}

// said is what was said against a run.
type said struct{ lost, opened int }

func (s *said) note(report *invariant.Report) {
	s.lost, s.opened = report.Counts[invariant.Lost], report.Counts[invariant.Opened]
}
