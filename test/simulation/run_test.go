package simulation

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/apply"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/invariant"
)

// totals add up what all runs did.
type totals struct {
	pairs, writes, crashes, faults, flows int
}

// simulated is a cluster, its operator, and what was seen of it.
type simulated struct {
	t       *rapid.T
	store   *store
	machine *machine
	world   *invariant.World
	tracker *invariant.Tracker
	// states are the flows after each write since the last change of what is wanted.
	states []invariant.Flows
	log    []string
	// before is the cluster at the beginning of the transition.
	before string
	totals *totals
	// judged is told of a violation, if it is set.
	judged func(text string)
	// mayLose is set if there are policies of others: see docs/transitions.md.
	mayLose bool
}

func newSimulated(t *rapid.T, totals *totals) *simulated {
	s := &simulated{t: t, store: newStore(), totals: totals}
	members := drawNamespaces(t)
	s.world = world(slices.Sorted(maps.Keys(members)))
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
		s.look(name)
	}
	s.machine = &machine{
		store:   s.store,
		choose:  func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "next") },
		wrote:   s.wrote,
		crashAt: -1,
	}
	if rapid.IntRange(0, 2).Draw(t, "faults") == 0 {
		s.machine.faults = 10
	}
	return s
}

// look brings the tracker up to date with one namespace.
func (s *simulated) look(namespace string) {
	if err := s.tracker.SetLabels(namespace, s.store.namespaces[namespace].Labels); err != nil {
		s.t.Fatal(err)
	}
	if err := s.tracker.SetPolicies(namespace, s.store.policies(namespace)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *simulated) wrote(namespace, text string) {
	s.look(namespace)
	s.states = append(s.states, s.tracker.Flows())
	s.log = append(s.log, text)
}

// transition changes what is wanted, lets the operator work until nothing is left to do, and
// judges every state in between.
func (s *simulated) transition(change func()) {
	s.before = s.policies()
	change()
	for _, name := range s.store.cluster() {
		s.look(name)
	}
	s.states, s.log = []invariant.Flows{s.tracker.Flows()}, []string{"begin"}
	if rapid.Bool().Draw(s.t, "crash") {
		s.machine.crashAt = s.machine.writes + rapid.IntRange(0, 12).Draw(s.t, "crash after")
		s.totals.crashes++
	}
	s.machine.start()
	if err := s.machine.run(s.t.Context()); err != nil {
		s.t.Fatalf("%v\n%s", err, s.describe())
	}
	s.judge()
	s.checkSettled()
	s.totals.pairs++
	s.totals.faults += s.machine.failed
	s.machine.failed = 0
}

func (s *simulated) judge() {
	bounds := invariant.Between(s.states[0], s.states[len(s.states)-1])
	for i, state := range s.states {
		s.totals.writes++
		s.totals.flows += s.world.Size()
		report := bounds.Check(state)
		if report.Counts[invariant.Opened] > 0 || report.Counts[invariant.Lost] > 0 && !s.mayLose {
			if s.judged != nil {
				s.judged(report.String())
			}
			s.t.Fatalf("after write %d (%s): %s\n%s", i, s.log[i], report.String(), s.describe())
		}
	}
}

// checkSettled compares what is in the cluster with what the compiler makes of the profiles.
func (s *simulated) checkSettled() {
	claimants, plans := s.claimants()
	for _, name := range s.store.cluster() {
		n := s.store.namespaces[name]
		if s.store.profiles[n.Labels[v1alpha1.ProfileLabel]] == nil && n.Labels[v1alpha1.ProfileLabel] != "" {
			s.t.Fatalf("namespace %s is a member of a profile that was deleted\n%s", name, s.describe())
		}
		decision := claim.Decide(claim.Namespace{Name: name, Labels: n.Labels}, claimants, nil)
		var want []*networkingv1.NetworkPolicy
		member := map[string]string{}
		if decision.Outcome == claim.Held {
			continue
		}
		if decision.Outcome == claim.Claimed {
			p := plans[decision.Profile]
			want = render.Tier(p, p.Tier(decision.Tier)).In(name).Policies
			member = render.MembershipLabels(decision.Profile, decision.Tier)
		}
		got := slices.DeleteFunc(s.store.policies(name), func(p *networkingv1.NetworkPolicy) bool { return !apply.IsManaged(p) })
		if diff := cmp.Diff(specs(want), specs(got)); diff != "" {
			s.t.Fatalf("namespace %s is not as declared (-want +got):\n%s\n%s", name, diff, s.describe())
		}
		has := map[string]string{}
		for _, key := range []string{v1alpha1.ProfileLabel, v1alpha1.TierLabel} {
			if value, ok := n.Labels[key]; ok {
				has[key] = value
			}
		}
		if !labels.Equals(member, has) {
			s.t.Fatalf("namespace %s is labelled %v, want %v\n%s", name, has, member, s.describe())
		}
	}
}

func specs(policies []*networkingv1.NetworkPolicy) map[string]networkingv1.NetworkPolicySpec {
	out := map[string]networkingv1.NetworkPolicySpec{}
	for _, p := range policies {
		spec := *p.Spec.DeepCopy()
		if len(spec.Ingress) == 0 {
			spec.Ingress = nil
		}
		if len(spec.Egress) == 0 {
			spec.Egress = nil
		}
		out[p.Name] = spec
	}
	return out
}

func (s *simulated) claimants() ([]claim.Claimant, map[string]*plan.Plan) {
	var claimants []claim.Claimant
	plans := map[string]*plan.Plan{}
	for _, p := range s.store.profiles {
		compiled, errs := plan.Compile(p)
		if len(errs) > 0 {
			s.t.Fatalf("profile %s: %v", p.Name, errs.ToAggregate())
		}
		plans[p.Name] = compiled
		claimants = append(claimants, claim.Claimant{
			Profile: p.Name, UID: p.UID, Created: p.CreationTimestamp.Time, Tiers: compiled.ClaimTiers(),
		})
	}
	claim.Sort(claimants)
	return claimants, plans
}

func (s *simulated) describe() string {
	var out strings.Builder
	for _, name := range s.store.cluster() {
		fmt.Fprintln(&out, "namespace", name, s.store.namespaces[name].Labels)
	}
	for i, line := range s.log {
		fmt.Fprintln(&out, i, line)
	}
	fmt.Fprintln(&out, s.machine.life.reconciler.Census)
	fmt.Fprintf(&out, "BEFORE\n%s\nAFTER\n%s", s.before, s.policies())
	for _, p := range s.store.profiles {
		raw, _ := yaml.Marshal(p.Spec)
		fmt.Fprintf(&out, "profile %s\n%s\n", p.Name, raw)
	}
	return out.String()
}

// policies writes the labels and policies of all namespaces.
func (s *simulated) policies() string {
	var out strings.Builder
	for _, name := range s.store.cluster() {
		fmt.Fprintln(&out, "namespace", name, s.store.namespaces[name].Labels)
		for _, p := range s.store.policies(name) {
			raw, err := json.Marshal(&p.Spec)
			fmt.Fprintf(&out, "  %s %s %v\n", p.Name, raw, err)
		}
	}
	return out.String()
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
