package controllers

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/services"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// Profiles compiles the profiles of the cluster, each generation once, and tells what they
// claim. Both reconcilers ask it, so that they always speak of the same compilation.
type Profiles struct {
	reader    client.Reader
	protected claim.Protected
	census    *transition.Census
	// own is the operator's own namespace; empty outside of a cluster.
	own string

	// byAddress is set if the network plugin compares the addresses of Services with policies.
	byAddress bool
	// enforced says what enforces policies.
	enforced enforcement

	mu       sync.Mutex
	keeper   *metav1.OwnerReference
	compiled map[types.UID]*compiled
	snapshot *snapshot
	serial   int64
	// facts are what the cluster said when they were last looked at, called are the Services in it that dependencies
	// name, and touched is set if it may say something else by now.
	facts   *plan.Facts
	called  *services.Registry
	names   names
	touched bool
	// changed is called with namespaces to which something else is due than before, as the cluster says something else,
	// and found with profiles about which something else may be found.
	changed, found func(names []string)
	// lookedAround is when that was last taken in, and for how long it is not again.
	lookedAround time.Time
	rest         time.Duration
	// isDue is set as long as it is to be taken in later, and isOther once something else was seen to be due: then it is
	// taken as soon as writes under way have ended, since others may always have begun when it is looked again.
	isPaced, isDue, isOther bool
}

// NewProfiles returns an empty collection that reads profiles and namespaces with the reader,
// which has to be a cache. When profiles change, it tells the census where each namespace is due.
// The operator's own namespace may be empty.
func NewProfiles(reader client.Reader, protected claim.Protected, census *transition.Census, own string) *Profiles {
	return &Profiles{
		reader: reader, protected: protected, census: census, own: own, compiled: map[types.UID]*compiled{},
		facts: plan.Usual(), called: services.NewRegistry(false), names: newNames(),
		changed: func([]string) {}, found: func([]string) {},
	}
}

// GoByServiceAddresses has dependencies on Services opened at the Services' own addresses, too. It is called before
// anything is compiled.
func (p *Profiles) GoByServiceAddresses() {
	p.byAddress, p.called = true, services.NewRegistry(true)
}

// snapshot is all profiles at one time. It is never changed.
type snapshot struct {
	// serial tells snapshots apart, for those who must not keep them alive.
	serial int64
	// claimants are in the order of precedence.
	claimants []claim.Claimant
	byName    map[string]*compiled
	profiles  []identity
	home      home
	// taken is when they were taken.
	taken time.Time
	// calls are the Services that dependencies name, and peers the peers that have namespaces.
	calls []plan.Lookup
	peers []peer
	// groups are the profiles that have paths to one another.
	groups transition.Groups
	// engine is what enforces policies, and naming the names of ports that it does not take and that dependencies give.
	engine engine.Found
	naming []plan.Naming
	// pods reads the pods of a namespace.
	pods podReader
}

// errUnderWay says that profiles have changed, and that writes are still under way that were decided on
// before. They are over soon: Census.Await tells when.
var errUnderWay = errors.New("waiting for writes that are under way")

// current returns the profiles as the cache shows them. As long as no profile changes, it
// returns the same one. When they have changed, it lets no further write begin by those of before, and
// fails with errUnderWay until those that had begun have ended. Who asks reads the cache in his turn: what
// was read before would make an older snapshot come after a newer one.
func (p *Profiles) current(ctx context.Context) (*snapshot, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list v1alpha1.SegmentationProfileList
	if err := p.reader.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	identities := make([]identity, 0, len(list.Items))
	for i := range list.Items {
		identities = append(identities, identify(&list.Items[i]))
	}
	slices.SortFunc(identities, compareIdentities)
	own, err := lookHome(ctx, p.reader, p.own)
	if err != nil {
		return nil, err
	}
	p.keep(own.keeper)
	if p.snapshot != nil && !p.isOther && slices.Equal(p.snapshot.profiles, identities) &&
		maps.Equal(p.snapshot.home.bookmarks, own.bookmarks) {
		isSame, err := p.lookAgain(ctx)
		if err != nil {
			return nil, err
		}
		if isSame {
			p.census.Resume()
			return p.snapshot, nil
		}
		p.isOther = true
	}
	if !p.census.Halt() {
		return nil, errUnderWay
	}
	return p.renew(ctx, &list, identities, own)
}

// keep takes note of who owns policies beside their profiles. If the operator's namespace was made anew,
// all policies have another owner now.
func (p *Profiles) keep(keeper *metav1.OwnerReference) {
	if p.keeper != nil && !equality.Semantic.DeepEqual(p.keeper, keeper) {
		p.snapshot, p.compiled = nil, map[types.UID]*compiled{}
	}
	p.keeper = keeper
}

// renew takes profiles, what the cluster says, and the census anew.
func (p *Profiles) renew(
	ctx context.Context, list *v1alpha1.SegmentationProfileList, identities []identity, own home,
) (*snapshot, error) {
	began := time.Now()
	defer func() { p.paceSince(began) }()
	namespaces, err := listNamespaces(ctx, p.reader)
	if err != nil {
		return nil, err
	}
	found, err := p.findEngine(ctx)
	if err != nil {
		return nil, err
	}
	declared := p.declare(list, own, found)
	called, known, err := p.lookAround(ctx, declared, namespaces)
	if err != nil {
		return nil, err
	}
	p.names = known
	facts, err := p.gatherFacts(ctx, declared, called)
	if err != nil {
		return nil, err
	}
	p.facts, p.called = facts, called
	next := p.take(list, identities, own, found)
	next.tellEngine(ctx, p.snapshot)
	places := make(map[string]transition.Place, len(namespaces))
	for i := range namespaces {
		namespace := p.asWritten(&namespaces[i])
		observed, err := gatherPolicies(ctx, p.reader, namespace)
		if err != nil {
			return nil, err
		}
		places[namespace.Name] = next.place(observed, next.decide(namespace, p.protected))
	}
	before := p.snapshot
	p.snapshot, p.touched, p.isOther = next, false, false
	p.census.Called(next.called())
	p.census.Link(next.groups)
	p.census.Take(next.serial, places)
	p.changed(append(next.concerned(before, places), next.chosenAnew(before, namespaces, places)...))
	p.found(slices.Sorted(maps.Keys(next.byName)))
	return next, nil
}

// declare compiles profiles for what was known of the cluster: whom they claim does not depend on it, and which
// Services they name.
func (p *Profiles) declare(list *v1alpha1.SegmentationProfileList, own home, found engine.Found) *snapshot {
	s := &snapshot{byName: map[string]*compiled{}, home: own, engine: found, pods: p.enforced.pods}
	for i := range list.Items {
		profile := &list.Items[i]
		c := p.compiled[profile.UID]
		if c == nil || c.identity != identify(profile) {
			c = compile(profile, own.keeper, p.facts)
			p.compiled[profile.UID] = c
		}
		s.byName[profile.Name] = c
		s.claimants = append(s.claimants, s.claimantOf(profile, c))
	}
	claim.Sort(s.claimants)
	s.calls, s.naming = callsOf(s.byName), namingOf(s.byName, found)
	return s
}

func (p *Profiles) take(list *v1alpha1.SegmentationProfileList, identities []identity, own home, found engine.Found) *snapshot {
	p.serial++
	s := &snapshot{
		serial: p.serial, byName: map[string]*compiled{}, profiles: identities, home: own, taken: time.Now(),
		engine: found, pods: p.enforced.pods,
	}
	current := make(map[types.UID]*compiled, len(list.Items))
	for i := range list.Items {
		profile := &list.Items[i]
		c := p.compiled[profile.UID].resolved(p.facts).judged(found, p.facts)
		current[profile.UID] = c
		s.byName[profile.Name] = c
		s.claimants = append(s.claimants, s.claimantOf(profile, c))
	}
	claim.Sort(s.claimants)
	s.calls, s.peers, s.groups = callsOf(s.byName), peersIn(s.byName), groupsOf(s.byName)
	s.naming = namingOf(s.byName, found)
	p.compiled = current
	return s
}

// claimantOf is what a profile claims: nothing new as long as it has no bookmark, since what is
// written for it could not be told from what an orphan left.
func (s *snapshot) claimantOf(profile *v1alpha1.SegmentationProfile, c *compiled) claim.Claimant {
	claimant := c.claimant
	if !s.home.has(profile) {
		claimant.Frozen, claimant.Tiers = true, nil
	}
	return claimant
}

// basisOf returns what a namespace of a tier is brought to: the profile of that name, for what the cluster says.
func (s *snapshot) basisOf(profile, tier string) ground {
	if c := s.byName[profile]; c != nil {
		return ground{c.identity, c.digests[tier]}
	}
	return ground{}
}

// claimant returns what a profile claims. A generation that was not compiled yet is, and is
// kept for the snapshot that comes next.
func (p *Profiles) claimant(profile *v1alpha1.SegmentationProfile) claim.Claimant {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.compiled[profile.UID]
	if known != nil && known.identity == identify(profile) {
		return known.claimant
	}
	c := compile(profile, p.keeper, p.facts)
	if p.snapshot != nil && (known == nil || known.identity.generation <= profile.Generation) {
		p.compiled[profile.UID] = c
	}
	return c.claimant
}

// decide decides on a namespace.
func (s *snapshot) decide(namespace client.Object, protected claim.Protected) claim.Decision {
	claimants := s.claimants
	member := namespace.GetLabels()[v1alpha1.ProfileLabel]
	if member != "" && s.byName[member] == nil && s.home.isGone(member) {
		// It claims nothing, and holds its members no longer.
		claimants = append(slices.Clip(claimants), claim.Claimant{Profile: member})
	}
	return claim.Decide(claim.Namespace{Name: namespace.GetName(), Labels: namespace.GetLabels()}, claimants, protected)
}

func compareIdentities(a, b identity) int {
	return cmp.Or(cmp.Compare(a.uid, b.uid), cmp.Compare(a.generation, b.generation))
}
