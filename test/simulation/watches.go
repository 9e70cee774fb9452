package simulation

import (
	"maps"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// watch makes a change that is not the operator's, and tells the operator's present life of it as
// the watches do. It says what controllers/namespace_watches.go says, in other words: a namespace
// that is not told of a change that concerns it does not settle.
func (m *machine) watch(change func()) {
	before := m.store.look()
	change()
	if m.life == nil {
		return
	}
	after := m.store.look()
	m.watchNamespaces(before, after)
	m.watchProfiles(before, after)
	m.watchBookmarks(before, after)
	m.watchPolicies(before, after)
}

// sight is what watches see of a store. Objects in a store are never changed, but replaced.
type sight struct {
	namespaces map[string]*metav1.PartialObjectMetadata
	profiles   map[string]*v1alpha1.SegmentationProfile
	// bookmarks are the UIDs of the profiles that own bookmarks, by name.
	bookmarks map[string]types.UID
	// policies are those of each namespace but the operator's own.
	policies map[string][]*networkingv1.NetworkPolicy
}

func (s *store) look() sight {
	out := sight{maps.Clone(s.namespaces), maps.Clone(s.profiles), map[string]types.UID{}, map[string][]*networkingv1.NetworkPolicy{}}
	for _, name := range s.cluster() {
		out.policies[name] = s.policies(name)
	}
	for _, p := range s.policies(home) {
		if of := render.BookmarkOf(p); of != "" {
			out.bookmarks[of] = p.OwnerReferences[0].UID
		}
	}
	return out
}

// watchNamespaces tells of those that come or go, or get other labels.
func (m *machine) watchNamespaces(before, after sight) {
	for name := range union(before.namespaces, after.namespaces) {
		old, now := before.namespaces[name], after.namespaces[name]
		if old == nil || now == nil || !maps.Equal(old.Labels, now.Labels) {
			m.life.dirty[name] = true
		}
	}
}

// watchProfiles tells of what a profile selects, or selected until now, and of its members.
func (m *machine) watchProfiles(before, after sight) {
	for name := range union(before.profiles, after.profiles) {
		old, now := before.profiles[name], after.profiles[name]
		if old != nil && now != nil && sameDeclaration(old, now) {
			continue
		}
		for _, p := range []*v1alpha1.SegmentationProfile{old, now} {
			if p != nil {
				m.enqueue(claimantOf(p))
			}
		}
		// The reconciler of profiles takes them anew as well. It does that here in the name of a
		// namespace to which nothing is done.
		m.life.dirty[home] = true
	}
}

func sameDeclaration(a, b *v1alpha1.SegmentationProfile) bool {
	return a.UID == b.UID && a.Generation == b.Generation && (a.DeletionTimestamp == nil) == (b.DeletionTimestamp == nil)
}

// watchBookmarks tells of what a profile selects, and of its members, when its bookmark comes or goes.
func (m *machine) watchBookmarks(before, after sight) {
	for name := range union(before.bookmarks, after.bookmarks) {
		if before.bookmarks[name] == after.bookmarks[name] {
			continue
		}
		c := claim.Claimant{Profile: name}
		if p := after.profiles[name]; p != nil {
			c = claimantOf(p)
		}
		m.enqueue(c)
		m.life.dirty[home] = true
	}
}

// watchPolicies tells of policies that somebody else has removed.
func (m *machine) watchPolicies(before, after sight) {
	for name, policies := range before.policies {
		for _, p := range policies {
			if _, there := after.namespaces[name]; there && !slices.Contains(after.policies[name], p) {
				m.life.reconciler.Applier.SawDeletion(p)
				m.life.dirty[name] = true
			}
		}
	}
}

func (m *machine) enqueue(c claim.Claimant) {
	for name, n := range m.store.namespaces {
		if c.Selects(claim.Namespace{Name: name, Labels: n.Labels}) || n.Labels[v1alpha1.ProfileLabel] == c.Profile {
			m.life.dirty[name] = true
		}
	}
}

// claimantOf is what a profile claims: nothing if it cannot be compiled or is being deleted.
func claimantOf(p *v1alpha1.SegmentationProfile) claim.Claimant {
	c := claim.Claimant{
		Profile: p.Name, UID: p.UID, Created: p.CreationTimestamp.Time,
		Preview: p.Spec.Mode == v1alpha1.ModePreview, Frozen: true,
	}
	if compiled, errs := plan.Compile(p); len(errs) == 0 && p.DeletionTimestamp == nil {
		c.Frozen, c.Tiers = false, compiled.ClaimTiers()
	}
	return c
}

func union[V any](a, b map[string]V) map[string]V {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}
