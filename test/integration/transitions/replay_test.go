package transitions

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
	"github.com/segmentation-dev/segmentation-operator/test/invariant"
)

// worldOf has pods in the given namespaces: of the labels that the stories' profiles tell
// apart, and of none. Ports and addresses are those that the profiles use, and their
// neighbours.
func worldOf(namespaces []string) *invariant.World {
	return &invariant.World{
		Namespaces: namespaces,
		Classes: []invariant.Class{
			{Name: "a", Labels: map[string]string{"app": "a"}},
			{Name: "b", Labels: map[string]string{"app": "b"}},
			{Name: "dns", Labels: map[string]string{"k8s-app": "kube-dns"}},
			{Name: "none"},
		},
		Addresses: []netip.Addr{
			netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("198.51.100.8"), netip.MustParseAddr("203.0.113.1"),
		},
		Ports: slices.Concat(
			invariant.TCP(53, 54, 443, 444, 5431, 5432, 5433, 8079, 8080, 8081, 9089, 9090, 9099, 9100),
			invariant.UDP(53, 54, 8080, 9090)),
		Named: []reach.NamedPort{{Name: "http", Protocol: corev1.ProtocolTCP, Number: 8080}},
	}
}

// replayer takes a world through versions.
type replayer struct {
	t        *testing.T
	tracker  *invariant.Tracker
	inWorld  map[string]bool
	policies map[string]map[string]*networkingv1.NetworkPolicy
}

func newReplayer(t *testing.T, w *invariant.World) *replayer {
	t.Helper()
	tracker, err := invariant.NewTracker(w)
	if err != nil {
		t.Fatal(err)
	}
	r := &replayer{t: t, tracker: tracker, inWorld: map[string]bool{}, policies: map[string]map[string]*networkingv1.NetworkPolicy{}}
	for _, name := range w.Namespaces {
		r.inWorld[name], r.policies[name] = true, map[string]*networkingv1.NetworkPolicy{}
	}
	return r
}

// apply applies a version, and tells whether it is one of this world.
func (r *replayer) apply(v version) bool {
	r.t.Helper()
	if !r.inWorld[v.namespace] {
		return false
	}
	var err error
	if v.policy == nil {
		err = r.tracker.SetLabels(v.namespace, v.labels)
	} else {
		policies := r.policies[v.namespace]
		policies[v.policy.Name] = v.policy
		if v.deleted {
			delete(policies, v.policy.Name)
		}
		err = r.tracker.SetPolicies(v.namespace, slices.Collect(maps.Values(policies)))
	}
	if err != nil {
		r.t.Fatalf("%s: %v", v, err)
	}
	return true
}

// prove replays every version between two revisions, at which the world was settled, and
// judges each state. Other states that were wanted in between widen what is allowed.
func (s *scene) prove(from, to string, others ...invariant.Flows) {
	s.t.Helper()
	before, after := s.flowsAt(from), s.flowsAt(to)
	if before.Equal(after) && len(others) == 0 {
		s.t.Errorf("between %s and %s nothing has changed, so nothing is shown", from, to)
	}
	bounds := invariant.Between(before, append(others, after)...)
	if bounds.Kept() == 0 {
		s.t.Error("no flow is allowed before and after, so none can be lost")
	}
	s.judge(env.recorder.upTo(to), from, bounds)
}

// flowsAt are the flows at a revision.
func (s *scene) flowsAt(revision string) invariant.Flows {
	s.t.Helper()
	r := newReplayer(s.t, s.world)
	for _, v := range s.lastVersions(revision) {
		r.apply(v)
	}
	return r.tracker.Flows()
}

// lastVersions are the last versions of all things up to a revision.
func (s *scene) lastVersions(revision string) []version {
	type thing struct{ namespace, policy string }
	last := map[thing]version{}
	for _, v := range env.recorder.upTo(revision) {
		of := thing{namespace: v.namespace}
		if v.policy != nil {
			of.policy = v.policy.Name
		}
		last[of] = v
	}
	return slices.Collect(maps.Values(last))
}

// flowsOf are the flows of a state in which the scene need never have been.
func (s *scene) flowsOf(want state) invariant.Flows {
	s.t.Helper()
	r := newReplayer(s.t, s.world)
	for _, v := range s.lastVersions(s.last) {
		if v.policy == nil {
			r.apply(v)
		}
	}
	profiles, err := s.profiles(s.ctx())
	s.Expect(err).NotTo(HaveOccurred())
	for slot := range members {
		name, tier := want.tierOf(slot)
		if name == "" {
			continue
		}
		compiled, err := deploy.Compile(s.ctx(), env.admin, profiles[name])
		s.Expect(err).NotTo(HaveOccurred())
		labels := render.MembershipLabels(profiles[name].Name, tier)
		labels["scene"], labels["slot"] = s.name, strconv.Itoa(slot)
		r.apply(version{namespace: s.ns(slot), labels: labels})
		for _, policy := range render.Tier(compiled, compiled.Tier(tier)).In(s.ns(slot)).Policies {
			r.apply(version{namespace: s.ns(slot), policy: policy})
		}
	}
	return r.tracker.Flows()
}

// judge replays once more, and checks each state after the revision. That one side of a flow is
// open in between is no violation as long as the flow does not pass.
func (s *scene) judge(versions []version, from string, bounds *invariant.Bounds) {
	s.t.Helper()
	r := newReplayer(s.t, s.world)
	checked, broken := 0, 0
	for _, v := range versions {
		known := r.apply(v)
		if !known || !later(v.revision, from) {
			continue
		}
		checked++
		report := r.tracker.Check(bounds)
		found := report.Counts[invariant.Lost] + report.Counts[invariant.Opened]
		if found == 0 {
			continue
		}
		s.counts[violations] += found
		broken++
		if broken <= 3 {
			s.t.Errorf("%s leads to a state that is not between the two: %s", v, report.String())
		}
	}
	if broken > 3 {
		s.t.Errorf("%d of %d versions lead to such states", broken, checked)
	}
	s.counts[versionsChecked] += checked
	s.counts[flowsCompared] += checked * s.world.Size()
}
