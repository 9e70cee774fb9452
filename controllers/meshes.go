package controllers

import (
	"maps"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
)

// Meshes is what the reconcilers know of policies of Istio together.
type Meshes struct {
	// Policies follows AuthorizationPolicies, and Authentications follows PeerAuthentications.
	Policies, Authentications *Optional

	mu sync.Mutex
	// serial is that of the profiles by which places are told.
	serial int64
	places *mesh.Places
	known  map[string]meshed
	echoes map[string]*echoes
	// profiles are those that have a part in a mesh, also those without a namespace.
	profiles []string
	// wake has namespaces looked at: now, or after a moment in which others may come to concern them as well.
	wake    func(after time.Duration, namespaces ...string)
	changed func(profile string)
}

// meshed is what came of a look at a namespace.
type meshed struct {
	profile string
	// plan is what it was brought to.
	plan *plan.Plan
	// isExact is set if it was seen to have what it should, and isFailing if a write failed.
	isExact, isFailing bool
	// by is what could be read at that time: what was seen of kinds that have come or gone since means nothing.
	by kinds
	// isLeaving is set if the namespace is being deleted: nothing is written there.
	isLeaving bool
	findings  []plan.Finding
}

// NewMeshes returns meshes of which nothing is known.
func NewMeshes(policies, authentications *Optional) *Meshes {
	m := &Meshes{
		Policies: policies, Authentications: authentications, places: mesh.NewPlaces(nil, ""),
		known: map[string]meshed{}, echoes: map[string]*echoes{},
		wake: func(time.Duration, ...string) {}, changed: func(string) {},
	}
	policies.Notify(m.saw)
	authentications.Notify(m.saw)
	return m
}

// wakeWith sets what has namespaces looked at.
func (m *Meshes) wakeWith(wake func(after time.Duration, namespaces ...string)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wake = wake
}

// changedWith sets what is called with profiles of whose policies something else is known.
func (m *Meshes) changedWith(changed func(profile string)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changed = changed
}

// saw has a namespace looked at in which an object changed; and all, if the kind has come or gone.
func (m *Meshes) saw(changed client.Object) {
	m.mu.Lock()
	wake := m.wake
	if changed == nil {
		m.serial = 0
		m.doubt(slices.Collect(maps.Keys(m.known)))
		m.news()
	}
	m.mu.Unlock()
	if changed == nil {
		wake(0, everyMesh)
		return
	}
	wake(0, changed.GetNamespace())
}

// news tells of all profiles that have a part in a mesh. The lock is held.
func (m *Meshes) news() {
	for _, profile := range m.profiles {
		m.changed(profile)
	}
}

// everyMesh stands for all namespaces. No namespace has that name.
const everyMesh = ""

func byName[T metav1.Object](a, b T) int {
	if a.GetName() < b.GetName() {
		return -1
	}
	return 1
}

// await tells how long to wait for the cache to show what was written to a namespace; zero if it shows all of it.
func (m *Meshes) await(namespace string, observed mesh.Objects) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.echoes[namespace]
	if known == nil {
		return 0
	}
	shown := map[string]string{}
	for _, p := range observed.Policies {
		shown[mesh.KindAuthorizationPolicy+"/"+p.Name] = p.ResourceVersion
	}
	for _, a := range observed.Authentications {
		shown[mesh.KindPeerAuthentication+"/"+a.Name] = a.ResourceVersion
	}
	wait := known.unsettled(shown, time.Now())
	if wait == 0 {
		delete(m.echoes, namespace)
	}
	return wait
}

// wrote takes note of a write; of a deletion, if the object is nil.
func (m *Meshes) wrote(namespace, kind, name string, now client.Object) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.echoes[namespace] == nil {
		m.echoes[namespace] = &echoes{}
	}
	version := ""
	if now != nil {
		version = now.GetResourceVersion()
	}
	m.echoes[namespace].wrote(kind+"/"+name, version, time.Now())
}

// record takes note of what came of a look at a namespace.
func (m *Meshes) record(namespace string, now meshed) {
	m.mu.Lock()
	was := m.known[namespace]
	m.known[namespace] = now
	if now.profile == "" {
		delete(m.known, namespace)
	}
	changed := m.changed
	m.mu.Unlock()
	isSame := was.profile == now.profile && was.plan == now.plan && was.isExact == now.isExact && was.isFailing == now.isFailing &&
		was.by == now.by && was.isLeaving == now.isLeaving && slices.Equal(was.findings, now.findings)
	for _, profile := range []string{was.profile, now.profile} {
		if profile != "" && !isSame {
			changed(profile)
		}
	}
}

// of is what is known of the policies of a profile.
func (m *Meshes) of(profile string, p *plan.Plan) status.Mesh {
	if m == nil || p == nil || p.Istio == nil {
		return status.Mesh{}
	}
	seen := m.look()
	out := status.Mesh{Missing: seen.missing(p.Istio.StrictTLS), IsUnread: seen.isUnread(p.Istio.StrictTLS)}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range p.Tiers {
		for _, namespace := range m.places.In(plan.TierOf{Profile: profile, Tier: p.Tiers[i].Name}) {
			known := m.known[namespace]
			if known.isLeaving {
				continue
			}
			out.Due++
			if known.plan != p || known.by != seen.kinds {
				continue // It was not looked at since.
			}
			if known.isExact {
				out.Exact++
			}
			out.IsFailing = out.IsFailing || known.isFailing
			out.Findings = append(out.Findings, known.findings...)
		}
	}
	return out
}

// isDue tells whether an object is in a namespace that is due in a tier.
func (m *Meshes) isDue(obj client.Object) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.places.Due(obj.GetNamespace()) != plan.TierOf{}
}

// doubt takes note that namespaces may not be as they should be any more, and tells of their profiles. The lock is held.
func (m *Meshes) doubt(namespaces []string) {
	told := map[string]bool{}
	for _, name := range namespaces {
		known, ok := m.known[name]
		if !ok || !known.isExact {
			continue
		}
		known.isExact = false
		m.known[name] = known
		if !told[known.profile] {
			told[known.profile] = true
			m.changed(known.profile)
		}
	}
}
