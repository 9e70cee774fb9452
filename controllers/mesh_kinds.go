package controllers

import (
	"context"
	"fmt"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
)

// kinds are what reads the kinds of Istio from the cache; nil for one that the cluster does not have, or that is not read yet.
// One that was installed anew has another reader.
type kinds struct {
	policies, authentications client.Reader
}

// sight is what is known of the kinds.
type sight struct {
	kinds

	// isPolicies and isAuthentications are set once it is known whether the cluster has the kind, and its objects are read if
	// it does.
	isPolicies, isAuthentications bool
}

// look says what is known of the kinds.
func (m *Meshes) look() sight {
	var out sight
	out.policies, out.isPolicies = m.Policies.Known()
	out.authentications, out.isAuthentications = m.Authentications.Known()
	return out
}

// missing are the kinds that the cluster does not have. One is needed for mutual TLS only.
func (s *sight) missing(isTLS bool) []string {
	var out []string
	if s.isPolicies && s.policies == nil {
		out = append(out, mesh.KindAuthorizationPolicy)
	}
	if isTLS && s.isAuthentications && s.authentications == nil {
		out = append(out, mesh.KindPeerAuthentication)
	}
	return out
}

// isUnread tells whether something that is needed is not read yet.
func (s *sight) isUnread(isTLS bool) bool {
	return !s.isPolicies || isTLS && !s.isAuthentications
}

// observe reads the objects of a namespace from the cache, of the kinds that can be read.
func (k *kinds) observe(ctx context.Context, options ...client.ListOption) (mesh.Objects, error) {
	var out mesh.Objects
	var some mesh.AuthorizationPolicyList
	var others mesh.PeerAuthenticationList
	options = append(slices.Clip(options), client.UnsafeDisableDeepCopy)
	if k.policies != nil {
		if err := k.policies.List(ctx, &some, options...); err != nil {
			return mesh.Objects{}, fmt.Errorf("listing AuthorizationPolicies: %w", err)
		}
	}
	if k.authentications != nil {
		if err := k.authentications.List(ctx, &others, options...); err != nil {
			return mesh.Objects{}, fmt.Errorf("listing PeerAuthentications: %w", err)
		}
	}
	for i := range some.Items {
		out.Policies = append(out.Policies, &some.Items[i])
	}
	for i := range others.Items {
		out.Authentications = append(out.Authentications, &others.Items[i])
	}
	slices.SortFunc(out.Policies, byName[*mesh.AuthorizationPolicy])
	slices.SortFunc(out.Authentications, byName[*mesh.PeerAuthentication])
	return out, nil
}

// isGuarded tells whether nothing may be opened as a whole in a namespace for reasons outside of it: policies of the root namespace
// deny what no policy allows. In the root namespace itself it would be opened in all namespaces.
func (k *kinds) isGuarded(ctx context.Context, root string, namespace client.Object) (bool, error) {
	if root == namespace.GetName() {
		return true, nil
	}
	if root == "" {
		return false, nil
	}
	there, err := k.observe(ctx, client.InNamespace(root))
	revision := mesh.RevisionOf(namespace.GetLabels())
	return slices.ContainsFunc(there.Policies, func(p *mesh.AuthorizationPolicy) bool { return p.Guards(revision) }), err
}

// writable are those of some objects whose kind can be read, and so be written.
func (k *kinds) writable(objects mesh.Objects) mesh.Objects {
	if k.policies == nil {
		objects.Policies = nil
	}
	if k.authentications == nil {
		objects.Authentications = nil
	}
	return objects
}

// written are the namespaces in which the operator has written something.
func (k *kinds) written(ctx context.Context) ([]string, error) {
	all, err := k.observe(ctx, client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue})
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(all.Policies)+len(all.Authentications))
	for _, p := range all.Policies {
		out = append(out, p.Namespace)
	}
	for _, a := range all.Authentications {
		out = append(out, a.Namespace)
	}
	return out, nil
}
