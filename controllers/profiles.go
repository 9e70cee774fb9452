package controllers

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
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

	mu       sync.Mutex
	keeper   *metav1.OwnerReference
	compiled map[types.UID]*compiled
	snapshot *snapshot
	serial   int64
}

// NewProfiles returns an empty collection that reads profiles and namespaces with the reader,
// which has to be a cache. When profiles change, it tells the census where each namespace is due.
// The operator's own namespace may be empty.
func NewProfiles(reader client.Reader, protected claim.Protected, census *transition.Census, own string) *Profiles {
	return &Profiles{reader: reader, protected: protected, census: census, own: own, compiled: map[types.UID]*compiled{}}
}

// compiled is one generation of one profile.
type compiled struct {
	identity identity
	plan     *plan.Plan
	invalid  field.ErrorList
	claimant claim.Claimant
	// tiers are the rendered objects of each tier.
	tiers map[string]render.Objects

	mu sync.Mutex
	// sighted are the policies of tiers as they are while labels change, made when needed.
	sighted map[sighting][]*networkingv1.NetworkPolicy
	// except are the exceptions that they were made with.
	except *render.Exceptions
}

type sighting struct {
	tier  string
	sight render.Sight
}

// policies returns the policies of a tier by a sight.
func (c *compiled) policies(tier string, sight render.Sight, except *render.Exceptions) []*networkingv1.NetworkPolicy {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.except == nil || !c.except.Equal(except) {
		c.except, c.sighted = except, map[sighting][]*networkingv1.NetworkPolicy{}
	}
	key := sighting{tier, sight}
	if c.sighted[key] == nil {
		c.sighted[key] = render.Policies(c.plan, c.plan.Tier(tier), sight, except)
	}
	return c.sighted[key]
}

// identity tells whether a profile has to be compiled anew.
type identity struct {
	uid        types.UID
	generation int64
	deleting   bool
}

func identify(profile *v1alpha1.SegmentationProfile) identity {
	return identity{profile.UID, profile.Generation, profile.DeletionTimestamp != nil}
}

func compile(profile *v1alpha1.SegmentationProfile, keeper *metav1.OwnerReference) *compiled {
	defer observeSince(compilation, time.Now())
	c := &compiled{
		identity: identify(profile),
		tiers:    map[string]render.Objects{},
		sighted:  map[sighting][]*networkingv1.NetworkPolicy{},
		claimant: claim.Claimant{
			Profile: profile.Name,
			UID:     profile.UID,
			Created: profile.CreationTimestamp.Time,
			Preview: profile.Spec.Mode == v1alpha1.ModePreview,
			Frozen:  true,
		},
	}
	c.plan, c.invalid = plan.Compile(profile)
	if c.plan == nil || c.identity.deleting {
		return c
	}
	c.plan.Keeper = keeper
	for i := range c.plan.Tiers {
		objects := render.Tier(c.plan, &c.plan.Tiers[i])
		c.invalid = append(c.invalid, render.Oversized(objects, field.NewPath("spec", "tiers").Index(i))...)
		c.tiers[c.plan.Tiers[i].Name] = objects
	}
	if len(c.invalid) == 0 {
		c.claimant.Frozen = false
		c.claimant.Tiers = c.plan.ClaimTiers()
	}
	return c
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
	if p.snapshot != nil && slices.Equal(p.snapshot.profiles, identities) && maps.Equal(p.snapshot.home.bookmarks, own.bookmarks) {
		p.census.Resume()
		return p.snapshot, nil
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

// renew takes profiles and the census anew.
func (p *Profiles) renew(
	ctx context.Context, list *v1alpha1.SegmentationProfileList, identities []identity, own home,
) (*snapshot, error) {
	namespaces, err := listNamespaces(ctx, p.reader)
	if err != nil {
		return nil, err
	}
	next := p.take(list, identities, own)
	places := make(map[string]transition.Place, len(namespaces))
	for i := range namespaces {
		namespace := p.asWritten(&namespaces[i])
		observed, err := gatherPolicies(ctx, p.reader, namespace)
		if err != nil {
			return nil, err
		}
		places[namespace.Name] = next.place(observed, next.decide(namespace, p.protected))
	}
	p.snapshot = next
	p.census.Called(next.called())
	p.census.Take(next.serial, places)
	return next, nil
}

func (p *Profiles) take(list *v1alpha1.SegmentationProfileList, identities []identity, own home) *snapshot {
	p.serial++
	s := &snapshot{serial: p.serial, byName: map[string]*compiled{}, profiles: identities, home: own, taken: time.Now()}
	current := make(map[types.UID]*compiled, len(list.Items))
	for i := range list.Items {
		profile := &list.Items[i]
		c := p.compiled[profile.UID]
		if c == nil || c.identity != identify(profile) {
			c = compile(profile, own.keeper)
		}
		current[profile.UID] = c
		s.byName[profile.Name] = c
		s.claimants = append(s.claimants, s.claimantOf(profile, c))
	}
	claim.Sort(s.claimants)
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

// identityOf returns the identity of the profile of that name; zero if there is none.
func (s *snapshot) identityOf(profile string) identity {
	if c := s.byName[profile]; c != nil {
		return c.identity
	}
	return identity{}
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
	c := compile(profile, p.keeper)
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
