package api

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// The bounds of the API.
const (
	maxTiers        = 64
	maxPeers        = 64
	maxRoles        = 64
	maxDependencies = 512
	maxPorts        = 32
	maxAccess       = 16
	maxSubjects     = 8
	maxRules        = 32
	maxNamespaces   = 128
	maxRanges       = 64
	maxExceptions   = 16
	maxRequirements = 8
	maxLabels       = 16
	maxValues       = 32
	maxCaches       = 4
)

// long is the i-th name of 63 characters. The names differ at their ends only, so that to
// compare two of them takes as long as it can.
func long(letter string, i int) string {
	return strings.Repeat(letter, 60) + fmt.Sprintf("%03d", i)
}

func tierName(i int) string { return long("t", i) }
func peerName(i int) string { return long("p", i) }
func roleName(i int) string { return long("r", i) }

// references has every list of named things at its bound, and every reference to the entry
// that is looked at last.
func references() *segv1alpha1.SegmentationProfile {
	profile := builders.MakeProfile("references")
	for i := range maxTiers {
		tier := builders.MakeTier(tierName(i)).Names(fmt.Sprintf("web-%d", i))
		for range maxAccess {
			tier.Access(roleName(maxRoles-1), builders.Group("shop"))
		}
		profile.Tier(tier.Obj())
	}
	for i := range maxPeers {
		profile.Peer(builders.MakePeer(peerName(i)).CIDR("198.51.100.0/24").Obj())
	}
	for i := range maxRoles {
		profile.Role(builders.MakeRole(roleName(i)).Read("pods").Obj())
	}
	for i := range maxDependencies {
		dependency := builders.MakeDependency(long("d", i))
		if i%2 == 0 {
			dependency.FromTier(tierName(maxTiers - 1)).ToPeer(peerName(maxPeers - 1))
		} else {
			dependency.FromPeer(peerName(maxPeers - 1)).ToTier(tierName(maxTiers - 1))
		}
		profile.Dependency(dependency.Obj())
	}
	return profile.Obj()
}

// between makes all dependencies there may be, from the last of all tiers to itself.
func between(name string, change func(*builders.DependencyBuilder)) *segv1alpha1.SegmentationProfile {
	profile := builders.MakeProfile(name)
	for i := range maxTiers {
		profile.Tier(builders.MakeTier(tierName(i)).Names(fmt.Sprintf("web-%d", i)).Obj())
	}
	for i := range maxDependencies {
		dependency := builders.MakeDependency(long("d", i)).FromTier(tierName(maxTiers - 1)).ToTier(tierName(maxTiers - 1))
		change(dependency)
		profile.Dependency(dependency.Obj())
	}
	return profile.Obj()
}

// ports has all ports there may be, half of them named and half of them ranges.
func ports() *segv1alpha1.SegmentationProfile {
	return between("ports", func(dependency *builders.DependencyBuilder) {
		for i := range maxPorts {
			if i%2 == 0 {
				dependency.NamedPort(fmt.Sprintf("a-long-port-%03d", i))
			} else {
				dependency.Ports(segv1alpha1.Port{Protocol: "SCTP", Port: new(intstr.FromInt(60000 + i)), EndPort: 65535})
			}
		}
	})
}

// keys has selectors on both sides of all dependencies, with label keys of 317 characters.
func keys() *segv1alpha1.SegmentationProfile {
	prefix := strings.Repeat("example-of-a-long-name.", 11)[:253-len(".dev")] + ".dev/"
	return between("keys", func(dependency *builders.DependencyBuilder) {
		dependency.FromPods(map[string]string{prefix + long("a", 1): long("v", 1), prefix + long("a", 2): long("v", 2)})
		dependency.ToPods(nil, builders.In(prefix+long("b", 1), long("v", 1)), builders.Exists(prefix+long("b", 2)))
	})
}

// labels has selectors on both sides of all dependencies, with all labels that selectors may have.
func labels() *segv1alpha1.SegmentationProfile {
	some := map[string]string{}
	for i := range maxLabels {
		some[fmt.Sprintf("example.com/some-label-%d", i)] = "some-value-of-a-label"
	}
	return between("labels", func(dependency *builders.DependencyBuilder) {
		dependency.FromPods(some).ToPods(some)
	})
}

// values has, on both sides of all dependencies, all requirements with all values that
// selectors may have: the most strings in the fewest bytes.
func values() *segv1alpha1.SegmentationProfile {
	requirements := make([]segv1alpha1.LabelSelectorRequirement, maxRequirements)
	for i := range requirements {
		requirements[i] = builders.In("k", make([]string, maxValues)...)
	}
	return between("values", func(dependency *builders.DependencyBuilder) {
		dependency.FromPods(nil, requirements...).ToPods(nil, requirements...)
	})
}

// namespaces has all names of namespaces there may be, in tiers and in peers.
func namespaces() *segv1alpha1.SegmentationProfile {
	profile := builders.MakeProfile("namespaces")
	for i := range maxTiers {
		tier := builders.MakeTier(tierName(i))
		peer := builders.MakePeer(peerName(i))
		for j := range maxNamespaces {
			tier.Names(fmt.Sprintf("%s-%04d", strings.Repeat("n", 58), i*maxNamespaces+j))
			peer.Names(fmt.Sprintf("%s-%04d", strings.Repeat("o", 58), i*maxNamespaces+j))
		}
		profile.Tier(tier.Obj()).Peer(peer.Obj())
	}
	return profile.Obj()
}

// blocks has all ranges and all exceptions there may be.
func blocks() *segv1alpha1.SegmentationProfile {
	profile := builders.MakeProfile("addresses").Tier(builders.MakeTier("web").Names("web").Obj())
	for i := range maxPeers {
		peer := builders.MakePeer(peerName(i))
		for j := range maxRanges {
			exceptions := make([]string, maxExceptions)
			for k := range exceptions {
				exceptions[k] = fmt.Sprintf("2001:%x:%x::/48", 0x100+j, k+1)
			}
			peer.CIDR(fmt.Sprintf("2001:%x::/32", 0x100+j), exceptions...)
		}
		profile.Peer(peer.Obj())
	}
	return profile.Obj()
}

// access has all grants to all subjects there may be.
func access() *segv1alpha1.SegmentationProfile {
	profile := builders.MakeProfile("access")
	for i := range maxTiers {
		tier := builders.MakeTier(tierName(i)).Names(fmt.Sprintf("web-%d", i))
		for range maxAccess {
			subjects := make([]segv1alpha1.Subject, maxSubjects)
			for j := range subjects {
				subjects[j] = builders.ServiceAccount(fmt.Sprintf("%s-%d", strings.Repeat("n", 55), j), long("s", j))
			}
			tier.ClusterRoleAccess(long("c", i), subjects...)
		}
		profile.Tier(tier.Obj())
	}
	return profile.Obj()
}

// calls has all access that dependencies may grant.
func calls() *segv1alpha1.SegmentationProfile {
	profile := builders.MakeProfile("calls")
	for i := range maxTiers {
		profile.Tier(builders.MakeTier(tierName(i)).Names(fmt.Sprintf("web-%d", i)).Obj())
		profile.Role(builders.MakeRole(roleName(i)).Read("pods").Obj())
	}
	for i := range maxDependencies {
		d := builders.MakeDependency(long("d", i)).FromTier(tierName(i % maxTiers)).ToTier(tierName((i + 1) % maxTiers))
		for j := range maxAccess {
			d.Access(roleName((i + j) % maxRoles))
		}
		profile.Dependency(d.Obj())
	}
	return profile.Obj()
}

// services has a Service on each side that may have one: of tiers, with all ports there may be, and of peers.
func services() *segv1alpha1.SegmentationProfile {
	n := 0
	profile := between("services", func(dependency *builders.DependencyBuilder) {
		for i := range maxPorts {
			dependency.NamedPort(fmt.Sprintf("a-long-port-%03d", i))
		}
		n++
		if n%2 == 0 {
			*dependency = *builders.MakeDependency(long("d", n-1)).FromTier(tierName(maxTiers - 1)).ToPeer(peerName(maxPeers - 1))
			dependency.PortRange(1, 65535)
			return
		}
		dependency.ToService(tierName(maxTiers-1), long("s", n))
	})
	profile.Spec.DNS = segv1alpha1.DNS{Service: segv1alpha1.Name(long("s", 0)), NodeLocal: caches()}
	for i := range maxPeers {
		profile.Spec.Peers = append(profile.Spec.Peers, builders.MakePeer(peerName(i)).Names("other").Service(long("s", i)).Obj())
	}
	return profile
}

// caches are all addresses of DNS caches there may be, as long as they may be.
func caches() []segv1alpha1.IPAddress {
	var out []segv1alpha1.IPAddress
	for i := range maxCaches {
		out = append(out, segv1alpha1.IPAddress(fmt.Sprintf("2001:1db8:ffff:ffff:ffff:ffff:ffff:fff%d", i)))
	}
	return out
}

// consents has all paths to other profiles there may be, with names that differ from its own at the end only.
func consents() *segv1alpha1.SegmentationProfile {
	n := 0
	profile := between(long("o", 0), func(dependency *builders.DependencyBuilder) {
		n++
		if n%2 == 0 {
			dependency.FromProfile(long("o", n), tierName(maxTiers))
		} else {
			dependency.ToProfile(long("o", n), tierName(maxTiers))
		}
		dependency.FromPods(map[string]string{"app": long("v", 1)}).ToPods(map[string]string{"app": long("v", 2)})
	})
	return profile
}

// everyTier has every tier on both sides of all dependencies.
func everyTier() *segv1alpha1.SegmentationProfile {
	profile := between("every-tier", func(*builders.DependencyBuilder) {})
	for i := range profile.Spec.Dependencies {
		d := &profile.Spec.Dependencies[i]
		d.From, d.To = segv1alpha1.Endpoint{AllTiers: true}, segv1alpha1.Endpoint{AllTiers: true}
	}
	return profile
}

// servers has the API server or the internet as all peers, and the last of them as what is called.
func servers(last func(*builders.PeerBuilder)) *segv1alpha1.SegmentationProfile {
	profile := between("servers", func(*builders.DependencyBuilder) {})
	for i := range maxPeers - 1 {
		peer := builders.MakePeer(peerName(i))
		if i%2 == 0 {
			peer.APIServer()
		} else {
			peer.Internet(segv1alpha1.PrivateRangesIncluded)
		}
		profile.Spec.Peers = append(profile.Spec.Peers, peer.Obj())
	}
	peer := builders.MakePeer(peerName(maxPeers - 1))
	last(peer)
	profile.Spec.Peers = append(profile.Spec.Peers, peer.Obj())
	for i := range profile.Spec.Dependencies {
		profile.Spec.Dependencies[i].To = segv1alpha1.Endpoint{Peer: segv1alpha1.Name(peerName(maxPeers - 1))}
	}
	return profile
}

// serversWithPorts has the ports of the internet, and of all dependencies as many as there may be.
func serversWithPorts() *segv1alpha1.SegmentationProfile {
	profile := servers(func(peer *builders.PeerBuilder) { peer.Internet(segv1alpha1.PrivateRangesExcluded) })
	profile.Name = "servers-with-ports"
	all := builders.MakeDependency("")
	for i := range maxPorts {
		all.PortRange(int32(60000+i), 65535)
	}
	for i := range profile.Spec.Dependencies {
		profile.Spec.Dependencies[i].Ports = all.Obj().Ports
	}
	return profile
}

// serversWithout has the API server as what is called.
func serversWithout() *segv1alpha1.SegmentationProfile {
	profile := servers(func(peer *builders.PeerBuilder) { peer.APIServer() })
	profile.Name = "servers-without-ports"
	return profile
}

// rules has all roles with all rules there may be.
func rules() *segv1alpha1.SegmentationProfile {
	profile := builders.MakeProfile("rules").Tier(builders.MakeTier("web").Names("web").Obj())
	for i := range maxRoles {
		role := builders.MakeRole(roleName(i))
		for range maxRules {
			rule := segv1alpha1.PolicyRule{Verbs: []string{"get", "list", "update"}}
			for k := range 9 {
				rule.APIGroups = append(rule.APIGroups, fmt.Sprintf("some-%d.example.com", k))
				rule.Resources = append(rule.Resources, fmt.Sprintf("resources-%d/log", k))
				rule.ResourceNames = append(rule.ResourceNames, fmt.Sprintf("some-name-%d", k))
			}
			role.Rules(rule)
		}
		profile.Role(role.Obj())
	}
	return profile.Obj()
}

// everything has something of all of them: every list of named things is at its bound, and
// what they hold is as much as one object may.
func everything() *segv1alpha1.SegmentationProfile {
	profile := references()
	profile.Name = "everything"
	spec := &profile.Spec
	named, granted := namespaces().Spec.Tiers, access().Spec.Tiers[0].Access[0]
	for i := range spec.Tiers {
		spec.Tiers[i].Namespaces.Names = named[i].Namespaces.Names[:32]
		for j := range spec.Tiers[i].Access {
			spec.Tiers[i].Access[j].Subjects = granted.Subjects[:2]
		}
	}
	ranges, allowed := blocks().Spec.Peers, rules().Spec.Roles
	for i := range spec.Peers {
		spec.Peers[i].CIDRs = ranges[i].CIDRs[:4]
		spec.Roles[i].Rules = allowed[i].Rules[:4]
	}
	spec.DNS = services().Spec.DNS
	numbers, selectors := ports().Spec.Dependencies, keys().Spec.Dependencies
	for i := range spec.Dependencies {
		dependency := &spec.Dependencies[i]
		dependency.Ports = numbers[i].Ports[1:2] // A number: names cannot be resolved on addresses.
		if dependency.From.Tier != "" {
			dependency.From.Pods = selectors[i].To.Pods
		} else {
			dependency.To.Pods = selectors[i].From.Pods
		}
	}
	return profile
}
