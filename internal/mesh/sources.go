package mesh

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// sources are those that may call, for one rule.
func (r *renderer) sources(rule *plan.Rule) []From {
	remote := &rule.Remote
	if remote.Tier == "" && !remote.AllTiers && remote.Namespaces == nil {
		return r.addressSources(rule)
	}
	namespaces := r.callers(remote)
	switch {
	case len(remote.ServiceAccounts) > 0:
		return r.accountSources(namespaces, remote.ServiceAccounts)
	case remote.Pods != nil:
		r.findMoref("dependency %s: a mesh sees no labels of pods, and lets every pod of the namespaces that call pass; "+
			"give the service accounts that the pods run as in from.serviceAccounts", rule.Dependency)
	}
	return namespaceSources(namespaces)
}

// callers are the namespaces that a party stands for.
func (r *renderer) callers(party *plan.Party) []string {
	switch {
	case party.AllTiers:
		return r.allMembers()
	case party.Profile != "":
		return r.facts.Members(plan.TierOf{Profile: party.Profile, Tier: party.Tier})
	case party.Tier != "":
		return r.members(party.Tier)
	case party.Namespaces.Selector != nil:
		return r.facts.Chosen[party.Peer]
	default:
		return party.Namespaces.Names
	}
}

// allMembers are the namespaces of all tiers.
func (r *renderer) allMembers() []string {
	lists := make([][]string, 0, len(r.plan.Tiers))
	for i := range r.plan.Tiers {
		lists = append(lists, r.members(r.plan.Tiers[i].Name))
	}
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

// members are the namespaces of a tier of the profile. The namespace itself is one of its own tier, whatever is known.
func (r *renderer) members(tier string) []string {
	known := r.facts.Members(plan.TierOf{Profile: r.plan.Profile, Tier: tier})
	at, found := slices.BinarySearch(known, r.namespace)
	if tier != r.tier.Name || found || r.namespace == "" {
		return known
	}
	return slices.Insert(slices.Clone(known), at, r.namespace)
}

func namespaceSources(namespaces []string) []From {
	if len(namespaces) == 0 {
		return nil
	}
	return []From{{Source: Source{Namespaces: namespaces}}}
}

// accountSources stand for service accounts, in each of the namespaces.
func (r *renderer) accountSources(namespaces, accounts []string) []From {
	if len(namespaces) == 0 {
		return nil
	}
	principals := make([]string, 0, len(namespaces)*len(accounts))
	for _, namespace := range namespaces {
		for _, account := range accounts {
			principals = append(principals, r.plan.Istio.TrustDomain+"/ns/"+namespace+"/sa/"+account)
		}
	}
	return []From{{Source: Source{Principals: principals}}}
}

// addressSources stand for addresses: those from which packets come to the workload, as for NetworkPolicies, and not those
// that a header of HTTP says (remoteIpBlocks), which only a trusted proxy in front makes true.
func (r *renderer) addressSources(rule *plan.Rule) []From {
	if r.plan.Istio.StrictTLS && len(rule.Remote.CIDRs) > 0 {
		r.findLessf("dependency %s: peer %s is addresses, and with mesh.istio.mutualTLS Strict nobody passes who has no part in the "+
			"mesh; set it to Unmanaged, or have a gateway of the mesh call in the peer's place", rule.Dependency, rule.Remote.Peer)
	}
	return blockSources(rule.Remote.CIDRs)
}

// blockSources puts blocks without exceptions into one source. A source with exceptions has all of them hold at once, so
// each block has its own.
func blockSources(blocks []networkingv1.IPBlock) []From {
	var whole []string
	var out []From
	for _, block := range blocks {
		if len(block.Except) == 0 {
			whole = append(whole, block.CIDR)
			continue
		}
		out = append(out, From{Source: Source{IPBlocks: []string{block.CIDR}, NotIPBlocks: block.Except}})
	}
	if len(whole) > 0 {
		out = slices.Insert(out, 0, From{Source: Source{IPBlocks: whole}})
	}
	return out
}
