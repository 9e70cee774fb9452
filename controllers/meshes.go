package controllers

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
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
	findings           []plan.Finding
}

// NewMeshes returns meshes of which nothing is known.
func NewMeshes(policies, authentications *Optional) *Meshes {
	m := &Meshes{
		Policies: policies, Authentications: authentications, places: mesh.NewPlaces(nil),
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
	}
	m.mu.Unlock()
	if changed == nil {
		wake(0, everyMesh)
		return
	}
	wake(0, changed.GetNamespace())
}

// everyMesh stands for all namespaces. No namespace has that name.
const everyMesh = ""

// isInstalled tells whether the cluster has both kinds.
func (m *Meshes) isInstalled() bool {
	policies, _ := m.Policies.IsInstalled()
	authentications, _ := m.Authentications.IsInstalled()
	return policies && authentications
}

// observe reads the objects of a namespace from the cache; not ok as long as they cannot be read.
func (m *Meshes) observe(ctx context.Context, namespace string) (observed mesh.Objects, ok bool, err error) {
	policies, authentications := m.Policies.Reader(), m.Authentications.Reader()
	if policies == nil || authentications == nil {
		return mesh.Objects{}, false, nil
	}
	var some mesh.AuthorizationPolicyList
	var others mesh.PeerAuthenticationList
	if err := policies.List(ctx, &some, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return mesh.Objects{}, false, fmt.Errorf("listing AuthorizationPolicies: %w", err)
	}
	if err := authentications.List(ctx, &others, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return mesh.Objects{}, false, fmt.Errorf("listing PeerAuthentications: %w", err)
	}
	for i := range some.Items {
		observed.Policies = append(observed.Policies, &some.Items[i])
	}
	for i := range others.Items {
		observed.Authentications = append(observed.Authentications, &others.Items[i])
	}
	slices.SortFunc(observed.Policies, byName[*mesh.AuthorizationPolicy])
	slices.SortFunc(observed.Authentications, byName[*mesh.PeerAuthentication])
	return observed, true, nil
}

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
		slices.Equal(was.findings, now.findings)
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
	out := status.Mesh{IsInstalled: m.isInstalled()}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range p.Tiers {
		for _, namespace := range m.places.In(plan.TierOf{Profile: profile, Tier: p.Tiers[i].Name}) {
			out.Due++
			known := m.known[namespace]
			if known.plan != p {
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

// written are the namespaces in which the operator has written something, if that is not known yet. The lock is held.
func (m *Meshes) written(ctx context.Context) ([]string, error) {
	policies, authentications := m.Policies.Reader(), m.Authentications.Reader()
	if m.serial != 0 || policies == nil || authentications == nil {
		return nil, nil
	}
	var some mesh.AuthorizationPolicyList
	var others mesh.PeerAuthenticationList
	own := client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
	if err := policies.List(ctx, &some, own, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing AuthorizationPolicies: %w", err)
	}
	if err := authentications.List(ctx, &others, own, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing PeerAuthentications: %w", err)
	}
	out := make([]string, 0, len(some.Items)+len(others.Items))
	for i := range some.Items {
		out = append(out, some.Items[i].Namespace)
	}
	for i := range others.Items {
		out = append(out, others.Items[i].Namespace)
	}
	return out, nil
}

// doubt takes note that namespaces may not be as they should be any more. The lock is held.
func (m *Meshes) doubt(namespaces []string) {
	for _, name := range namespaces {
		if known, ok := m.known[name]; ok {
			known.isExact = false
			m.known[name] = known
		}
	}
}
