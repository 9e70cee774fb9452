package api

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// Each list is one longer than it may be. That it may be as long as its bound is shown by the
// largest profiles.
func TestListsBeyondTheirBoundsAreRefused(t *testing.T) {
	t.Parallel()
	for _, bound := range append(boundsOfLists(), boundsOfParts()...) {
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(bound.profile)
		if err != nil {
			t.Fatal(err)
		}
		c := &testCase{object: object, Field: bound.field, Says: fmt.Sprintf("must have at most %d items", bound.most)}
		t.Run(bound.field, func(t *testing.T) {
			t.Parallel()
			c.refused(t)
		})
	}
}

type bound struct {
	field   string
	most    int
	profile *segv1alpha1.SegmentationProfile
}

// boundsOfLists are those of the lists of named things.
func boundsOfLists() []bound {
	tiers, peers, roles, dependencies := withWeb(), withWeb(), withWeb(), withWeb()
	for i := range maxTiers {
		tiers.Tier(builders.MakeTier(tierName(i)).Names(fmt.Sprintf("web-%d", i)).Obj())
	}
	for i := range maxPeers + 1 {
		peers.Peer(builders.MakePeer(peerName(i)).CIDR("198.51.100.0/24").Obj())
	}
	for i := range maxRoles + 1 {
		roles.Role(builders.MakeRole(roleName(i)).Read("pods").Obj())
	}
	for i := range maxDependencies + 1 {
		dependencies.Dependency(builders.MakeDependency(long("d", i)).FromTier("web").ToTier("web").Obj())
	}
	return []bound{
		{"spec.tiers", maxTiers, tiers.Obj()},
		{"spec.peers", maxPeers, peers.Obj()},
		{"spec.roles", maxRoles, roles.Obj()},
		{"spec.dependencies", maxDependencies, dependencies.Obj()},
	}
}

// boundsOfParts are those of the lists inside of them.
func boundsOfParts() []bound {
	tier := builders.MakeTier("api").Names("api")
	for range maxAccess + 1 {
		tier.ClusterRoleAccess("view", builders.Group("shop"))
	}
	subjects := make([]segv1alpha1.Subject, maxSubjects+1)
	for i := range subjects {
		subjects[i] = builders.Group("shop")
	}
	peer := builders.MakePeer("payments")
	for range maxRanges + 1 {
		peer.CIDR("198.51.100.0/24")
	}
	exceptions := strings.Split(strings.Repeat(" 198.51.100.7/32", maxExceptions+1), " ")[1:]
	dependency := builders.MakeDependency("web-web").FromTier("web").ToTier("web")
	for i := range maxPorts + 1 {
		dependency.Port(int32(8080 + i))
	}
	parts := []bound{
		{"spec.tiers[1].access", maxAccess, withWeb().Tier(tier.Obj()).Obj()},
		{"spec.tiers[1].access[0].subjects", maxSubjects, withWeb().Tier(
			builders.MakeTier("api").Names("api").ClusterRoleAccess("view", subjects...).Obj()).Obj()},
		{"spec.tiers[1].namespaces.names", maxNamespaces, withWeb().Tier(
			builders.MakeTier("api").Names(numbered("api", maxNamespaces+1)...).Obj()).Obj()},
		{"spec.peers[0].namespaces.names", maxNamespaces, withWeb().Peer(
			builders.MakePeer("other").Names(numbered("other", maxNamespaces+1)...).Obj()).Obj()},
		{"spec.peers[0].cidrs", maxRanges, withWeb().Peer(peer.Obj()).Obj()},
		{"spec.peers[0].cidrs[0].except", maxExceptions, withWeb().Peer(
			builders.MakePeer("payments").CIDR("198.51.100.0/24", exceptions...).Obj()).Obj()},
		{"spec.dependencies[0].ports", maxPorts, withWeb().Dependency(dependency.Obj()).Obj()},
	}
	return append(append(parts, boundsOfSelectors()...), boundsOfRules()...)
}

func boundsOfSelectors() []bound {
	labels := map[string]string{}
	for _, key := range numbered("key", maxLabels+1) {
		labels[key] = "value"
	}
	requirements := make([]segv1alpha1.LabelSelectorRequirement, maxRequirements+1)
	for i := range requirements {
		requirements[i] = builders.Exists("key")
	}
	values := builders.In("key", numbered("value", maxValues+1)...)
	return []bound{
		{"spec.tiers[1].namespaces.selector.matchLabels", maxLabels, withWeb().Tier(
			builders.MakeTier("api").Selector(labels).Obj()).Obj()},
		{"spec.dependencies[0].from.pods.matchExpressions", maxRequirements, withWeb().Dependency(
			builders.MakeDependency("web-web").FromTier("web").ToTier("web").FromPods(nil, requirements...).Obj()).Obj()},
		{"spec.peers[0].pods.matchExpressions[0].values", maxValues, withWeb().Peer(
			builders.MakePeer("other").Names("other").Pods(nil, values).Obj()).Obj()},
	}
}

func boundsOfRules() []bound {
	of := func(groups, resources, names, verbs int) *segv1alpha1.SegmentationProfile {
		return withWeb().Role(builders.MakeRole("viewer").Rules(segv1alpha1.PolicyRule{
			APIGroups: numbered("group", groups), Resources: numbered("resource", resources),
			ResourceNames: numbered("name", names), Verbs: numbered("verb", verbs),
		}).Obj()).Obj()
	}
	rules := make([]segv1alpha1.PolicyRule, maxRules+1)
	for i := range rules {
		rules[i] = segv1alpha1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get"}}
	}
	return []bound{
		{"spec.roles[0].rules", maxRules, withWeb().Role(builders.MakeRole("viewer").Rules(rules...).Obj()).Obj()},
		{"spec.roles[0].rules[0].apiGroups", 32, of(33, 1, 0, 1)},
		{"spec.roles[0].rules[0].resources", 64, of(1, 65, 0, 1)},
		{"spec.roles[0].rules[0].resourceNames", 64, of(1, 1, 65, 1)},
		{"spec.roles[0].rules[0].verbs", 32, of(1, 1, 0, 33)},
	}
}

// withWeb begins a profile with one tier, web.
func withWeb() *builders.ProfileBuilder {
	return builders.MakeProfile("bounds").Tier(builders.MakeTier("web").Names("web").Obj())
}

// numbered makes different names.
func numbered(name string, count int) []string {
	names := make([]string, 0, count)
	for i := range count {
		names = append(names, fmt.Sprintf("%s-%d", name, i))
	}
	return names
}
