package controllers

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/exposure"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// moment is how long a namespace is not looked at again for its pods: they come and go in numbers.
const moment = time.Second

// sights are what is seen in a namespace that nothing is done about: it is only told of.
type sights struct {
	ports []exposure.Port
	// withoutPods are the Services of its own that dependencies name and that select no pod.
	withoutPods []string
	// calledWithoutPods are those that dependencies name as a peer's.
	calledWithoutPods []plan.Called
	peerOf            []status.PeerOf
}

// look looks at what is told of a namespace.
func (r *NamespaceReconciler) look(ctx context.Context, profiles *snapshot, g *gathered) (sights, error) {
	namespace, isMember := g.observed.Namespace, g.decision.Outcome == claim.Claimed
	var out sights
	if isMember {
		out.peerOf = profiles.peersOf(namespace)
	}
	if !r.WatchPods || !isMember && len(g.outside) == 0 {
		return out, nil
	}
	var pods corev1.PodList
	var services corev1.ServiceList
	for _, list := range []client.ObjectList{&pods, &services} {
		if err := r.Reader.List(ctx, list, client.InNamespace(namespace.GetName()), client.UnsafeDisableDeepCopy); err != nil {
			return sights{}, fmt.Errorf("listing %T: %w", list, err)
		}
	}
	for called, service := range g.outside {
		if len(exposure.WithoutPods(map[string]plan.Service{called.Service: service}, pods.Items)) > 0 {
			out.calledWithoutPods = append(out.calledWithoutPods, called)
		}
	}
	slices.SortFunc(out.calledWithoutPods, func(a, b plan.Called) int {
		return cmp.Or(cmp.Compare(a.Profile, b.Profile), cmp.Compare(a.Peer, b.Peer), cmp.Compare(a.Service, b.Service))
	})
	if isMember {
		out.ports = exposure.Of(pods.Items, services.Items)
		out.withoutPods = exposure.WithoutPods(g.own, pods.Items)
	}
	return out, nil
}

// peersOf returns the peers of profiles that choose a namespace which is a member: its own policies decide.
func (s *snapshot) peersOf(namespace client.Object) []status.PeerOf {
	var out []status.PeerOf
	for i := range s.peers {
		p := &s.peers[i]
		if p.chosen.Selects(claim.Namespace{Name: namespace.GetName(), Labels: namespace.GetLabels()}) {
			out = append(out, status.PeerOf{Profile: p.profile, Peer: p.chosen.Name})
		}
	}
	return out
}

// peer is a peer of a profile that has namespaces.
type peer struct {
	profile string
	chosen  claim.Tier
	// services are those of the peer that dependencies name.
	services []string
}

func peersIn(profiles map[string]*compiled) []peer {
	var out []peer
	for name, c := range profiles {
		if c.plan == nil || c.identity.deleting {
			continue
		}
		calls := c.plan.Calls()
		for _, chosen := range c.plan.Peers() {
			p := peer{profile: name, chosen: chosen}
			for _, called := range calls {
				if called.Peer == chosen.Name {
					p.services = append(p.services, called.Service)
				}
			}
			out = append(out, p)
		}
	}
	return out
}

// chosenAnew are the members of tiers that a peer chooses which was not there before, or the other way round, and all
// namespaces if it is called by its Services: it is told of them, and nothing has changed about themselves.
func (s *snapshot) chosenAnew(
	before *snapshot, namespaces []metav1.PartialObjectMetadata, places map[string]transition.Place,
) []string {
	if before == nil {
		return nil
	}
	changed := append(without(s.peers, before.peers), without(before.peers, s.peers)...)
	var out []string
	for i := range namespaces {
		n := claim.Namespace{Name: namespaces[i].Name, Labels: namespaces[i].Labels}
		isMember := places[n.Name].Due != transition.Membership{}
		if slices.ContainsFunc(changed, func(p peer) bool { return (isMember || len(p.services) > 0) && p.chosen.Selects(n) }) {
			out = append(out, n.Name)
		}
	}
	return out
}

// without are those of some peers that are not among others.
func without(peers, others []peer) []peer {
	known := map[string][]peer{}
	for _, p := range others {
		known[p.profile] = append(known[p.profile], p)
	}
	return slices.DeleteFunc(slices.Clone(peers), func(p peer) bool {
		return slices.ContainsFunc(known[p.profile], func(o peer) bool { return reflect.DeepEqual(p, o) })
	})
}
