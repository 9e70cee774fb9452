package controllers

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/services"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

func callsOf(profiles map[string]*compiled) []plan.Lookup {
	var out []plan.Lookup
	for _, c := range profiles {
		if c.plan != nil && !c.identity.deleting {
			out = append(out, c.plan.Lookups()...)
		}
	}
	return out
}

// groupsOf groups profiles that have paths to one another.
func groupsOf(profiles map[string]*compiled) transition.Groups {
	pairs := map[string][]string{}
	for name, c := range profiles {
		if c.plan != nil && !c.identity.deleting {
			pairs[name] = c.plan.Linked()
		}
	}
	return transition.GroupsOf(pairs)
}

// resolvesBy tells whether a Service is one by which profiles have names resolved, or that of the API server.
func (s *snapshot) resolvesBy(service types.NamespacedName) bool {
	for _, c := range s.byName {
		if c.plan != nil && c.plan.DNS != nil && c.plan.DNS.Namespace == service.Namespace && c.plan.DNS.Service == service.Name {
			return true
		}
	}
	return service == plan.APIServerService
}

// ServiceChanged takes note that a Service has come, gone or changed. It tells whether its namespace has to be looked
// at: dependencies name it, or names are resolved by it. Before profiles were taken for the first time, nothing that the
// cluster says was looked at.
func (p *Profiles) ServiceChanged(service types.NamespacedName) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.snapshot == nil {
		return false
	}
	resolves := p.snapshot.resolvesBy(service)
	p.touched = p.touched || resolves
	return resolves || slices.ContainsFunc(p.snapshot.calls, func(c plan.Lookup) bool { return c.Service == service.Name })
}

// lookAround looks for the Services that dependencies name, and for what names of ports stand for, in all namespaces.
func (p *Profiles) lookAround(
	ctx context.Context, declared *snapshot, namespaces []metav1.PartialObjectMetadata,
) (*services.Registry, names, error) {
	registry, known := services.NewRegistry(p.byAddress), newNames()
	if len(declared.calls)+len(declared.naming) == 0 {
		return registry, known, nil
	}
	for i := range namespaces {
		found, err := declared.calledIn(ctx, p.reader, &namespaces[i], declared.decide(&namespaces[i], p.protected))
		if err != nil {
			return nil, known, err
		}
		registry.Put(namespaces[i].Name, found.services)
		known.put(namespaces[i].Name, found)
	}
	return registry, known, nil
}

// called is what dependencies look up in a namespace.
type called struct {
	services map[plan.Called]plan.Service
	// names are what names of ports stand for there; nil if none is asked for.
	names map[plan.Named]plan.Numbers
	// asksPods is set if it depends on the pods there.
	asksPods bool
}

// calledIn returns the Services in a namespace that dependencies name, and what names of ports stand for there.
func (s *snapshot) calledIn(
	ctx context.Context, reader client.Reader, namespace client.Object, decision claim.Decision,
) (called, error) {
	var out called
	here, tier := claim.Namespace{Name: namespace.GetName(), Labels: namespace.GetLabels()}, plan.TierOf(dueIn(namespace, decision))
	for i := range s.calls {
		c := &s.calls[i]
		if !c.IsIn(here, tier) {
			continue
		}
		service, hasNames, found, err := s.service(ctx, reader, types.NamespacedName{Namespace: namespace.GetName(), Name: c.Service})
		if err != nil {
			return called{}, err
		}
		if !found {
			continue
		}
		if out.services == nil {
			out.services = map[plan.Called]plan.Service{}
		}
		out.services[c.Called] = service
		out.asksPods = out.asksPods || hasNames
	}
	err := s.namedIn(ctx, here, tier, &out)
	return out, err
}

// dueIn is the tier that a namespace belongs to: one that is held stays in what it is in.
func dueIn(namespace client.Object, decision claim.Decision) transition.Membership {
	switch decision.Outcome {
	case claim.Claimed:
		return transition.Membership{Profile: decision.Profile, Tier: decision.Tier}
	case claim.Held:
		return membershipOf(namespace)
	default:
		return transition.Membership{}
	}
}

// noteCalled takes note of what dependencies look up in a namespace. It tells whether what is decided by the snapshot is
// still so: if forms of Services come or go, or names of ports come to stand for something else, all namespaces that call
// them are to be taken anew.
func (p *Profiles) noteCalled(s *snapshot, namespace string, found called) (current bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.snapshot == nil || p.snapshot.serial != s.serial {
		return false
	}
	isOther := p.called.Put(namespace, found.services)
	isOther = p.names.put(namespace, found) || isOther
	p.touched = p.touched || isOther
	return !p.touched || p.isResting()
}

// forget drops what is known of a namespace that is gone. It tells whether that matters to others.
func (p *Profiles) forget(namespace string) (matters bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	matters = p.called.Put(namespace, nil)
	matters = p.names.put(namespace, called{}) || matters
	p.touched = p.touched || matters
	return matters
}

// outsideServices are those of a namespace that dependencies name as a peer's.
func outsideServices(found map[plan.Called]plan.Service) map[plan.Called]plan.Service {
	var out map[plan.Called]plan.Service
	for called, service := range found {
		if called.Peer != "" {
			if out == nil {
				out = map[plan.Called]plan.Service{}
			}
			out[called] = service
		}
	}
	return out
}

// concerned are the namespaces of tiers that something else is due to, as the cluster says something else. Those of a
// profile that has changed itself are told of by its own watch.
func (s *snapshot) concerned(before *snapshot, places map[string]transition.Place) []string {
	if before == nil {
		return nil
	}
	var out []string
	for namespace := range places {
		place := places[namespace]
		now, was := s.byName[place.Due.Profile], before.byName[place.Due.Profile]
		if now != nil && was != nil && now.identity == was.identity &&
			(now.digests[place.Due.Tier] != was.digests[place.Due.Tier] || now.claimant.Frozen != was.claimant.Frozen) {
			out = append(out, namespace)
		}
	}
	return out
}
