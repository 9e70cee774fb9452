package simulation

import (
	"maps"
	"slices"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/test/invariant"
)

// totals add up what all runs did.
type totals struct {
	pairs, writes, crashes, faults, flows int
	// warm are transitions that an operator began who had been there before, interrupted those with
	// another change on the way, and refusals those in which writes were refused.
	warm, interrupted, refusals int
	// forged are the changes on the way that nobody may make: of labels and policies of the operator's.
	forged int
	// departures are the changes of labels of which it was seen that access had gone before.
	departures int
	// late are the transitions in which watches may be late.
	late int
	// linked are the transitions in which profiles have paths to one another, before or after, and uneven those of them in
	// which the two sides of such a path are not the same.
	linked, uneven int
	// mixed are those in which a Service is not the same in all namespaces of its tier.
	mixed int
	// services are the changes of Services.
	services int
	// violations are the flows that were lost or opened.
	violations int
}

// simulated is a cluster, its operator, and what was seen of it.
type simulated struct {
	t       *rapid.T
	store   *store
	machine *machine
	world   *invariant.World
	// profiles are the names of the profiles that there may be.
	profiles []string
	tracker  *invariant.Tracker
	// states are those after each write of a transition, and log says what was written.
	states []state
	log    []string
	// wanted are the flows of what was wanted for a while, but is neither first nor last.
	wanted []invariant.Flows
	// before is the cluster at the beginning of the transition.
	before string
	totals *totals
	// judged is told of a violation, if it is set.
	judged func(*invariant.Report)
	// mayLose is set if there are policies of others: see docs/transitions.md.
	mayLose bool
	// layers are the labels that namespaces had in this transition which were relabelled one by one.
	layers map[string][]string
	// warm is set if the operator was there before the transition.
	warm bool
	// interrupted are the flows when what was wanted has changed.
	interrupted []invariant.Flows
	// mayHave are the rights of all states that were wanted.
	mayHave rights
	// relabelled is set if the change on the way was one of labels of users. Policies on the way, or under
	// way, may go by these. What that does to them is not the operator's.
	relabelled bool
	// midway is set if namespaces were held, as what was declared before, or half of it, has them.
	midway bool
	// uneven is set if the two sides of a path between profiles were not the same in a state that was wanted.
	uneven bool
	// mixed is set if a Service was not the same in all namespaces of its tier.
	mixed bool
	// linked is set if there are paths between profiles.
	linked bool
	// undisturbed is set if nothing changes on the way.
	undisturbed bool
	// exempt are the namespaces of which nothing is promised: writes were refused there, or somebody
	// changed what is the operator's.
	exempt []string
}

// state is what passes after a write.
type state struct {
	flows invariant.Flows
	// absent are the namespaces that are not there, and have no pods.
	absent []string
	// rights are who may read what.
	rights rights
	// policies are those of the namespace that was written to, for texts.
	policies []*networkingv1.NetworkPolicy
}

func newSimulated(t *rapid.T, totals *totals) *simulated {
	s := &simulated{t: t, store: newStore(), totals: totals, profiles: []string{"shop"}}
	members := drawNamespaces(t)
	s.world = world(append(slices.Sorted(maps.Keys(members)), drawLate(t)...))
	var err error
	if s.tracker, err = invariant.NewTracker(s.world); err != nil {
		t.Fatal(err)
	}
	crowded := map[string]bool{}
	if rapid.IntRange(0, 4).Draw(t, "crowded") == 0 {
		s.mayLose = true
		for _, name := range slices.Sorted(maps.Keys(members)) {
			crowded[name] = rapid.Bool().Draw(t, "crowded")
		}
	}
	members[labelled], members[bare] = map[string]string{"team": "ops"}, nil
	for _, name := range slices.Sorted(maps.Keys(members)) {
		s.store.addNamespace(name, members[name])
		if crowded[name] {
			s.store.add(foreign(name))
		}
		s.drawServices(name)
	}
	s.lookAtAll()
	s.machine = &machine{
		store:   s.store,
		choose:  func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "next") },
		wrote:   s.wrote,
		saw:     s.saw,
		wanted:  func() { s.want(s.store) },
		crashAt: -1, interruptAt: -1,
		overtaken: map[*pass]bool{},
	}
	s.machine.late = rapid.IntRange(0, 2).Draw(t, "late watches") == 0
	if rapid.IntRange(0, 2).Draw(t, "faults") == 0 {
		s.machine.faults = 10
	}
	return s
}

// look brings the tracker up to date with one namespace.
func (s *simulated) look(namespace string) {
	var labels map[string]string
	if n := s.store.namespaces[namespace]; n != nil {
		labels = n.Labels
	}
	if err := s.tracker.SetLabels(namespace, labels); err != nil {
		s.t.Fatal(err)
	}
	if err := s.tracker.SetPolicies(namespace, s.store.policies(namespace)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *simulated) lookAtAll() {
	for _, name := range s.world.Namespaces {
		s.look(name)
	}
}

func (s *simulated) wrote(namespace, text string, late bool) {
	s.look(namespace)
	if late {
		// The change finds this, too: it was on its way. So does what the operator has seen of the change.
		s.found()
		s.saw(s.machine.life.cache.shown)
		if s.relabelled {
			s.wanted = append(s.wanted, s.tracker.Flows())
		}
	}
	s.record(text, s.store.policies(namespace)...)
}

// noteLinks takes note of paths between profiles, and of Services that have several forms.
func (s *simulated) noteLinks(d *declaration) {
	linked, uneven := d.links()
	s.linked, s.uneven, s.mixed = s.linked || linked, s.uneven || uneven, s.mixed || d.isMixed()
}

// want takes note of what is declared for now, or what the operator takes to be.
func (s *simulated) want(store *store) {
	s.wanted = append(s.wanted, s.idealOf(store))
	maps.Copy(s.mayHave, s.rightsDue(store))
}

// found takes note of what a change on the way finds.
func (s *simulated) found() {
	s.interrupted = append(s.interrupted, s.tracker.Flows())
	maps.Copy(s.mayHave, s.rightsNow())
}

// record takes note of the present state.
func (s *simulated) record(text string, policies ...*networkingv1.NetworkPolicy) {
	absent := slices.DeleteFunc(slices.Clone(s.world.Namespaces), func(name string) bool { return s.store.namespaces[name] != nil })
	s.states = append(s.states, state{s.tracker.Flows(), absent, s.rightsNow(), policies})
	s.log = append(s.log, text)
}

// transition changes what is wanted, lets the operator work until nothing is left to do, and
// judges every state in between.
func (s *simulated) transition(change func()) {
	s.before, s.midway = s.policies(), s.isHeld() || s.anyHeld()
	s.linked, s.uneven, s.mixed = false, false, false
	s.noteLinks(declare(s.store))
	s.states, s.log, s.wanted, s.exempt, s.layers = nil, nil, nil, nil, map[string][]string{}
	s.interrupted, s.relabelled, s.mayHave = nil, false, s.rightsNow()
	clear(s.machine.overtaken)
	s.warm = s.machine.life != nil && rapid.Bool().Draw(s.t, "warm")
	s.machine.watch(change)
	s.lookAtAll()
	s.record("begin\n" + s.declared())
	s.machine.crashAt = -1
	if rapid.Bool().Draw(s.t, "crash") {
		s.machine.crashAt = s.machine.writes + rapid.IntRange(0, 12).Draw(s.t, "crash after")
		s.totals.crashes++
	}
	crashAt := s.machine.crashAt
	s.prepareInterruption()
	s.prepareRefusals()
	if s.warm {
		s.totals.warm++
	} else {
		s.machine.start()
	}
	if err := s.machine.run(s.t.Context()); err != nil {
		s.t.Fatalf("%v\n%s", err, s.describe())
	}
	s.noteLinks(declare(s.store))
	s.judge()
	s.judgeRights()
	if s.warm && crashAt < 0 && s.machine.failed == 0 && len(s.wanted)+len(s.exempt) == 0 {
		s.judgeDepartures()
	}
	s.checkSettled()
	s.totals.pairs++
	if s.linked {
		s.totals.linked++
	}
	if s.uneven {
		s.totals.uneven++
	}
	if s.mixed {
		s.totals.mixed++
	}
	if s.machine.late {
		s.totals.late++
	}
	s.totals.faults += s.machine.failed
	s.machine.failed = 0
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
