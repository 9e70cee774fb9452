package simulation

import (
	"maps"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/apply"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// watch makes a change that is not the operator's, and has the watches of the operator's present life
// tell of it.
func (m *machine) watch(change func()) {
	change()
	m.tell(true)
}

// tell has the watches tell of what has changed. If they are not late, it is seen at once.
func (m *machine) tell(foreign bool) {
	if m.life == nil {
		return
	}
	m.life.cache.tell(m.store, foreign)
	if m.late {
		return
	}
	for _, kind := range m.life.cache.late() {
		for len(m.life.cache.pending[kind]) > 0 {
			m.life.see(m.life.cache.next(kind))
		}
	}
}

// show has one watch show its next change.
func (m *machine) show(kind string) {
	e := m.life.cache.next(kind)
	m.life.see(e)
	if e.foreign {
		m.saw(m.life.cache.shown)
	}
}

// see is told of a change. It does what controllers/namespace_watches.go and cluster_watches.go do, in other words: a
// namespace that is not told of a change that concerns it does not settle.
func (l *life) see(e event) {
	switch {
	case e.kind == kindNamespace:
		if e.old == nil || e.now == nil {
			l.dirty[e.name] = true
		} else if !maps.Equal(e.old.GetLabels(), e.now.GetLabels()) {
			l.echo(e.name, l.reconciler.Applier.Saw(e.now))
		}
	case e.kind == kindProfile:
		l.seeProfile(e)
	case e.kind == kindService:
		if l.reconciler.Profiles.ServiceChanged(types.NamespacedName{Namespace: e.namespace, Name: e.name}) {
			l.dirty[e.namespace] = true
		}
	case e.namespace == home:
		l.seeBookmark(e)
	default:
		if e.now == nil {
			l.echo(e.namespace, l.reconciler.Applier.SawDeletion(e.old))
		} else {
			l.echo(e.namespace, l.reconciler.Applier.Saw(e.now))
		}
	}
}

// echo has a namespace looked at, unless more of what was written to it is still to be shown.
func (l *life) echo(namespace string, echo apply.Echo) {
	if echo != apply.OneOfSeveral {
		l.dirty[namespace] = true
	}
}

// seeProfile tells what a profile selects, or selected until now, and its members.
func (l *life) seeProfile(e event) {
	old, _ := e.old.(*v1alpha1.SegmentationProfile)
	now, _ := e.now.(*v1alpha1.SegmentationProfile)
	if old != nil && now != nil && sameDeclaration(old, now) {
		return
	}
	for _, p := range []*v1alpha1.SegmentationProfile{old, now} {
		if p != nil {
			l.enqueue(claimantOf(p))
		}
	}
	// The reconciler of profiles takes them anew as well. It does that here in the name of a namespace to
	// which nothing is done.
	l.dirty[home] = true
}

func sameDeclaration(a, b *v1alpha1.SegmentationProfile) bool {
	return a.UID == b.UID && a.Generation == b.Generation && (a.DeletionTimestamp == nil) == (b.DeletionTimestamp == nil)
}

// seeBookmark tells what a profile selects, and its members, when its bookmark comes or goes.
func (l *life) seeBookmark(e event) {
	if e.old != nil && e.now != nil && ownerOf(e.old) == ownerOf(e.now) {
		return
	}
	mark := e.now
	if mark == nil {
		mark = e.old
	}
	policy, ok := mark.(*networkingv1.NetworkPolicy)
	if !ok || render.BookmarkOf(policy) == "" {
		return
	}
	c := claim.Claimant{Profile: render.BookmarkOf(policy)}
	if p := l.cache.shown.profiles[c.Profile]; p != nil {
		c = claimantOf(p)
	}
	l.enqueue(c)
	l.dirty[home] = true
}

func ownerOf(obj client.Object) types.UID {
	return obj.GetOwnerReferences()[0].UID
}

func (l *life) enqueue(c claim.Claimant) {
	for name, n := range l.cache.shown.namespaces {
		if c.Selects(claim.Namespace{Name: name, Labels: n.Labels}) || n.Labels[v1alpha1.ProfileLabel] == c.Profile {
			l.dirty[name] = true
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
