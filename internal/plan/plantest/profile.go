// Package plantest draws profiles for property tests and fuzzing. What it draws the CRD
// accepts; it is drawn from few names and labels, so that the parts of a profile meet, and
// from forms that are rare but allowed.
package plantest

import (
	"strings"

	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// Profile draws a profile.
func Profile() *rapid.Generator[*v1alpha1.SegmentationProfile] {
	return rapid.Custom(func(t *rapid.T) *v1alpha1.SegmentationProfile {
		profile := builders.MakeProfile("shop").UID("0a1b").Generation(3).DNS(drawDNS(t))
		for _, name := range names(1, 4, "web", "api", "data", "0", long).Draw(t, "tiers") {
			profile.Tier(drawTier(t, name))
		}
		for _, name := range names(0, 4, "ingress", "ops", "partner", "cluster", "world").Draw(t, "peers") {
			profile.Peer(drawPeer(t, name))
		}
		profile.Role(roles()...)
		for _, name := range names(0, 7, "a", "b", "c", "d", "a-egress", "dns", longest).Draw(t, "dependencies") {
			profile.Dependency(drawDependency(t, name, profile.Obj()))
		}
		if rapid.Bool().Draw(t, "defaulted") {
			profile.Defaulted()
		}
		return profile.Obj()
	})
}

const (
	// longest is the longest name that the CRD accepts.
	longest = long + "xx"
	// long leaves room for a number.
	long = "a-name-that-goes-on-and-on-until-no-one-can-remember-its-star"
)

func names(least, most int, pool ...string) *rapid.Generator[[]string] {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(pool), least, most, rapid.ID[string])
}

func drawDNS(t *rapid.T) v1alpha1.DNS {
	return rapid.SampledFrom([]v1alpha1.DNS{
		{},
		{Mode: v1alpha1.DNSModeNone},
		{
			Mode: v1alpha1.DNSModeClusterDNS, Namespace: "openshift-dns", Port: 5353,
			Pods: builders.LabelSelector(map[string]string{"app": "a"}),
		},
		{Mode: v1alpha1.DNSModeClusterDNS, Namespace: "openshift-dns", Service: "dns-default"},
		{Pods: builders.LabelSelector(nil)},
		{Namespace: "outside", Pods: builders.LabelSelector(nil, builders.In("app", "a", "b"))},
	}).Draw(t, "dns")
}

func drawTier(t *rapid.T, name string) v1alpha1.Tier {
	tier := builders.MakeTier(name).InternalTraffic(rapid.SampledFrom([]v1alpha1.InternalTraffic{
		"", v1alpha1.InternalTrafficSameNamespace, v1alpha1.InternalTrafficSameTier, v1alpha1.InternalTrafficDeny,
	}).Draw(t, "internalTraffic"))
	if rapid.Bool().Draw(t, "by selector") {
		tier.Selector(map[string]string{"tier": name}, builders.NotIn("stage", "test", "old"))
	} else {
		// Two tiers may not list one namespace.
		tier.Names(name+"-2", name)
	}
	for _, access := range rapid.SliceOfN(rapid.SampledFrom(accesses()), 0, 4).Draw(t, "access") {
		access(tier)
	}
	return tier.Obj()
}

// accesses are ways to grant a role. ClusterRoles may have names that no other object has.
func accesses() []func(*builders.TierBuilder) {
	developers, jane := builders.Group("oidc:shop developers"), builders.User("jane@example.com")
	robot := builders.ServiceAccount("ops", "deploy.robot")
	access := func(role string, subjects ...v1alpha1.Subject) func(*builders.TierBuilder) {
		return func(b *builders.TierBuilder) { b.Access(role, subjects...) }
	}
	clusterAccess := func(role string, subjects ...v1alpha1.Subject) func(*builders.TierBuilder) {
		return func(b *builders.TierBuilder) { b.ClusterRoleAccess(role, subjects...) }
	}
	return []func(*builders.TierBuilder){
		access("viewer", developers), access("viewer", jane, developers), access("viewer", robot),
		access("editor", jane), access(longest, robot, jane),
		clusterAccess("view", developers), clusterAccess("viewer", jane), clusterAccess("system:aggregate-to-view", robot),
		clusterAccess("ä b", jane), clusterAccess(strings.Repeat("é", 253), jane),
	}
}

func roles() []v1alpha1.Role {
	return []v1alpha1.Role{
		builders.MakeRole("viewer").Read("services", "pods").Rule("apps", []string{"deployments"}, []string{"get"}).Obj(),
		builders.MakeRole("editor").Rule("*", []string{"*"}, []string{"*"}).BoundaryEdits().Obj(),
		builders.MakeRole(longest).Rules(v1alpha1.PolicyRule{
			APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"b", "a"}, Verbs: []string{"get"},
		}).Obj(),
	}
}

func drawPeer(t *rapid.T, name string) v1alpha1.Peer {
	peer := v1alpha1.Peer{Name: v1alpha1.Name(name)}
	kinds := []string{"names", "names", "selector", "selector", "cidrs", "cidrs", "API server", "internet"}
	switch rapid.SampledFrom(kinds).Draw(t, "peer") {
	case "names":
		chosen := names(1, 3, "outside", "ops", "kube-system", "nowhere").Draw(t, "namespaces")
		peer.Namespaces, peer.Pods = builders.MakePeer("").Names(chosen...).Obj().Namespaces, drawPods(t)
	case "selector":
		peer.Namespaces, peer.Pods = &v1alpha1.NamespaceSet{Selector: drawNamespaces(t)}, drawPods(t)
	case "API server":
		peer.APIServer = &v1alpha1.APIServerPeer{}
	case "internet":
		private := []v1alpha1.PrivateRanges{"", v1alpha1.PrivateRangesExcluded, v1alpha1.PrivateRangesIncluded}
		peer.Internet = &v1alpha1.InternetPeer{PrivateRanges: rapid.SampledFrom(private).Draw(t, "private ranges")}
	default:
		peer.CIDRs = rapid.SliceOfN(rapid.SampledFrom(blocks()), 1, 3).Draw(t, "cidrs")
	}
	return peer
}

func drawNamespaces(t *rapid.T) *v1alpha1.LabelSelector {
	return rapid.SampledFrom([]*v1alpha1.LabelSelector{
		builders.LabelSelector(nil),
		builders.LabelSelector(map[string]string{"team": "ops"}),
		builders.LabelSelector(nil, builders.NotIn("team", "shop"), builders.Exists("team")),
		builders.LabelSelector(nil, builders.DoesNotExist("team")),
		builders.LabelSelector(nil, builders.DoesNotExist(v1alpha1.ProfileLabel)),
	}).Draw(t, "namespaces")
}

// blocks are ranges outside the cluster and around it, in canonical form and in others.
func blocks() []v1alpha1.CIDRBlock {
	return []v1alpha1.CIDRBlock{
		{CIDR: "198.51.100.0/24"},
		{CIDR: "198.51.100.0/24", Except: []v1alpha1.CIDR{"198.51.100.128/25", "198.51.100.7/32", "198.51.100.7/32"}},
		{CIDR: "0.0.0.0/0", Except: []v1alpha1.CIDR{"10.0.0.0/8"}},
		{CIDR: "10.0.0.0/8"},
		{CIDR: "2001:db8::/32"},
		{CIDR: "2001:0DB8:0:0::/32", Except: []v1alpha1.CIDR{"2001:DB8:1::/48"}},
	}
}

// Pods are the selectors of pods that profiles are drawn with; nil and an empty one choose
// every pod.
func Pods() []*v1alpha1.LabelSelector {
	return []*v1alpha1.LabelSelector{
		nil,
		{},
		builders.LabelSelector(map[string]string{"app": "a"}),
		builders.LabelSelector(map[string]string{"app": "b", "role": "db"}),
		builders.LabelSelector(nil, builders.In("app", "b", "a")),
		builders.LabelSelector(nil, builders.NotIn("app", "a"), builders.Exists("role")),
		builders.LabelSelector(nil, builders.DoesNotExist("app"), builders.DoesNotExist("app")),
		builders.LabelSelector(map[string]string{"example.com/App_1.x": ""}),
	}
}

func drawPods(t *rapid.T) *v1alpha1.LabelSelector {
	return rapid.SampledFrom(Pods()).Draw(t, "pods").DeepCopy()
}
