package controllers

import (
	"maps"
	"sync"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"

	"github.com/segmentation-dev/segmentation-operator/internal/apply"
	"github.com/segmentation-dev/segmentation-operator/internal/audit"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// maxJudged is how many judgements of NetworkPolicies of others are remembered. Thousands of namespaces that are alike
// share one.
const maxJudged = 4096

// networks judges the NetworkPolicies of others.
type networks struct {
	once   sync.Once
	judged *lru.Cache
}

// opened are the paths that policies of others open in a namespace and its tier does not declare. They are compared with
// what the namespace is to have in the end: while its own policies are about to change, they may open more by themselves.
// Guards are the ClusterNetworkPolicies of the cluster; nil if there are none.
func (n *networks) opened(
	d claim.Decision, s *suit, observed *apply.Observed, owner types.UID, guards *audit.Guards,
) []audit.OpenedPaths {
	var foreign []*networkingv1.NetworkPolicy
	for i := range observed.Policies {
		if p := &observed.Policies[i]; !apply.IsOurs(p, owner) && render.BookmarkOf(p) == "" {
			foreign = append(foreign, p)
		}
	}
	if len(foreign) == 0 && guards == nil {
		return nil
	}
	in := &audit.NetworkInput{
		Name: observed.Namespace.Name, Labels: maps.Clone(observed.Namespace.Labels), Own: s.objects.Policies, Foreign: foreign,
		Guards: guards,
	}
	if in.Labels == nil {
		in.Labels = map[string]string{}
	}
	maps.Copy(in.Labels, render.MembershipLabels(d.Profile, d.Tier))
	return n.judge(in, audit.NetworkKey(in, s.digest()))
}

func (n *networks) judge(in *audit.NetworkInput, key string) []audit.OpenedPaths {
	if key == "" {
		return nil // None of them has a rule.
	}
	n.once.Do(func() { n.judged = lru.New(maxJudged) })
	if known, ok := n.judged.Get(key); ok {
		if opened, ok := known.([]audit.OpenedPaths); ok {
			return opened
		}
	}
	opened := audit.Network(in)
	n.judged.Add(key, opened)
	return opened
}
