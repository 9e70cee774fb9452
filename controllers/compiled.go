package controllers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/lru"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/audit"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// compiled is one generation of one profile, for what the cluster says.
type compiled struct {
	identity identity
	plan     *plan.Plan
	keeper   *metav1.OwnerReference
	// mistakes are why it does not compile, and invalid the same and what cannot be written.
	mistakes, invalid field.ErrorList
	// findings are about what the cluster says, and byEngine about what the engine makes of it. leftOut are the names of
	// ports that it did not let be written.
	findings []plan.Finding
	byEngine []engine.Finding
	leftOut  []plan.LeftOut
	claimant claim.Claimant
	// digests tell, for each tier, one plan from another.
	digests map[string]string
	// suited are the tiers for namespaces with different Services.
	suited *lru.Cache
}

// maxSuited is how many forms of tiers are kept that differ by the Services of the namespace.
const maxSuited = 1024

// identity tells whether a profile has to be compiled anew.
type identity struct {
	uid        types.UID
	generation int64
	deleting   bool
}

func identify(profile *v1alpha1.SegmentationProfile) identity {
	return identity{profile.UID, profile.Generation, profile.DeletionTimestamp != nil}
}

// ground is what a namespace is brought to: a generation of a profile, and what the cluster says of it.
type ground struct {
	identity
	digest string
}

func compile(profile *v1alpha1.SegmentationProfile, keeper *metav1.OwnerReference, facts *plan.Facts) *compiled {
	defer observeSince(compilation, time.Now())
	c := &compiled{
		identity: identify(profile),
		keeper:   keeper,
		claimant: claim.Claimant{
			Profile: profile.Name,
			UID:     profile.UID,
			Created: profile.CreationTimestamp.Time,
			Preview: profile.Spec.Mode == v1alpha1.ModePreview,
			Frozen:  true,
		},
	}
	c.plan, c.mistakes = plan.Compile(profile)
	c.invalid = c.mistakes
	if c.plan == nil || c.identity.deleting {
		return c
	}
	return c.resolved(facts)
}

// resolved is the same profile for what the cluster says: the very same, if that makes no difference.
func (c *compiled) resolved(facts *plan.Facts) *compiled {
	if c.plan == nil || c.identity.deleting {
		return c
	}
	resolved := c.plan.Resolve(facts)
	out := &compiled{
		identity: c.identity, keeper: c.keeper, mistakes: c.mistakes, invalid: c.mistakes, claimant: c.claimant,
		plan: resolved.Plan, findings: slices.Concat(resolved.Findings, mesh.Findings(resolved.Plan, facts.Called)),
		digests: digestsOf(resolved.Plan), suited: lru.New(maxSuited), leftOut: resolved.Plan.LeftOut,
	}
	if maps.Equal(c.digests, out.digests) {
		// What was rendered is so still.
		out.invalid, out.suited = c.invalid, c.suited
		out.plan = c.plan
		return out
	}
	out.plan.Keeper = c.keeper
	for i := range out.plan.Tiers {
		objects := out.suit(out.plan.Tiers[i].Name, nil).objects
		out.invalid = append(slices.Clip(out.invalid), render.Oversized(objects, field.NewPath("spec", "tiers").Index(i))...)
	}
	out.claimant.Frozen, out.claimant.Tiers = true, nil
	if len(out.invalid) == 0 {
		out.claimant.Frozen, out.claimant.Tiers = false, out.plan.ClaimTiers()
	}
	return out
}

// digestsOf tells plans of one profile apart by what the namespaces of each tier get.
func digestsOf(p *plan.Plan) map[string]string {
	out := make(map[string]string, len(p.Tiers))
	for i := range p.Tiers {
		raw, err := json.Marshal([]any{p.DNS, p.Tiers[i].Rules, p.Tiers[i].Forms})
		if err != nil {
			panic("a plan can be marshalled: " + err.Error()) // It is made of strings, numbers and Kubernetes' own types.
		}
		sum := sha256.Sum256(raw)
		out[p.Tiers[i].Name] = hex.EncodeToString(sum[:8])
	}
	return out
}

// suit is a tier for namespaces that have the same Services, of those that dependencies name.
type suit struct {
	plan *plan.Plan
	tier *plan.Tier
	// objects are what such a namespace is to have in the end.
	objects render.Objects
	// digest tells its policies from others.
	digest func() string

	mu sync.Mutex
	// sighted are the policies as they are while labels change, made when needed.
	sighted map[render.Sight][]*networkingv1.NetworkPolicy
	// except are the exceptions that they were made with.
	except *render.Exceptions
}

// suit returns a tier for a namespace with these Services.
func (c *compiled) suit(tier string, own map[string]plan.Service) *suit {
	key := tier + "/" + keyOfServices(own)
	if known, ok := c.suited.Get(key); ok {
		if s, ok := known.(*suit); ok {
			return s
		}
	}
	s := &suit{plan: c.plan, tier: c.plan.Tier(tier).With(own)}
	s.objects = render.Tier(s.plan, s.tier)
	s.digest = sync.OnceValue(func() string { return audit.Digest(s.objects.Policies) })
	c.suited.Add(key, s)
	return s
}

func keyOfServices(own map[string]plan.Service) string {
	var key strings.Builder
	for _, name := range slices.Sorted(maps.Keys(own)) {
		service := own[name]
		key.WriteString(name + service.Key())
	}
	return key.String()
}

// policies returns the policies of the tier by a sight.
func (s *suit) policies(sight render.Sight, except *render.Exceptions) []*networkingv1.NetworkPolicy {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.except == nil || !s.except.Equal(except) {
		s.except, s.sighted = except, map[render.Sight][]*networkingv1.NetworkPolicy{}
	}
	if s.sighted[sight] == nil {
		s.sighted[sight] = render.Policies(s.plan, s.tier, sight, except)
	}
	return s.sighted[sight]
}
