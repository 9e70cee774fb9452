package controllers

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// Profiles compiles the profiles of the cluster, each generation once, and tells what they
// claim. Both reconcilers ask it, so that they always speak of the same compilation.
type Profiles struct {
	reader client.Reader

	mu       sync.Mutex
	compiled map[types.UID]*compiled
	snapshot *snapshot
	serial   int64
}

// NewProfiles returns an empty collection that reads profiles with the reader, which has
// to be a cache.
func NewProfiles(reader client.Reader) *Profiles {
	return &Profiles{reader: reader, compiled: map[types.UID]*compiled{}}
}

// compiled is one generation of one profile.
type compiled struct {
	identity identity
	plan     *plan.Plan
	invalid  field.ErrorList
	claimant claim.Claimant
	// tiers are the rendered objects of each tier.
	tiers map[string]render.Objects
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

func compile(profile *v1alpha1.SegmentationProfile) *compiled {
	c := &compiled{
		identity: identify(profile),
		tiers:    map[string]render.Objects{},
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
}

// current returns the profiles as the cache shows them. As long as no profile changes, it
// returns the same one.
func (p *Profiles) current(ctx context.Context) (*snapshot, error) {
	var list v1alpha1.SegmentationProfileList
	if err := p.reader.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	identities := make([]identity, 0, len(list.Items))
	for i := range list.Items {
		identities = append(identities, identify(&list.Items[i]))
	}
	slices.SortFunc(identities, compareIdentities)

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.snapshot != nil && slices.Equal(p.snapshot.profiles, identities) {
		return p.snapshot, nil
	}
	p.snapshot = p.take(&list, identities)
	return p.snapshot, nil
}

func (p *Profiles) take(list *v1alpha1.SegmentationProfileList, identities []identity) *snapshot {
	p.serial++
	s := &snapshot{serial: p.serial, byName: map[string]*compiled{}, profiles: identities}
	current := make(map[types.UID]*compiled, len(list.Items))
	for i := range list.Items {
		profile := &list.Items[i]
		c := p.compiled[profile.UID]
		if c == nil || c.identity != identify(profile) {
			c = compile(profile)
		}
		current[profile.UID] = c
		s.byName[profile.Name] = c
		s.claimants = append(s.claimants, c.claimant)
	}
	claim.Sort(s.claimants)
	p.compiled = current
	return s
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
	c := compile(profile)
	if known == nil || known.identity.generation <= profile.Generation {
		p.compiled[profile.UID] = c
	}
	return c.claimant
}

// decide decides on a namespace.
func (s *snapshot) decide(namespace client.Object, protected claim.Protected) claim.Decision {
	return claim.Decide(claim.Namespace{Name: namespace.GetName(), Labels: namespace.GetLabels()}, s.claimants, protected)
}

func compareIdentities(a, b identity) int {
	return cmp.Or(cmp.Compare(a.uid, b.uid), cmp.Compare(a.generation, b.generation))
}
